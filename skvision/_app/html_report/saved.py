"""What the file of a model says about its training: anything, or nothing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from skvision._app.evidence import Evidence
from skvision._contract.user_error import visible

_MOST_VERSIONS = 10  # and characters of their names: a file may name any number
_LONGEST = 50


class FirstScore(NamedTuple):
    """How well the model did on images held out when it was trained."""

    fraction: float
    n: int


def count_images(
    evidence: Evidence, classes: Sequence[str], about: dict[str, Any]
) -> list[tuple[int | None, int]]:
    """Return how many training images, if known, and test images each class has."""
    labels = evidence.dataset.labels
    saved = _as_dict(_as_dict(about.get("training")).get("pictures"))
    table = []
    for name in classes:
        members = labels == name
        n_training = int((evidence.split.in_training & members).sum())
        known = _as_count(saved.get(name)) if about else n_training
        table.append((known, int((evidence.split.in_test & members).sum())))
    return table


def read_first_score(about: dict[str, Any]) -> FirstScore | None:
    """Return the score that was saved with the model, if there is one."""
    saved = _as_dict(about.get("held_out"))
    fraction, n = saved.get("accuracy"), _as_count(saved.get("pictures"))
    if isinstance(fraction, float) and 0 <= fraction <= 1 and n is not None:
        return FirstScore(fraction, n)
    return None


def read_versions(about: dict[str, Any]) -> dict[str, str]:
    """Return the versions of packages that the model was saved with."""
    versions = _as_dict(about.get("versions"))
    return {
        visible(str(name)[:_LONGEST]): visible(str(versions[name])[:_LONGEST])
        for name in list(versions)[:_MOST_VERSIONS]
    }


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
