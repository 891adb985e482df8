"""Start a command: what is checked before anything slow is imported.

So mistakes in the arguments are answered at once.
"""

import argparse
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from skvision._contract.user_error import UserError
from skvision._model_files.replace_file import check_place

_WRITTEN = {  # the arguments of a command that name a file to write
    "train": ("model", "report", "bad_list"),
    "compare": ("csv", "bad_list"),
    "report": ("report", "bad_list"),
}
_MANY_OBJECTS = 100_000  # between two collections; without, it is 700
# The arguments that name a file.
_NAMED = ("groups", "labels", "model", "csv", "report", "bad_list")
_COLUMNS = {  # the arguments that name a column, and those that name its table
    "file_column": ("labels", "groups"),
    "label_column": ("labels",),
    "split_column": ("labels",),
}


def run(options: argparse.Namespace) -> int:
    """Run the command that the arguments name, and return the exit status."""
    _check_packages(options)
    _check_files(options)
    with _few_collections():
        from joblib import parallel_config

        from skvision._app.first_run import tell_of_compiling

        # Here and not in the steps: the model does not decide how many threads to use.
        with parallel_config("threading", n_jobs=-1), tell_of_compiling():
            if options.command == "predict":
                from skvision._app.predict_command import predict

                return predict(options)
            from skvision._app import commands

            getattr(commands, options.command)(options)
            return 0


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage rarely: modules make many objects, and hardly any garbage."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _check_packages(options: argparse.Namespace) -> None:
    needed = ["rich"] + ["jinja2"] * (options.report is not None)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the command line needs {' and '.join(missing)}: "
            'run python -m pip install ".[cli]" in a clone of skvision'
        )


def _check_files(options: argparse.Namespace) -> None:
    """Refuse files that cannot be written, or would be written over one another."""
    if options.command == "train" and options.groups and options.test:
        raise UserError(
            "--groups keeps images together when some of FOLDER are held out, and "
            "with --test none are: leave out one of the two"
        )
    _check_columns(options)
    if options.command == "predict" and options.sort_into is not None:
        _check_folder(options.sort_into)
    for role in _WRITTEN.get(options.command, ()):
        file = getattr(options, role)
        if file is not None:
            check_place(file)
    roles: dict[Path, str] = {}
    for role in _NAMED:
        file = getattr(options, role, None)
        if file and roles.setdefault(Path(file).resolve(), role) != role:
            other = roles[Path(file).resolve()]
            if {role, other} == {"groups", "labels"}:  # one table may have both
                continue
            both = f"the {role} and the {other}".replace("_", " ")
            raise UserError(f"{file!r} cannot be both {both}")


def _check_columns(options: argparse.Namespace) -> None:
    """Refuse names of columns without a table, and splits beside test images."""
    given = vars(options)
    for option, needed in _COLUMNS.items():
        if given.get(option) and not any(map(given.get, needed)):
            tables = " or ".join(f"--{table}" for table in needed)
            raise UserError(f"--{option.replace('_', '-')} names a column of {tables}")
    if given.get("split_column") and given.get("test"):
        raise UserError(
            "--split-column and --test both say which images to test on: leave out "
            "one of the two"
        )


def _check_folder(folder: str) -> None:
    """Refuse a folder that files cannot be written into, if it exists."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise UserError(f"{folder!r} is not a folder: --sort-into needs one")
    if os.path.isdir(folder) and not os.access(folder, os.W_OK):
        raise UserError(f"{folder!r} cannot be written into: permission denied")
