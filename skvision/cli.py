"""The command ``skvision``: learn to tell pictures apart, and predict.

What is slow to import is imported where it is used, so that ``--help`` and mistakes in
the arguments are answered at once.
"""

import argparse
import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from skvision import __version__
from skvision._user_error import UserError, user_errors, visible

_MOST_CLASSES = 8  # that are named in one line
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
        0; 2 after a mistake of the user's, told in one line on the standard error; 130
        after an interrupt from the keyboard; 1 where the reader of the output has gone.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding does not have is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _run(options)
        sys.stdout.flush()
    except UserError as error:
        return _end(f"error: {error}", 2)
    except KeyboardInterrupt:
        return _end("interrupted", 130)
    except BrokenPipeError:  # of "skvision … | head"
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    missing = [name for name in ("rich", "skops") if find_spec(name) is None]
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
    print(f"skvision: {visible(line)}", file=sys.stderr)
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
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="train on digits that come along")
    demo.set_defaults(run=_demo)
    train = commands.add_parser("train", help="train on a folder of pictures")
    train.set_defaults(run=_train)
    _add_train_arguments(train)
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


def _add_train_arguments(train: argparse.ArgumentParser) -> None:
    train.add_argument(
        "folder", metavar="FOLDER", help="it has a folder of pictures for each class"
    )
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
        "--groups",
        metavar="FILE.csv",
        help="table with the columns file (a path from FOLDER) and group; the pictures "
        "of a group are held out together or not at all",
    )
    train.add_argument(
        "--size",
        type=_number(int, lambda x: 16 <= x <= 1024, "a whole number from 16 to 1024"),
        default=64,
        metavar="PIXELS",
        help="side of the square that pictures are brought to (default: 64)",
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
        "--seed",
        type=_number(int, lambda x: x >= 0, "a whole number from 0"),
        default=0,
        help="of the draw of pictures to hold out and of visual words (default: 0)",
    )


# Commands


def _demo(options: argparse.Namespace) -> None:
    import numpy as np
    from sklearn.datasets import load_digits

    from skvision._train_and_score import Pictures, train_and_score

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
    if options.model and not Path(options.model).parent.is_dir():
        raise UserError(f"{options.model!r} cannot be saved: there is no such folder")
    if options.model and Path(options.model).is_dir():
        raise UserError(f"{options.model!r} cannot be saved: it is a folder")
    from skvision._train_and_score import train_and_score

    pictures = _find_pictures(options)
    trained = train_and_score(
        pictures, options.size, options.test_size, options.seed, options.features
    )
    if not options.model:
        print("The model was not saved: pass --model OUT to keep it.")
        return
    from skvision._model_file import save_model

    with user_errors():
        save_model(options.model, **trained._asdict())
    name = visible(options.model)
    print(f"Saved in {name}. Next: skvision predict {name} FILE...")


def _find_pictures(options: argparse.Namespace) -> Any:
    import numpy as np

    from skvision._holdout import read_groups
    from skvision._train_and_score import Pictures
    from skvision.datasets import load_image_folder

    with user_errors():
        training = load_image_folder(options.folder)
        _tell_pictures(training, options.folder)
        paths, labels, n_training, groups = training.paths, training.labels, None, None
        if options.groups:
            groups = read_groups(Path(options.groups), Path(options.folder), paths)
        if options.test:
            test = load_image_folder(options.test)
            _tell_pictures(test, options.test)
            n_training = len(paths)
            paths = np.concatenate([paths, test.paths])
            labels = np.concatenate([labels, test.labels])
            if test.names != training.names:
                odd = sorted(set(training.names) ^ set(test.names))
                raise ValueError(
                    f"{options.folder!r} and {options.test!r} must have the same "
                    f"classes; only one of them has {', '.join(map(repr, odd[:3]))}"
                    f"{', …' if len(odd) > 3 else ''}"
                )
    paths = paths.tolist()
    return Pictures(paths, paths, labels, n_training, groups)


def _tell_pictures(data: Any, folder: str) -> None:
    counts = [f"{name} {n}" for name, n in Counter(data.labels.tolist()).items()]
    named = ", ".join(counts[:_MOST_CLASSES])
    more = ", ..." if len(counts) > _MOST_CLASSES else ""
    ignored = f" {len(data.ignored)} other files are ignored." if data.ignored else ""
    print(
        f"{len(data.paths)} pictures of {len(counts)} classes in {visible(folder)}: "
        f"{visible(named)}{more}.{ignored}"
    )


def _predict(options: argparse.Namespace) -> None:
    from skvision._model_file import load_model
    from skvision._train_and_score import read_pictures

    with user_errors():
        pipeline, _ = load_model(options.model)
    images = read_pictures(pipeline[0], options.files)
    features = pipeline[1:-1].transform(images)
    labels = pipeline[-1].predict(features).tolist()
    classes = pipeline[-1].classes_.tolist()
    table = pipeline[-1].predict_proba(features).tolist()
    for file, label, row in zip(options.files, labels, table, strict=True):
        probabilities = dict(zip(classes, row, strict=True))
        probability = probabilities[label]
        if options.json:
            values = (file, label, probability, probabilities)
            keys = ("file", "label", "probability", "probabilities")
            print(json.dumps(dict(zip(keys, values, strict=True))))
        else:
            print(f"{visible(file)}\t{visible(str(label))}\t{probability:.4f}")
