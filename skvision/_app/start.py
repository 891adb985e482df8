"""Start a command: what is checked before anything slow is imported.

So mistakes in the arguments are answered at once.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

from skvision._contract.user_error import UserError
from skvision._model_files.replace_file import check_place

_WRITTEN = {  # the arguments of a command that name a file to write
    "train": ("model", "report", "bad_list"),
    "compare": ("csv", "bad_list"),
    "report": ("report", "bad_list"),
}
_NAMED = (
    "groups",
    "labels",
    "model",
    "csv",
    "report",
    "bad_list",
)  # the arguments that name a file
_COLUMNS = {  # the arguments that name a column, and those that name its table
    "file_column": ("labels", "groups"),
    "label_column": ("labels",),
    "split_column": ("labels",),
}


def run(options: argparse.Namespace) -> None:
    """Run the command that the arguments name."""
    _check_packages(options)
    _check_files(options)
    from joblib import parallel_config

    from skvision._app import commands

    # Here and not in the steps: the model does not decide how many threads to use.
    with parallel_config("threading", n_jobs=-1):
        getattr(commands, options.command)(options)


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
