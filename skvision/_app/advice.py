"""The command that was meant, where a folder has another layout."""

from skvision._app.label_source import LabelSource
from skvision._app.quoted import quoted
from skvision.datasets._layout_error import FolderLayoutError


def advise(
    error: FolderLayoutError, command: str, labels: LabelSource, *, is_test: bool
) -> str:
    """Return what is wrong with a folder, and the command that was meant.

    Parameters
    ----------
    error : FolderLayoutError
        What is wrong.
    command : str
        The beginning of the command, such as "skvision train".
    labels : LabelSource
        Where the command takes the labels from.
    is_test : bool
        Whether its next argument is a folder to test on, and not one to train on.
    """
    folder = error.test if is_test else error.training
    if folder is None:
        return error.what if is_test else str(error)
    start = f"{command} {quoted(str(folder))}"
    if command == "skvision train" and error.test not in (None, folder):
        start += f" --test {quoted(str(error.test))}"
    sources = [labels] if str(labels) else _sources(error)
    commands = [f"{start}{source}" for source in sources]
    return f"{error.what} Did you mean: {' or: '.join(commands)}"


def _sources(error: FolderLayoutError) -> list[LabelSource]:
    """Return where the labels may come from."""
    sources = []
    if error.table:
        sources.append(LabelSource(labels=str(error.table)))
    if error.label_pattern:
        sources.append(LabelSource(label_pattern=error.label_pattern))
    return sources or [LabelSource()]
