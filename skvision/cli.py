"""The command ``skvision``: its arguments, and how it ends.

What each command does is in `skvision._app.commands`.
"""

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from skvision import __version__
from skvision._app import start
from skvision._app.standard_error import print_error
from skvision._app.standard_output import whole_output
from skvision._contract.user_error import UserError

# fmt: off
_FEATURES = (
    "hog", "hog-8x8", "hog-10x10", "color", "words", "words-unmirrored", "fine-words",
    "fine-words-unmirrored",
)
# fmt: on


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        The arguments after the name of the command; None takes those of this process.

    Returns
    -------
    status : int
        0 if all went well; 2 after a mistake of the user, or if the output cannot be
        written, with one line on the standard error; 130 after an interrupt from the
        keyboard; 1 if some of the files to predict cannot be read, which the standard
        error names, or if the reader of the output has gone.
    """
    try:
        with whole_output(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            typed = sys.argv[1:] if arguments is None else list(arguments)
            options = _parser().parse_args(typed, argparse.Namespace(typed=typed))
            return start.run(options)
    except UserError as error:
        print_error(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        print_error("interrupted")
        return 130
    except BrokenPipeError:  # of "skvision … | head"
        return 1


def _show_warning(message: Warning | str, category: Any, *_: Any, **__: Any) -> None:
    if getattr(category, "__name__", "") == "ConvergenceWarning":
        # Its own text names parameters that the command does not have.
        message = "a fit ended before its optimum, so the model may be a little worse"
    print_error(f"warning: {message}")


# Arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print_error(f"error: {message} (see {self.prog} --help)")
        raise SystemExit(2)


def _number(
    kind: type[int] | type[float], is_allowed: Callable[[Any], bool], what: str
) -> Callable[[str], int | float]:
    """Return a function that reads a number from an argument."""

    def read(text: str) -> int | float:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not is_allowed(number):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return number

    return read


def _fraction(text: str) -> float:
    """Read a fraction; a percentage gets the fraction suggested that was meant."""
    what = "a number between 0 and 1"
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if 1 <= percent < 100:
        what += f": for {percent:g} %, pass {percent / 100:g}"
    return float(_number(float, lambda x: 0 < x < 1, what)(text))


def _features(text: str) -> Any:
    """Read "auto", or a list of features in the order of `_FEATURES`."""
    if text == "auto":
        return text
    names = text.split(",")
    odd = [name for name in names if name not in _FEATURES]
    if odd:
        raise argparse.ArgumentTypeError(
            f"{odd[0]!r} is not one of the features {', '.join(_FEATURES)}"
        )
    return tuple(name for name in _FEATURES if name in names)


def _size(text: str) -> Any:
    """Read the side of images, or "auto"."""
    if text == "auto":
        return text
    what = "auto or a whole number from 16 to 1024"
    return _number(int, lambda x: 16 <= x <= 1024, what)(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="skvision", description="Learn to classify images.")
    parser.add_argument(
        "--version", action="version", version=f"skvision {__version__}"
    )
    parser.set_defaults(report=None)
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    commands.add_parser("demo", help="train on digits that come with scikit-learn")
    train = commands.add_parser("train", help="train on a folder of images")
    _add_image_arguments(train)
    _add_bad_file_arguments(train)
    _add_train_arguments(train)
    compare = commands.add_parser(
        "compare", help="cross-validate several models on a folder of images"
    )
    _add_image_arguments(compare)
    _add_bad_file_arguments(compare)
    _add_compare_arguments(compare)
    report = commands.add_parser(
        "report", help="write a web page on a model: scores, mistakes, its weights"
    )
    _add_report_arguments(report)
    _add_bad_file_arguments(report)
    predict = commands.add_parser("predict", help="predict the classes of images")
    _add_predict_arguments(predict)
    return parser


def _add_image_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="FOLDER", help="it has a folder of images for each class"
    )
    _add_label_arguments(parser)
    parser.add_argument(
        "--groups",
        metavar="FILE.csv",
        help="table with the columns file (a path from FOLDER) and group; the images "
        "of a group are held out together or not at all",
    )
    parser.add_argument(
        "--size",
        type=_size,
        default="auto",
        metavar="PIXELS",
        help="side of the square that images are brought to; auto is 32, 64 or 128, by "
        "the sizes of the images (default: auto)",
    )
    parser.add_argument(
        "--resize",
        choices=("auto", "crop", "pad", "stretch"),
        default="auto",
        help="how an image becomes a square: its longer side is cut off, black edges "
        "are added, or its proportions change; auto crops, or stretches where cropping "
        "would cut off a third of most images (default: auto)",
    )
    parser.add_argument(
        "--background",
        type=lambda text: None if text == "none" else text,
        default="auto",
        metavar="COLOR",
        help="color behind transparent images, such as white or '#ffcc00'; auto is "
        "black for images that are nearly white, and white for others; none ignores "
        "the transparency (default: auto)",
    )
    parser.add_argument(
        "--value-range",
        nargs=2,
        type=_number(float, math.isfinite, "a finite number"),
        metavar=("LOW", "HIGH"),
        help="levels of black and white in files with more than 8 bits, or with floats "
        "(default: 0, and the highest number of the bits that an image uses)",
    )
    parser.add_argument(
        "--seed",
        type=_number(
            int, lambda x: 0 <= x < 2**32, "a whole number from 0 to 4294967295"
        ),
        default=0,
        help="seed of everything that is random, such as which images are held out "
        "(default: 0)",
    )


def _add_bad_file_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out files that cannot be read, with a warning",
    )
    parser.add_argument(
        "--bad-list",
        metavar="FILE",
        help="file to list those files in, one a line: file, tab, reason",
    )
    parser.add_argument(
        "--max-pixels",
        type=_number(int, lambda x: x >= 1, "a whole number from 1"),
        default=100_000_000,
        metavar="NUMBER",
        help="files that decode to more pixels cannot be read (default: 100000000)",
    )


def _add_label_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--labels",
        metavar="FILE.csv",
        help="CSV file with the columns file (a path from FOLDER) and label, in place "
        "of a folder for each class",
    )
    source.add_argument(
        "--label-pattern",
        metavar="REGEX",
        help="regular expression whose first group is the class in the name of a file, "
        r"such as '^(\w+)\.' for cat.123.jpg, in place of a folder for each class",
    )
    parser.add_argument(
        "--file-column",
        metavar="NAME",
        help="column of the files (default: file)",
    )
    parser.add_argument(
        "--label-column",
        metavar="NAME",
        help="column of the classes (default: label)",
    )
    parser.add_argument(
        "--split-column",
        metavar="NAME",
        help="column that says train, validation or test: test images are held out, or "
        "else those for validation, and all others are trained on",
    )


def _add_compare_arguments(compare: argparse.ArgumentParser) -> None:
    compare.add_argument(
        "--folds",
        type=_number(int, lambda x: 2 <= x <= 20, "a whole number from 2 to 20"),
        default=5,
        metavar="NUMBER",
        help="number of parts; each is predicted by models fitted to all others "
        "(default: 5)",
    )
    compare.add_argument(
        "--csv", metavar="OUT", help="file to save the table in, with all its digits"
    )


def _add_report_arguments(report: argparse.ArgumentParser) -> None:
    report.add_argument("model", metavar="MODEL", help="a file that train has saved")
    report.add_argument(
        "folder",
        metavar="FOLDER",
        help="images that were not used in training, a folder for each class",
    )
    _add_label_arguments(report)
    report.add_argument(
        "--out",
        dest="report",
        metavar="FILE.html",
        required=True,
        help="where to write the page, which is a single file",
    )


def _add_predict_arguments(predict: argparse.ArgumentParser) -> None:
    predict.add_argument("model", metavar="MODEL", help="a file that train has saved")
    predict.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="images, folders of images, patterns such as '*.jpg', or - for a list of "
        "files on the standard input, one in a line",
    )
    predict.add_argument(
        "--recursive",
        action="store_true",
        help="also read the images in folders inside a folder",
    )
    form = predict.add_mutually_exclusive_group()
    form.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const="json",
        default="text",
        help="print a JSON object a line, with the probabilities of all classes, "
        "instead of file, label and probability with tabs between them",
    )
    form.add_argument(
        "--csv",
        dest="form",
        action="store_const",
        const="csv",
        help="print a table in CSV with a header instead",
    )
    predict.add_argument(
        "--top",
        type=_number(int, lambda x: x >= 1, "a whole number from 1"),
        metavar="K",
        help="print the K most probable classes of each image (default: 1; with --json "
        "all)",
    )
    predict.add_argument(
        "--sort-into",
        metavar="DIR",
        help="copy each image into DIR/label as well; files that are there stay",
    )


def _add_train_arguments(train: argparse.ArgumentParser) -> None:
    held_out = train.add_mutually_exclusive_group()
    held_out.add_argument(
        "--test",
        metavar="FOLDER",
        help="images to measure the accuracy on; with --labels, it may be a CSV file "
        "like that one",
    )
    held_out.add_argument(
        "--test-size",
        type=_fraction,
        default=0.2,
        metavar="FRACTION",
        help="without --test, the fraction of images to hold out (default: 0.2)",
    )
    train.add_argument(
        "--features",
        type=_features,
        default="auto",
        metavar="NAMES",
        help="features that describe images, a list with commas of "
        f"{', '.join(_FEATURES)}; auto chooses among them (default: auto)",
    )
    train.add_argument(
        "--time-budget",
        type=_number(float, lambda x: 0 < x < math.inf, "a number above 0"),
        metavar="SECONDS",
        help="how long to choose; the result then depends on the speed of the machine",
    )
    train.add_argument("--model", metavar="OUT", help="file to save the model in")
    train.add_argument(
        "--report",
        metavar="FILE.html",
        help="web page to write: scores, mistakes, the weights of the model",
    )
