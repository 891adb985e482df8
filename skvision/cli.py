"""The command ``skvision``: learn to tell pictures apart, and predict.

What is slow to import is imported where it is used, so that ``--help`` and mistakes in
the arguments are answered at once.
"""

import argparse
import json
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from skvision import __version__
from skvision._app.standard_output import whole_output
from skvision._contract.user_error import UserError, user_errors, visible
from skvision._model_files.replace_file import check_place, replace_file

_MOST_CLASSES = 8  # that are named in one line
_IMAGES_AT_A_TIME = 256  # whose features are in memory
_FEATURES = ("hog", "color", "words")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What follows the name of the command; None is that of this process.

    Returns
    -------
    status : int
        0; 2 after a mistake of the user's or where the output cannot be written, both
        told in one line on the standard error; 130 after an interrupt from the
        keyboard; 1 where the reader of the output has gone.
    """
    try:
        with whole_output(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _run(_parser().parse_args(arguments))
    except UserError as error:
        return _end(f"error: {error}", 2)
    except KeyboardInterrupt:
        return _end("interrupted", 130)
    except BrokenPipeError:  # of "skvision … | head"
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    needed = ["rich", "skops"] + ["jinja2"] * (options.report is not None)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the command line needs {' and '.join(missing)}: "
            f'pip install "skvision[cli]"'
        )
    from joblib import parallel_config

    # Here and not in the steps: how many threads to take is not the model's to say.
    with parallel_config("threading", n_jobs=-1):
        options.run(options)


def _show_warning(message: Warning | str, category: Any, *_: Any, **__: Any) -> None:
    _end(f"warning: {message}", 0)


def _end(message: str, status: int) -> int:
    """Tell something in one line on the standard error."""
    line = " ".join(map(str.strip, message.splitlines()))
    with suppress(OSError):  # of the standard error, where nothing else can be told
        print(f"skvision: {visible(line)}", file=sys.stderr, flush=True)
    return status


# Arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SystemExit(_end(f"error: {message} (see {self.prog} --help)", 2))


def _number(
    kind: type[int] | type[float], is_allowed: Callable[[Any], bool], what: str
) -> Callable[[str], int | float]:
    """Return the reader of an argument."""

    def read(text: str) -> int | float:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not is_allowed(number):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return number

    return read


def _features(text: str) -> tuple[str, ...]:
    """Read a list of features, in their own order."""
    names = text.split(",")
    odd = [name for name in names if name not in _FEATURES]
    if odd:
        raise argparse.ArgumentTypeError(
            f"{odd[0]!r} is none of the features {', '.join(_FEATURES)}"
        )
    return tuple(name for name in _FEATURES if name in names)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="skvision", description="Learn to tell pictures apart.")
    parser.add_argument(
        "--version", action="version", version=f"skvision {__version__}"
    )
    parser.set_defaults(report=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="train on digits that come along")
    demo.set_defaults(run=_demo)
    train = commands.add_parser("train", help="train on a folder of pictures")
    train.set_defaults(run=_train)
    _add_picture_arguments(train)
    _add_train_arguments(train)
    compare = commands.add_parser(
        "compare", help="cross-validate ways to tell a folder of pictures apart"
    )
    compare.set_defaults(run=_compare, test=None)
    _add_picture_arguments(compare)
    compare.add_argument(
        "--folds",
        type=_number(int, lambda x: 2 <= x <= 20, "a whole number from 2 to 20"),
        default=5,
        metavar="NUMBER",
        help="of parts, each predicted by what all others have taught (default: 5)",
    )
    compare.add_argument(
        "--csv", metavar="OUT", help="file to save the table in, with all its digits"
    )
    report = commands.add_parser(
        "report", help="write a web page on a model: scores, mistakes, what it sees"
    )
    report.set_defaults(run=_report)
    report.add_argument("model", metavar="MODEL", help="a file that train has saved")
    report.add_argument(
        "folder",
        metavar="FOLDER",
        help="pictures not used in training, a folder for each class",
    )
    report.add_argument(
        "--out",
        dest="report",
        metavar="FILE.html",
        required=True,
        help="where to write the page, which needs nothing else to be shown",
    )
    predict = commands.add_parser("predict", help="tell what is in pictures")
    predict.set_defaults(run=_predict)
    predict.add_argument("model", metavar="MODEL", help="a file that train has saved")
    predict.add_argument("files", metavar="FILE", nargs="+", help="pictures")
    predict.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object a line, with the probabilities of all classes, "
        "instead of file, label and probability between tabs",
    )
    return parser


def _add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="FOLDER", help="it has a folder of pictures for each class"
    )
    parser.add_argument(
        "--groups",
        metavar="FILE.csv",
        help="table with the columns file (a path from FOLDER) and group; the pictures "
        "of a group are held out together or not at all",
    )
    parser.add_argument(
        "--size",
        type=_number(int, lambda x: 16 <= x <= 1024, "a whole number from 16 to 1024"),
        default=64,
        metavar="PIXELS",
        help="side of the square that pictures are brought to (default: 64)",
    )
    parser.add_argument(
        "--seed",
        type=_number(
            int, lambda x: 0 <= x < 2**32, "a whole number from 0 to 4294967295"
        ),
        default=0,
        help="of all that is drawn: pictures to hold out, visual words (default: 0)",
    )


def _add_train_arguments(train: argparse.ArgumentParser) -> None:
    held_out = train.add_mutually_exclusive_group()
    held_out.add_argument(
        "--test", metavar="FOLDER", help="pictures to measure the accuracy on"
    )
    held_out.add_argument(
        "--test-size",
        type=_number(float, lambda x: 0 < x < 1, "a number between 0 and 1"),
        default=0.2,
        metavar="SHARE",
        help="without --test, the share of pictures to hold out (default: 0.2)",
    )
    train.add_argument(
        "--features",
        type=_features,
        default=_FEATURES,
        metavar="NAMES",
        help="what to describe pictures by, a list with commas of hog (edges), color "
        "and words (small patches) (default: hog,color,words)",
    )
    train.add_argument("--model", metavar="OUT", help="file to save the model in")
    train.add_argument(
        "--report",
        metavar="FILE.html",
        help="web page to write: scores, mistakes, what the model sees",
    )


# Commands


def _demo(options: argparse.Namespace) -> None:
    import numpy as np
    from sklearn.datasets import load_digits

    from skvision._app.train_and_score import Pictures, train_and_score

    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)
    print(f"{len(images)} pictures of handwritten digits, 8 x 8 pixels.")
    pictures = Pictures(
        sources=list(images),
        names=[f"digit {i}" for i in range(len(images))],
        labels=digits.target.astype(str),
    )
    # edges tell digits apart, and what else there is takes long to compile
    train_and_score(pictures, size=32, test_size=0.2, seed=0, features=("hog",))
    print("Next, with pictures of your own: skvision train FOLDER --model OUT")


def _train(options: argparse.Namespace) -> None:
    if options.groups and options.test:
        raise UserError(
            "--groups keeps pictures together when some of FOLDER are held out, and "
            "with --test none are: leave out one of the two"
        )
    for file in (options.model, options.report):
        if file is not None:
            check_place(file)
    _check_apart(options)
    from skvision._app.train_and_score import train_and_score

    pictures = _find_pictures(options)
    trained = train_and_score(
        pictures, options.size, options.test_size, options.seed, options.features
    )
    if options.model:
        from skvision._model_files.model_file import save_model

        told = {"training": trained.training, "held_out": trained.held_out}
        with user_errors():
            save_model(options.model, trained.pipeline, **told)
        name = visible(options.model)
        print(f"Saved in {name}. Next: skvision predict {_quoted(name)} FILE...")
    else:
        print("The model was not saved: pass --model OUT to keep it.")
    if options.report:
        _write_report(options, trained.pipeline, trained.evidence, trained.held_out, {})


def _check_apart(options: argparse.Namespace) -> None:
    """Refuse to write one file over another."""
    roles: dict[Path, str] = {}
    for role in ("groups", "model", "csv", "report"):
        file = getattr(options, role, None)
        if file and roles.setdefault(Path(file).resolve(), role) != role:
            other = roles[Path(file).resolve()]
            raise UserError(f"{file!r} cannot be both the {role} and the {other}")


def _write_report(
    options: argparse.Namespace,
    pipeline: Any,
    evidence: Any,
    held_out: dict[str, Any],
    about: dict[str, Any],
) -> None:
    from datetime import date

    from skvision._app.html_report import write_report

    with user_errors():
        n_bytes = Path(options.model).stat().st_size if options.model else None
        write_report(
            options.report,
            pipeline,
            evidence,
            held_out=held_out,
            about=about,
            n_bytes=n_bytes,
            date=date.today(),
        )
    print(f"The report is in {visible(options.report)}: open it in a browser.")


def _compare(options: argparse.Namespace) -> None:
    if options.csv is not None:
        check_place(options.csv)
    _check_apart(options)
    from skvision._app.compare import compare
    from skvision._app.comparison_table import print_comparison

    pictures = _find_pictures(options)
    table = compare(pictures, options.size, options.folds, options.seed)
    print_comparison(table)
    if options.csv:
        with user_errors():
            replace_file(options.csv, table.to_csv(index=False).encode())
        print(f"The table is in {visible(options.csv)}.")
    groups = f" --groups {_quoted(options.groups)}" if options.groups else ""
    print(f"Next: skvision train {_quoted(options.folder)}{groups} --model OUT")


def _quoted(name: str) -> str:
    """Return a name as one types it into a terminal, of whatever system."""
    return f'"{visible(name)}"' if " " in name else visible(name)


def _find_pictures(options: argparse.Namespace) -> Any:
    import numpy as np

    from skvision._app.holdout import read_groups
    from skvision._app.train_and_score import Pictures
    from skvision.datasets import load_image_folder

    with user_errors():
        training = load_image_folder(options.folder)
        _tell_pictures(training, options.folder)
        paths, labels, n_training, groups = training.paths, training.labels, None, None
        n_ignored = len(training.ignored)
        if options.groups:
            groups = read_groups(Path(options.groups), Path(options.folder), paths)
        if options.test:
            test = load_image_folder(options.test)
            _tell_pictures(test, options.test)
            n_training = len(paths)
            paths = np.concatenate([paths, test.paths])
            labels = np.concatenate([labels, test.labels])
            n_ignored += len(test.ignored)
            if test.names != training.names:
                odd = sorted(set(training.names) ^ set(test.names))
                raise ValueError(
                    f"{options.folder!r} and {options.test!r} must have the same "
                    f"classes; only one of them has {', '.join(map(repr, odd[:3]))}"
                    f"{', …' if len(odd) > 3 else ''}"
                )
    paths = paths.tolist()
    return Pictures(paths, paths, labels, n_training, groups, n_ignored)


def _tell_pictures(data: Any, folder: str) -> None:
    counts = [f"{name} {n}" for name, n in Counter(data.labels.tolist()).items()]
    named = ", ".join(counts[:_MOST_CLASSES])
    more = ", ..." if len(counts) > _MOST_CLASSES else ""
    ignored = f" {len(data.ignored)} other files are ignored." if data.ignored else ""
    print(
        f"{len(data.paths)} pictures of {len(counts)} classes in {visible(folder)}: "
        f"{visible(named)}{more}.{ignored}"
    )


def _report(options: argparse.Namespace) -> None:
    check_place(options.report)
    _check_apart(options)
    from skvision._app.fingerprints import find_known
    from skvision._app.train_and_score import Pictures, score_model
    from skvision._model_files.model_file import load_model
    from skvision.datasets import load_image_folder

    with user_errors():
        pipeline, about = load_model(options.model)
        data = load_image_folder(options.folder)
        _tell_pictures(data, options.folder)
        odd = sorted(set(data.names).difference(pipeline[-1].classes_.tolist()))
        if odd:
            raise ValueError(
                f"{options.folder!r} has classes that {options.model!r} does not know: "
                f"{', '.join(map(repr, odd[:3]))}{', …' if len(odd) > 3 else ''}"
            )
    paths = data.paths.tolist()
    pictures = Pictures(paths, paths, data.labels, n_ignored=len(data.ignored))
    evidence = score_model(pipeline, pictures)
    known = find_known(evidence.images, about)
    if known.any():
        what = "pictures are among those that the model has learnt from"
        _end(
            f"warning: {known.sum()} of {len(known)} {what}: the scores are too good", 0
        )
    held_out = {"from": "a test folder", "known": int(known.sum())}
    _write_report(options, pipeline, evidence, held_out, about)


def _predict(options: argparse.Namespace) -> None:
    from skvision._app.train_and_score import read_pictures
    from skvision._model_files.model_file import load_model

    with user_errors():
        pipeline, _ = load_model(options.model)
    images = read_pictures(pipeline[0], options.files)
    classes = pipeline[-1].classes_.tolist()
    for start in range(0, len(images), _IMAGES_AT_A_TIME):
        block = slice(start, start + _IMAGES_AT_A_TIME)
        features = pipeline[1:-1].transform(images[block])
        labels = pipeline[-1].predict(features).tolist()
        table = pipeline[-1].predict_proba(features).tolist()
        for file, label, row in zip(options.files[block], labels, table, strict=True):
            probabilities = dict(zip(classes, row, strict=True))
            print(_prediction(file, label, probabilities, options.json))


def _prediction(
    file: str, label: Any, probabilities: dict[Any, float], as_json: bool
) -> str:
    """Return a line of ``skvision predict``."""
    probability = probabilities[label]
    if not all(map(math.isfinite, probabilities.values())):
        raise UserError(f"{file!r} has no prediction: the model gives {probability}")
    if as_json:
        values = (file, label, probability, probabilities)
        keys = ("file", "label", "probability", "probabilities")
        return json.dumps(dict(zip(keys, values, strict=True)), allow_nan=False)
    return f"{visible(file)}\t{visible(str(label))}\t{probability:.4f}"
