"""The command that was meant, where a folder has another layout."""

from skvision._app.label_source import LabelSource
from skvision._app.quoted import quoted
from skvision.datasets._layout_error import FolderLayoutError


def advise(error: FolderLayoutError, command: str, *, is_test: bool = False) -> str:
    """Return what is wrong with a folder, and the command that was meant.

    Parameters
    ----------
    error : FolderLayoutError
        What is wrong.
    command : str
        The beginning of the command, such as "skvision train".
    is_test : bool, default=False
        Whether its next argument is a folder to test on, and not one to train on.
    """
    is_flat = bool(error.table or error.label_pattern)
    folder = error.test if is_test and not is_flat else error.training
    if folder is None:
        return f"{error.what} {error.advice}" if not is_test else error.what
    start = f"{command} {quoted(str(folder))}"
    if error.test and command == "skvision train":
        start += f" --test {quoted(str(error.test))}"
    commands = [f"{start}{labels}" for labels in _sources(error)]
    return f"{error.what} Did you mean: {' or: '.join(commands)}"


def _sources(error: FolderLayoutError) -> list[LabelSource]:
    """Return where the labels may come from."""
    sources = []
    if error.table:
        sources.append(LabelSource(labels=str(error.table)))
    if error.label_pattern:
        sources.append(LabelSource(label_pattern=error.label_pattern))
    return sources or [LabelSource()]
