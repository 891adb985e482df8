"""Model selection tools that complement those of scikit-learn."""

from typing import TYPE_CHECKING, Any

from skvision.model_selection._k_selection import k_selection_curve

if TYPE_CHECKING:
    from skvision.model_selection._coarse_to_fine import CoarseToFineSearchCV

__all__ = ["CoarseToFineSearchCV", "k_selection_curve"]


def __getattr__(name: str) -> type:
    # The search is imported when it is first used, because its base class imports much
    # of scikit-learn that ``import skvision`` does not need.
    if name == "CoarseToFineSearchCV":
        from skvision.model_selection._coarse_to_fine import CoarseToFineSearchCV

        return CoarseToFineSearchCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Any:
    return __all__
