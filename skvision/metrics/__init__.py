"""Metrics of embeddings, for verification and identification of unknown classes."""

from skvision.metrics._angles import angle_statistics
from skvision.metrics._identification import (
    identification_rate,
    open_set_identification_rate,
)
from skvision.metrics._pairs import verification_pairs
from skvision.metrics._verification import (
    equal_error_rate,
    tar_at_far,
    verification_auc,
    verification_curve,
)

__all__ = [
    "angle_statistics",
    "equal_error_rate",
    "identification_rate",
    "open_set_identification_rate",
    "tar_at_far",
    "verification_auc",
    "verification_curve",
    "verification_pairs",
]
