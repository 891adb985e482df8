"""Choosing among models, where scikit-learn's own tools can be improved upon."""

from typing import TYPE_CHECKING, Any

from skvision.model_selection._k_selection import k_selection_curve

if TYPE_CHECKING:
    from skvision.model_selection._coarse_to_fine import CoarseToFineSearchCV

__all__ = ["CoarseToFineSearchCV", "k_selection_curve"]


def __getattr__(name: str) -> type:
    # The search is loaded when it is first used: its base class loads much of
    # scikit-learn that ``import skvision`` does without.
    if name == "CoarseToFineSearchCV":
        from skvision.model_selection._coarse_to_fine import CoarseToFineSearchCV

        return CoarseToFineSearchCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Any:
    return __all__
