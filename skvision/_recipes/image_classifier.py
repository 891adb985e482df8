"""A classifier of images that chooses its features and its model."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skvision._contract.check_fitted import check_fitted
from skvision._contract.containers import computed
from skvision._contract.labeled_rows import validate_labeled_rows
from skvision._contract.labels import ClassifierMixin
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_parameters,
    whole_fit,
)
from skvision._readers.extents import sample_extents
from skvision._readers.image_reader import ImageReader
from skvision._readers.sources import check_sources
from skvision._recipes.choice import Choice, Settings, choose
from skvision._recipes.features import FEATURES
from skvision._recipes.fit_recipe import fit_recipe
from skvision._recipes.inputs import (
    choose_resize,
    choose_side,
    is_batch,
    read_batch,
)
from skvision._recipes.recipe import FIRST, Recipe
from skvision._recipes.training_images import merge_copies
from skvision._training.parallel import one_thread_for_blas

_MODELS = {"softmax", "softmax+network"}


def _has_probabilities(model: "ImageClassifier") -> bool:
    return hasattr(model.best_estimator_, "predict_proba")


@public("skvision")
class ImageClassifier(ClassifierMixin, Estimator):
    """Classifier of image files or images, which chooses its features and its model.

    It describes images by their edges, their colors and visual words, and learns a
    softmax regression. It tries several recipes on validation images, which it draws
    from the training images: finer edges, other words, no colors, changed copies of the
    images, and the average with a neural network. It keeps what predicts better, and
    fits the best recipe to all training images. ``skvision train`` does the same on the
    command line.

    Use it as the first thing to try on a folder of photos. For full control, build a
    pipeline of the features and a classifier of your own.

    Parameters
    ----------
    features : "auto" or sequence of str, default="auto"
        The features: "hog" (edges in 5 x 5 cells), "hog-8x8" and "hog-10x10" (in finer
        ones), "color", "words" (the same for an image and its mirror image),
        "words-unmirrored", and the same of smaller patches, "fine-words" and
        "fine-words-unmirrored". "auto" chooses among them.

    model : {"auto", "softmax", "softmax+network"}, default="auto"
        A softmax regression, or the average of its probabilities and those of a neural
        network. "auto" takes the average if it predicts validation images better.

    image_size : "auto" or int, default="auto"
        Side of the square in pixels that images are brought to. "auto" is 32, 64 or
        128, the last if most originals are at least 96 pixels high and wide, and there
        are no more than 20,000. From 128 on, all features but fine words are computed
        at half the size.

    resize : {"auto", "crop", "pad", "stretch"}, default="auto"
        How images become squares, as in `ImageReader`. "auto" crops, but stretches if
        cropping would cut off more than a third of most images.

    augmentation : {"auto", None}, default="auto"
        "auto" tries whether it helps to learn from changed copies of the images, too,
        if there are no more than 2,000: they are shifted, and half of them mirrored if
        mirror images are predicted as well as images. None does not.

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as in `SoftmaxRegression`.

    cv : int, splitter, iterable or None, default=None
        How validation images are drawn from the training images. None draws a quarter
        of them, four times if there are fewer than 1,000. An int is a number of folds.
        Copies of an image, or images of the same group, are never parted; a splitter
        that does so is an error. Only an iterable of splits is taken as it is.

    time_budget : float or None, default=None
        Seconds after which no further recipe is tried. The first one is always tried.
        With it, the result depends on the speed of the machine.

    background : color, "auto" or None, default="auto"
        What transparent images are placed on, as in `ImageReader`.

    value_range : (float, float) or None, default=None
        Levels of black and white. None means those of the file, as in `ImageReader`; in
        batches, (0, 255) for uint8 and the smallest and largest training value for
        floats. Batches of floats are rounded to 256 levels.

    image_shape : (int, int), (int, int, int) or None, default=None
        Height, width and channels of images that are passed as flat rows. If None, the
        shape is guessed from the number of features, with an `ImageShapeWarning`.

    random_state : int, RandomState instance or None, default=None
        Determines the draws, the visual words, the copies and the network. Pass an int
        for reproducible output across multiple calls of ``fit``.

    n_jobs : int, default=None
        Number of threads for reading and for the features. None means 1 unless in a
        :obj:`joblib.parallel_config` context, and -1 means all cores. The result does
        not depend on it.

    Attributes
    ----------
    best_estimator_ : Pipeline
        The fitted pipeline: "reader", "features", "normalizer" and "classifier". The
        classifier is a `SoftmaxRegression`, or a
        :class:`~sklearn.ensemble.VotingClassifier` of one and a network. For batches
        of images that are lower or narrower than 8 pixels, and tables of other shapes,
        there is neither a reader nor features.

    best_score_ : float
        The accuracy on the validation images of the chosen recipe. It is a little too
        good, since the best of several was taken. NaN if a class is a single image or
        group, so that there are no validation images.

    best_params_ : dict
        The chosen features, model, penalty and kind of copies.

    cv_results_ : dict of ndarrays
        A row for each recipe in the order in which they were tried:

        - ``recipe``, ``param_features``, ``param_model``, ``param_copies`` : its parts
        - ``param_alpha`` : the best penalty
        - ``mean_test_score``, ``std_test_score`` : the accuracy on validation images,
          and its standard deviation over the draws
        - ``mean_test_loss`` : their mean cross-entropy, by which recipes are compared
        - ``rank_test_score`` : the rank by this loss
        - ``seconds`` : how long it took, with the features that were new
        - ``reason`` : what became of it

        ``pandas.DataFrame(model.cv_results_)`` shows the table. Values are NaN where a
        recipe was given up after the first draw or not tried.

    alpha_path_ : dict of ndarrays
        The penalties that were tried for the chosen recipe, ``alpha``, and the mean
        cross-entropy with each, ``mean_test_loss``. Empty if there was no choice.

    classes_ : ndarray of shape (n_classes,)
        The classes.

    image_size_ : int
        Side of the images that features are computed of.

    n_features_in_ : int
        Number of values of an image. Defined only if ``X`` is a batch or a table, or a
        list of images of one size of at most 65,536 pixels.

    image_shape_ : (int, int, int)
        Height, width and channels of the images. Defined where ``n_features_in_`` is.

    See Also
    --------
    ImageReader : The first step of the pipeline.
    SoftmaxRegression : The last step of the pipeline.

    Notes
    -----
    Recipes are compared by the mean cross-entropy on validation images. The first one
    is edges in 5 x 5 cells, colors and mirrored words with a softmax regression. Each
    further one changes one thing in the best so far. With more than 2,000 images, the
    recipe is chosen by 2,000 of them and then fitted to all.

    Copies of an image are merged, and images are sorted by a digest of their pixels. So
    an image of weight 2 is the same as two copies of it, exactly, and the result does
    not depend on the order of the images.

    Visual words are learned from all training images, validation images included, but
    without their classes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvision import ImageClassifier
    >>> digits = load_digits(n_class=3)
    >>> model = ImageClassifier(features=["hog"], model="softmax", random_state=0)
    >>> model.fit(digits.images[:200], digits.target[:200])
    ImageClassifier(features=['hog'], model='softmax', random_state=0)
    >>> print(f"{model.score(digits.images[200:], digits.target[200:]):.2f}")
    0.99
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "features": [StrOptions({"auto"}), list, tuple],
        "model": [StrOptions({"auto", *_MODELS})],
        "image_size": [
            StrOptions({"auto"}),
            Interval(Integral, 16, 1024, closed="both"),
        ],
        "resize": [StrOptions({"auto", "crop", "pad", "stretch"})],
        "augmentation": [StrOptions({"auto"}), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "cv": ["cv_object"],
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "background": [str, tuple, list, None],
        "value_range": [tuple, list, None],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        features: Any = "auto",
        *,
        model: str = "auto",
        image_size: Any = "auto",
        resize: str = "auto",
        augmentation: str | None = "auto",
        class_weight: Any = None,
        cv: Any = None,
        time_budget: float | None = None,
        background: Any = "auto",
        value_range: Any = None,
        image_shape: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.features = features
        self.model = model
        self.image_size = image_size
        self.resize = resize
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.cv = cv
        self.time_budget = time_budget
        self.background = background
        self.value_range = value_range
        self.image_shape = image_shape
        self.random_state = random_state
        self.n_jobs = n_jobs

    @whole_fit
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None
    ) -> Self:
        """Choose a recipe and fit it.

        Parameters
        ----------
        X : sequence of n files or images, or array-like of shape (n, H, W), \
                (n, H, W, C) or (n, n_features)
            Paths, open binary files, images of Pillow, uint8 arrays of any sizes, as
            for `ImageReader`; or a batch of images, or flat rows.
        y : array-like of shape (n,)
            The class of each image.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the images. None means equal weights.
        groups : array-like of shape (n,), default=None
            Images of the same group are validated together, and not learned from then.

        Returns
        -------
        self : ImageClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is invalid, files cannot be read, ``X``, ``y``,
            ``sample_weight`` and ``groups`` do not fit together, or there is only one
            class.
        TypeError
            If an element of ``X`` is neither a file, nor an image, nor a uint8 array.
        """
        first = self._first_recipe()
        seed = int(check_random_state(self.random_state).randint(2**31))
        problem, images, reader = self._read(X, y, sample_weight)
        labels = problem.classes[problem.labels]
        tied = None if groups is None else _number_groups(groups, len(labels))
        training = merge_copies(images, labels, problem.weights, tied)
        is_table = reader is None
        if is_table:
            first = Recipe((), "softmax")
        settings = Settings(
            first=first,
            vary_features=self.features == "auto" and not is_table,
            vary_copies=self.augmentation == "auto" and not is_table,
            model="softmax" if is_table and self.model == "auto" else self.model,
            side=self.image_size_,
            cv=self.cv,
            time_budget=self.time_budget,
            seed=seed,
        )
        # Two threads for products this small wait longer than they compute.
        with one_thread_for_blas:
            choice = choose(training, settings)
            self.best_estimator_ = fit_recipe(training, choice, settings, reader)
        self.classes_ = problem.classes
        self._tell(choice)
        return self

    def _first_recipe(self) -> Recipe:
        """Return the recipe to begin with, after checking the names of features."""
        if isinstance(self.features, str):
            return FIRST
        names = tuple(self.features)
        odd = [name for name in names if name not in FEATURES]
        if odd or not names or len(set(names)) < len(names):
            raise ValueError(
                f"features={self.features!r} must be 'auto', or different names among "
                f"{', '.join(FEATURES)}."
            )
        return Recipe(names)

    def _read(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Return classes and weights, the images, and the reader of the pipeline."""
        X = computed(X)
        batch = is_batch(X)
        if batch:
            sources, self._value_range = read_batch(
                self, X, self.value_range, reset=True
            )
            extents = np.array([sources.shape[2:0:-1]])
        else:
            sources, self._value_range = check_sources(X), None
            extents = sample_extents(sources)
        # Rows that stand for the images: labels and weights are validated with as many.
        problem = validate_labeled_rows(
            clone(self).set_params(image_shape=None),
            np.arange(len(sources)).reshape(-1, 1),
            y,
            sample_weight,
            class_weight=self.class_weight,
            reset=True,
        )
        if batch and sources.ndim == 2:
            self.image_size_ = 1
            return problem, sources, None
        side = self.image_size
        if side == "auto":
            side = choose_side(extents, len(sources))
        self.image_size_ = side
        reader = ImageReader(
            (side, side),
            resize=choose_resize(extents) if self.resize == "auto" else self.resize,
            background=self.background,
            value_range=None if batch else self.value_range,
            n_jobs=self.n_jobs,
        )
        return problem, reader.transform(sources), reader

    def _tell(self, choice: Choice) -> None:
        """Set the attributes that tell of the choice."""
        outcomes = [trial.outcome for trial in choice.trials]
        recipes = [trial.recipe for trial in choice.trials]
        nan = float("nan")
        losses = np.array([nan if o is None else o.loss for o in outcomes])
        accuracies = [np.array([nan]) if o is None else o.accuracies for o in outcomes]
        self.cv_results_ = {
            "recipe": np.array([recipe.name for recipe in recipes]),
            "param_features": np.array([" ".join(r.features) for r in recipes]),
            "param_model": np.array([recipe.model for recipe in recipes]),
            "param_copies": np.array([recipe.copies for recipe in recipes]),
            "param_alpha": np.array([nan if o is None else o.alpha for o in outcomes]),
            "mean_test_score": np.array([a.mean() for a in accuracies]),
            "std_test_score": np.array([a.std() for a in accuracies]),
            "mean_test_loss": losses,
            "rank_test_score": _ranks(losses),
            "seconds": np.array([trial.seconds for trial in choice.trials]),
            "reason": np.array([trial.reason for trial in choice.trials]),
        }
        best = next(trial for trial in choice.trials if trial.recipe == choice.recipe)
        self.best_index_ = choice.trials.index(best)
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        path = dict(sorted(best.outcome.path.items())) if best.outcome else {}
        self.alpha_path_ = {
            "alpha": np.array(list(path)),
            "mean_test_loss": np.array(list(path.values())),
        }
        self.best_params_ = {
            "features": list(choice.recipe.features),
            "model": choice.recipe.model,
            "copies": choice.recipe.copies,
            "alpha": choice.alpha,
        }

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each image.

        Parameters
        ----------
        X : as in `fit`
            Images.

        Returns
        -------
        labels : ndarray of shape (n,)
            The classes.
        """
        check_is_fitted(self)
        labels: np.ndarray = self.best_estimator_.predict(self._sources(X))
        return labels

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`
            Images.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            The probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        table: np.ndarray = self.best_estimator_.predict_proba(self._sources(X))
        return table

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check that parameters and fitted attributes, as from a file, fit together.

        Parameters
        ----------
        inputs : Bounds
            Bounds of what it gets.

        Returns
        -------
        bounds : Bounds
            Bounds of its work for one image, and of its result.

        Raises
        ------
        ValueError
            If they contradict each other.
        """
        check_parameters(self)
        bounds = check_fitted(self.best_estimator_, inputs)
        if not np.array_equal(self.classes_, self.best_estimator_.classes_):
            raise ValueError("its classes are not those of its pipeline")
        return bounds

    def _sources(self, X: Any) -> Any:
        """Return what the pipeline takes."""
        X = computed(X)
        if hasattr(self, "image_shape_") and is_batch(X):
            return read_batch(self, X, self._value_range, reset=False)[0]
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def _number_groups(groups: Any, n: int) -> Any:
    """Return the number of the group of each image."""
    column = np.asarray(groups)
    if column.shape != (n,):
        raise ValueError(
            f"groups has the shape {column.shape}, and one value for each of {n} "
            f"images is needed."
        )
    return np.unique(column, return_inverse=True)[1]


def _ranks(losses: np.ndarray) -> np.ndarray:
    """Return 1 for the smallest loss, and the same largest rank for all NaN."""
    filled = np.nan_to_num(losses, nan=np.inf)
    ranks: np.ndarray = np.array([1 + (filled < loss).sum() for loss in filled])
    return ranks
