"""Choosing among models, where scikit-learn's own tools can be improved upon."""

from skvision.model_selection._k_selection import k_selection_curve

__all__ = ["k_selection_curve"]
