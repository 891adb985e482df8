"""The forms in which ``skvision predict`` prints: text, CSV and JSON."""

import csv
import json
from collections.abc import Callable

from skvision._app.predict import Prediction
from skvision._contract.user_error import visible


def make_printer(form: str, top: int | None) -> Callable[[Prediction], None]:
    """Return what prints predictions in a form: "text", "csv" or "json".

    Parameters
    ----------
    form : {"text", "csv", "json"}
        The form. For "csv" the header is printed at once.
    top : int or None
        The number of classes to print, the most probable ones. None is 1, and all of
        them for "json".
    """
    if form == "json":
        return _json_printer(top)
    return (_csv_printer if form == "csv" else _text_printer)(top or 1)


def _text_printer(top: int) -> Callable[[Prediction], None]:
    """Return what prints a line: file, and label and probability of each class."""

    def print_text(prediction: Prediction) -> None:
        fields = [visible(prediction.path)]
        for label, probability in prediction.most_probable(top).items():
            fields += [visible(label), f"{probability:.4f}"]
        print(*fields, sep="\t")

    return print_text


def _csv_printer(top: int) -> Callable[[Prediction], None]:
    """Print a header, and return what prints a row with the same columns."""
    writer = csv.writer(_Lines())
    columns = ["file", "label", "probability"]
    for k in range(2, top + 1):
        columns += [f"label_{k}", f"probability_{k}"]
    writer.writerow(columns)

    def print_row(prediction: Prediction) -> None:
        fields: list[str | float] = [_unicode(prediction.path)]
        for label, probability in prediction.most_probable(top).items():
            fields += [_unicode(label), probability]
        writer.writerow(fields)

    return print_row


class _Lines:
    """The standard output for a writer that must end lines so as to quote all ends."""

    def write(self, line: str) -> None:
        print(line.removesuffix("\r\n"))


def _json_printer(top: int | None) -> Callable[[Prediction], None]:
    """Return what prints a JSON object; all classes are in the order of the model."""

    def print_object(prediction: Prediction) -> None:
        shown = prediction.probabilities
        if top is not None:
            shown = prediction.most_probable(top)
        values = {
            "file": _unicode(prediction.path),
            "label": _unicode(prediction.label),
            "probability": prediction.probability,
            "probabilities": {_unicode(name): shown[name] for name in shown},
        }
        print(json.dumps(values, allow_nan=False))

    return print_object


def _unicode(name: str) -> str:
    """Return a name in which bytes that are no text are escaped."""
    return name.encode(errors="backslashreplace").decode()
