"""Which pixels a score depends on: its gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skvision._contract.images import as_array, validate_rows
from skvision._contract.public import public
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._linear.linear_classifier import LinearClassifier
from skvision._networks.network_classifier import NetworkClassifier
from skvision._training.inputs import Inputs
from skvision.inspection._targets import best_of, class_indices


@public("skvision.inspection")
def saliency(estimator: Any, X: Any, *, target: Any = None) -> np.ndarray:
    r"""Compute the gradient of the score of a class by the pixels.

    .. math:: g_i = \frac{\partial s_j(x)}{\partial x_i}

    with the score :math:`s_j` of a class, as ``decision_function`` has it. It says how
    the score would change if a pixel were a little brighter: up where it is positive,
    down where it is negative.

    Parameters
    ----------
    estimator : estimator
        A fitted `SoftmaxRegression`, `MulticlassSVM`, `Perceptron`, `MLPBackprop` or
        `ArcFaceEmbedder`, or a pipeline that ends in one and whose other steps are
        linear: `PixelNormalizer`, or scikit-learn's ``StandardScaler``,
        ``MinMaxScaler``, ``MaxAbsScaler`` or ``PCA``.
    X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
        Images like those of ``fit``.
    target : label or array-like of shape (n,), default=None
        The class whose score is meant, one for all images or one for each. None is
        the class that is predicted.

    Returns
    -------
    gradients : ndarray of the shape of ``X``
        In units of score over those of pixels. float64 for float64 images, else
        float32. With two classes, the gradient of the score of the second, and for the
        first its opposite.

    Raises
    ------
    TypeError
        If the estimator, or a step of the pipeline, is none of these.
    ValueError
        If ``X`` is not like the images seen in ``fit``, or ``target`` has a class
        that was not.

    See Also
    --------
    occlusion : For any classifier: what is lost with a part of the image.
    SaliencyDisplay : Draws either beside the images.

    Notes
    -----
    Nothing is dropped, batch norm uses its running statistics, and with ``tta`` the
    score is the mean over the image and its mirror image. Where an activation has a
    kink, its slope there is the one that training uses.

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
    # not at the top: it loads much that `import skvision` does without
    from sklearn.pipeline import Pipeline

    estimator = best_of(estimator)
    is_pipeline = isinstance(estimator, Pipeline)
    *before, (_, model) = estimator.steps if is_pipeline else [("", estimator)]
    if not isinstance(model, LinearClassifier | NetworkClassifier):
        raise TypeError(
            f"saliency is for the linear classifiers and networks of skvision, whose "
            f"gradient it knows; got {type(model).__name__}: occlusion explains any "
            f"classifier."
        )
    chain_rules = [_chain_rule(name, step) for name, step in before]
    X = as_array(X)
    index = class_indices(estimator, X, target)
    seen = X
    for _, step in before:
        seen = seen if step in (None, "passthrough") else step.transform(seen)
    rows = validate_rows(model, seen, reset=False)
    d_scores = _d_scores(index, len(model.classes_))
    of_model = _of_linear if isinstance(model, LinearClassifier) else _of_network
    gradients: Any = of_model(model, rows, d_scores)
    for through in reversed(chain_rules):
        gradients = through(gradients)
    dtype = np.float64 if np.asarray(X).dtype == np.float64 else np.float32
    saliencies: np.ndarray = gradients.astype(dtype, copy=False).reshape(np.shape(X))
    return saliencies


def _d_scores(index: np.ndarray, n_classes: int) -> Any:
    """Return the gradient of the chosen score by all of them, (n, n_scores)."""
    if n_classes == 2:
        return np.where(index == 1, 1.0, -1.0)[:, None]
    return np.eye(n_classes)[index]


def _of_linear(model: Any, rows: np.ndarray, d_scores: np.ndarray) -> Any:
    return d_scores @ model.coef_


def _of_network(model: Any, rows: np.ndarray, d_scores: Any) -> Any:
    net = model._architecture.network()
    if net.shapes.n_outputs == 2:  # the score is that of the second less the first
        d_scores = np.hstack([-d_scores, d_scores])

    def gradients(rows: np.ndarray) -> Any:
        inputs = Inputs(rows, model._standard)
        return net.input_gradients(
            model.parameters_, model._statistics, inputs, d_scores
        )

    def mirrored(rows: Any) -> Any:
        return rows.reshape(-1, *model.image_shape_)[:, :, ::-1].reshape(rows.shape)

    if not model.tta:
        return gradients(rows)
    return (gradients(rows) + mirrored(gradients(mirrored(rows)))) / 2


def _chain_rule(name: str, step: Any) -> Callable[..., Any]:
    """Return what makes of the gradient by a step's output that by its input."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    if step in (None, "passthrough"):
        return lambda gradients: gradients
    if isinstance(step, PixelNormalizer):
        return lambda gradients: _unwhitened(step, gradients) / step.scale_
    if isinstance(step, StandardScaler):
        scale = 1 if step.scale_ is None else step.scale_
        return lambda gradients: gradients / scale
    clips = getattr(step, "clip", False)  # older scalers have no such parameter
    if isinstance(step, MinMaxScaler) and not clips:
        return lambda gradients: gradients * step.scale_
    if isinstance(step, MaxAbsScaler) and not clips:
        return lambda gradients: gradients / step.scale_
    if isinstance(step, PCA):
        return lambda gradients: (gradients / _whitening_scale(step)) @ step.components_
    raise TypeError(
        f"saliency follows a gradient through steps that are linear, and {name!r}, "
        f"{type(step).__name__}, is none that it knows: use occlusion, which explains "
        f"any classifier."
    )


def _whitening_scale(pca: Any) -> Any:
    """Return what components are divided by, from epsilon as in scikit-learn."""
    if not pca.whiten:
        return 1
    deviations = np.sqrt(pca.explained_variance_)
    return np.maximum(deviations, np.finfo(deviations.dtype).eps)


def _unwhitened(normalizer: Any, gradients: Any) -> Any:
    """Return the gradient by pixels before the whitening."""
    whitening = normalizer.whitening_
    return gradients if whitening is None else gradients @ whitening.T
