"""What each command does, in steps that other files take.

What is slow to import is imported where it is used, so that ``--help`` and mistakes in
the arguments are answered at once.
"""

import argparse
import json
import math
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from skvision._app.standard_error import tell
from skvision._contract.user_error import UserError, user_errors, visible
from skvision._model_files.replace_file import check_place, replace_file

_MOST_CLASSES = 8  # that are named in one line
_IMAGES_AT_A_TIME = 256  # whose features are in memory


def run(options: argparse.Namespace) -> None:
    """Run the command that the arguments name."""
    needed = ["rich", "skops"] + ["jinja2"] * (options.report is not None)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise UserError(
            f"the command line needs {' and '.join(missing)}: "
            'run python -m pip install ".[cli]" in a clone of skvision'
        )
    from joblib import parallel_config

    # Here and not in the steps: how many threads to take is not the model's to say.
    with parallel_config("threading", n_jobs=-1):
        options.run(options)


def demo(options: argparse.Namespace) -> None:
    """Train on digits that come along."""
    import numpy as np
    from sklearn.datasets import load_digits

    from skvision._app.train_and_score import Pictures, train_and_score

    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)
    print(f"{len(images)} images of handwritten digits, 8 x 8 pixels.")
    pictures = Pictures(
        sources=list(images),
        names=[f"digit {i}" for i in range(len(images))],
        labels=digits.target.astype(str),
    )
    # edges tell digits apart, and what else there is takes long to compile
    train_and_score(pictures, size=32, test_size=0.2, seed=0, features=("hog",))
    print("Next, with images of your own: skvision train FOLDER --model OUT")


def train(options: argparse.Namespace) -> None:
    """Train on a folder of images, and save the model."""
    if options.groups and options.test:
        raise UserError(
            "--groups keeps images together when some of FOLDER are held out, and "
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


def compare(options: argparse.Namespace) -> None:
    """Cross-validate several models on a folder of images."""
    if options.csv is not None:
        check_place(options.csv)
    _check_apart(options)
    from skvision._app.compare import compare as compare_models
    from skvision._app.comparison_table import print_comparison

    pictures = _find_pictures(options)
    table = compare_models(pictures, options.size, options.folds, options.seed)
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
        f"{len(data.paths)} images of {len(counts)} classes in {visible(folder)}: "
        f"{visible(named)}{more}.{ignored}"
    )


def report(options: argparse.Namespace) -> None:
    """Write a web page on a model."""
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
        what = "images are among those that the model has learned from"
        tell(f"warning: {known.sum()} of {len(known)} {what}: the scores are too good")
    held_out = {"from": "a test folder", "known": int(known.sum())}
    _write_report(options, pipeline, evidence, held_out, about)


def predict(options: argparse.Namespace) -> None:
    """Print what is in images."""
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
