"""What ``skvision predict`` does.

It stands apart from the other commands, whose imports would take longer than the
prediction of an image.
"""

import argparse
import sys

from skvision._app.inputs import Input, list_inputs
from skvision._app.predict import predict_inputs
from skvision._app.prediction_formats import make_printer
from skvision._app.saved_classifier import load_classifier
from skvision._app.sort_into import Sorter
from skvision._app.standard_error import print_error
from skvision._contract.user_error import user_errors


def predict(options: argparse.Namespace) -> int:
    """Print the class of each image, and return the exit status."""
    with user_errors():
        pipeline, _ = load_classifier(options.model)
    inputs = list_inputs(
        options.files, recursive=options.recursive, written=options.sort_into
    )
    sorter = None
    if options.sort_into is not None:
        sorter = Sorter(options.sort_into, pipeline.classes_.tolist())
    print_prediction = make_printer(options.form, options.top)
    status = 0
    for answers in predict_inputs(pipeline, inputs):
        for answer in answers:
            if isinstance(answer, Input):
                print_error(f"{answer.path!r}: {answer.problem}")
                status = 1
                continue
            if sorter is not None:
                with user_errors():
                    sorter.copy(answer.path, answer.label)
            print_prediction(answer)
        sys.stdout.flush()
    return status
