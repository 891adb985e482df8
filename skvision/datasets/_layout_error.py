"""Error about a folder whose layout is another one, which says what to pass instead."""

from pathlib import Path


class FolderLayoutError(ValueError):
    """Error about a folder that does not have a folder for each class.

    Parameters
    ----------
    what : str
        What the folder is, as a sentence.
    advice : str
        What to do, as sentences for users of Python.
    training, test : Path or None
        The folders to train on and to test on, as far as they are known; the same one
        if it serves for either.
    table : Path or None
        A table that may have the labels.
    label_pattern : str or None
        A regular expression that finds labels in the names of the files.
    """

    def __init__(
        self,
        what: str,
        advice: str,
        training: Path | None = None,
        test: Path | None = None,
        table: Path | None = None,
        label_pattern: str | None = None,
    ) -> None:
        # pickle calls the class with these
        super().__init__(what, advice, training, test, table, label_pattern)
        self.what = what
        self.advice = advice
        self.training = training
        self.test = test
        self.table = table
        self.label_pattern = label_pattern

    def __str__(self) -> str:
        return f"{self.what} {self.advice}"
