"""Explanation of predictions by the gradient of a score."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skvision._contract.images import as_array
from skvision._contract.models import (
    DifferentiableClassifier,
    DifferentiableStep,
    answers,
)
from skvision._contract.public import public
from skvision.inspection._targets import best_estimator_of, class_indices, last_step


@public("skvision.inspection")
def saliency(estimator: Any, X: Any, *, target: Any = None) -> np.ndarray:
    r"""Compute the gradient of the score of a class with respect to the pixels.

    .. math:: g_i = \frac{\partial s_j(x)}{\partial x_i}

    where :math:`s_j` is the score of a class, as returned by ``decision_function``. If
    a pixel becomes slightly brighter, the score increases where the gradient is
    positive, and decreases where it is negative.

    Parameters
    ----------
    estimator : estimator
        Fitted `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop` or
        `ArcFaceEmbedder`, or a pipeline that ends with one and whose other steps are
        linear: `PixelNormalizer`, or scikit-learn's ``StandardScaler``,
        ``MinMaxScaler``, ``MaxAbsScaler`` or ``PCA``.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images of the shape seen during ``fit``.
    target : label or array-like of shape (n,), default=None
        Class that is explained, one for all images or one for each image. None means
        the predicted class.

    Returns
    -------
    gradients : ndarray of the shape of ``X``
        Gradients in units of the score per unit of the pixels, float64 for float64
        images and float32 otherwise. With two classes, the score is that of the second
        class, and the gradient of the first has the opposite sign.

    Raises
    ------
    TypeError
        If the estimator or a step of the pipeline is not one of these.
    ValueError
        If ``X`` does not have the shape seen during ``fit``, or if ``target`` contains
        an unknown class.

    See Also
    --------
    occlusion : Decrease of the score with covered patches, for any classifier.
    SaliencyDisplay : Display of the maps beside the images.

    Notes
    -----
    Dropout is not applied, batch norm uses its running statistics, and with ``tta`` the
    score is the mean over the image and its mirror image. At a kink of an activation,
    the derivative is the one that is used in training.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional networks:
    visualizing image classification models and saliency maps", ICLR workshop 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skvision import MLPBackprop
    >>> from skvision.inspection import saliency
    >>> digits = load_digits()
    >>> model = MLPBackprop(max_iter=20, random_state=0)
    >>> model = model.fit(digits.images, digits.target)
    >>> gradients = saliency(model, digits.images[:5])
    >>> gradients.shape, bool((gradients[:, :, 0] == 0).all())
    ((5, 8, 8), False)
    """
    estimator = best_estimator_of(estimator)
    model = last_step(estimator)
    if not answers(model, DifferentiableClassifier):
        raise TypeError(
            f"saliency requires a linear classifier or a network of skvision; got "
            f"{type(model).__name__}. Use occlusion, which explains any classifier."
        )
    before = [] if model is estimator else estimator.steps[:-1]
    products = [_vector_jacobian_product(name, step) for name, step in before]
    X = as_array(X)
    index = class_indices(estimator, X, target)
    inputs = [X]
    for _, step in before:
        skipped = step in (None, "passthrough")
        inputs.append(inputs[-1] if skipped else step.transform(inputs[-1]))
    gradients = model.input_gradient(
        inputs.pop(), _d_scores(index, len(model.classes_))
    )
    for product in reversed(products):
        gradients = product(inputs.pop(), gradients)
    dtype = np.float64 if np.asarray(X).dtype == np.float64 else np.float32
    saliencies: np.ndarray = gradients.astype(dtype, copy=False).reshape(np.shape(X))
    return saliencies


def _d_scores(index: np.ndarray, n_classes: int) -> Any:
    """Return the gradient of the chosen score with respect to all scores."""
    if n_classes == 2:
        return np.where(index == 1, 1.0, -1.0)
    return np.eye(n_classes)[index]


def _vector_jacobian_product(name: str, step: Any) -> Callable[..., Any]:
    """Return the vector-Jacobian product of a step, a function of input and vector."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    if step in (None, "passthrough"):
        return lambda X, gradients: gradients
    if answers(step, DifferentiableStep):
        return lambda X, gradients: step.input_gradient(X, gradients)
    if isinstance(step, StandardScaler):
        scale = 1 if step.scale_ is None else step.scale_
        return lambda X, gradients: gradients / scale
    clips = getattr(step, "clip", False)  # older scalers have no such parameter
    if isinstance(step, MinMaxScaler) and not clips:
        return lambda X, gradients: gradients * step.scale_
    if isinstance(step, MaxAbsScaler) and not clips:
        return lambda X, gradients: gradients / step.scale_
    if isinstance(step, PCA):
        scale = _whitening_scale(step)
        return lambda X, gradients: (gradients / scale) @ step.components_
    raise TypeError(
        f"saliency requires linear steps that it can differentiate, but step {name!r} "
        f"is {type(step).__name__}. Use occlusion, which explains any classifier."
    )


def _whitening_scale(pca: Any) -> Any:
    """Return the divisor of the components, at least epsilon as in scikit-learn."""
    if not pca.whiten:
        return 1
    deviations = np.sqrt(pca.explained_variance_)
    return np.maximum(deviations, np.finfo(deviations.dtype).eps)
