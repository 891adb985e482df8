"""Choosing among models, where scikit-learn's own tools can be improved upon."""

from skvision.model_selection._coarse_to_fine import CoarseToFineSearchCV
from skvision.model_selection._k_selection import k_selection_curve

__all__ = ["CoarseToFineSearchCV", "k_selection_curve"]
