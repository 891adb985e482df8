"""Inspection of models: checks of gradients and training, explanations, and displays.

Displays follow scikit-learn: ``from_estimator`` computes the values and plots them, and
``plot`` plots them again. matplotlib is only imported for plotting.
"""

from skvision.inspection._codebook_display import CodebookDisplay
from skvision.inspection._draw_hog import draw_hog
from skvision.inspection._embedding_display import EmbeddingDisplay
from skvision.inspection._estimator_gradient import gradient_check_estimator
from skvision.inspection._first_loss_check import chance_loss, first_loss_check
from skvision.inspection._gradient_check import gradient_check
from skvision.inspection._hog_display import HOGDisplay
from skvision.inspection._k_selection_display import KSelectionDisplay
from skvision.inspection._loss_landscape_display import LossLandscapeDisplay
from skvision.inspection._mistakes_display import MistakesDisplay
from skvision.inspection._neighbors_display import NeighborsDisplay
from skvision.inspection._numerical_gradient import numerical_gradient
from skvision.inspection._occlusion import occlusion
from skvision.inspection._overfit_check import overfit_check
from skvision.inspection._robustness_display import RobustnessDisplay
from skvision.inspection._saliency import saliency
from skvision.inspection._saliency_display import SaliencyDisplay
from skvision.inspection._template_display import TemplateDisplay
from skvision.inspection._training_curve_display import TrainingCurveDisplay
from skvision.inspection._verification_display import VerificationDisplay

__all__ = [
    "CodebookDisplay",
    "EmbeddingDisplay",
    "HOGDisplay",
    "KSelectionDisplay",
    "LossLandscapeDisplay",
    "MistakesDisplay",
    "NeighborsDisplay",
    "RobustnessDisplay",
    "SaliencyDisplay",
    "TemplateDisplay",
    "TrainingCurveDisplay",
    "VerificationDisplay",
    "chance_loss",
    "draw_hog",
    "first_loss_check",
    "gradient_check",
    "gradient_check_estimator",
    "numerical_gradient",
    "occlusion",
    "overfit_check",
    "saliency",
]
