"""The image contract, over every public estimator, found automatically.

An estimator's answers are what it transforms images to, or the probabilities or else
the scores that it gives them, or the distances of those nearest. Two fits agree where
their answers do.
"""

import inspect
import pickle
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimators import TABULAR
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skvision import (
    HOG,
    ArcFaceEmbedder,
    ImageClassifier,
    ImageShapeWarning,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    PixelNormalizer,
    SoftmaxRegression,
)

HEIGHT, WIDTH, N = 12, 16, 60
SHAPES = {
    "gray": (HEIGHT, WIDTH),
    "gray C=1": (HEIGHT, WIDTH, 1),
    "RGB": (HEIGHT, WIDTH, 3),
}
CLASSIFIERS = [Estimator for Estimator in TABULAR if is_classifier(Estimator())]
TRANSFORMERS = [Estimator for Estimator in TABULAR if hasattr(Estimator, "transform")]
IN_PIPELINES = [E for E in TABULAR if E in CLASSIFIERS or E in TRANSFORMERS]
IMAGE_TRANSFORMERS = [T for T in TRANSFORMERS if T not in CLASSIFIERS]
# those that refuse another number of channels than one and three
MADE_OF_PIXELS = [T for T in IMAGE_TRANSFORMERS if T is not PixelNormalizer]
ONE_OR_THREE = [*IMAGE_TRANSFORMERS, ImageClassifier]


def images_of(shape, n=N):
    """Return noisy uint8 images of three classes: stripes down, across and none."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.integers(0, 100, (n, *shape), dtype=np.uint8)
    images[labels == 0, ::4] += 155
    images[labels == 1, :, ::4] += 120  # of other colors, too
    return images, np.array(["ant", "bee", "cat"])[labels]


def make(Estimator, shape=None, **parameters):
    """Return an estimator, told the shape of flat rows where it may be.

    What is random has a seed, and codebooks are small.
    """
    parameters |= {"image_shape": shape, "random_state": 0, "n_words": 100}
    parameters |= {"learning_rate": "cosine"}  # a fit of networks that ends as planned
    if Estimator in (SoftmaxRegression, MulticlassSVM):
        parameters |= {"alpha": 1e3}  # of bytes, whose weights are small
    if Estimator in (MLPBackprop, ArcFaceEmbedder):
        parameters |= {"max_iter": 40}
    if Estimator is ImageClassifier:  # what it does with images of all layouts
        parameters |= {"features": ["hog"], "model": "softmax", "image_size": 16}
        parameters |= {"augmentation": None, "cv": 2}
    known = inspect.signature(Estimator).parameters
    return Estimator(**{key: parameters[key] for key in parameters if key in known})


@cache
def fitted_to(shape, Estimator):
    """Return an estimator that is fitted to images, which no test changes."""
    return make(Estimator).fit(*images_of(shape))


def answers(estimator, X):
    for method in ("transform", "predict_proba", "decision_function"):
        if hasattr(estimator, method):
            result = getattr(estimator, method)(X)
            return np.reshape(result, (len(result), -1))
    if not hasattr(estimator, "predict"):
        return estimator.kneighbors(X)[0]
    return estimator.predict(X)


def assert_same(a, b, exact=True):
    if exact:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def flat(X):
    return X.reshape(len(X), -1)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("Estimator", TABULAR)
def test_flat_rows_and_images_give_the_same(Estimator, shape):
    X, y = images_of(shape)
    on_images = fitted_to(shape, Estimator)
    on_rows = make(Estimator, shape).fit(flat(X), y)
    expected = answers(on_images, X)
    assert np.ptp(expected) > 0
    for fitted in (on_images, on_rows):
        assert fitted.n_features_in_ == np.prod(shape)
        for layout in (X, flat(X), list(X)):
            assert_same(answers(fitted, layout), expected)
        assert_same(answers(fitted, X.tolist()), expected, exact=False)
    assert on_images.image_shape_ == (*shape, 1)[:3]


@pytest.mark.parametrize("Estimator", TABULAR)
def test_gray_images_with_and_without_an_axis_of_channels(Estimator):
    X, y = images_of(SHAPES["gray"])
    fitted = fitted_to(SHAPES["gray"], Estimator)
    assert_same(answers(fitted, X), answers(fitted, X[..., None]))
    assert_same(answers(make(Estimator).fit(X[..., None], y), X), answers(fitted, X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("Estimator", TABULAR)
def test_bytes_equal_other_numbers_of_the_same_values(Estimator, dtype):
    X, y = images_of(SHAPES["RGB"])
    X[0], X[1] = 0, 255
    expected = answers(make(Estimator).fit(X, y), X)
    got = answers(make(Estimator).fit(X.astype(dtype), y), X.astype(dtype))
    assert_same(got, expected, exact=False)


@pytest.mark.parametrize("Estimator", TABULAR)
def test_arrays_laid_out_in_other_ways(Estimator):
    X, y = images_of(SHAPES["RGB"])
    expected = answers(fitted_to(SHAPES["RGB"], Estimator), X)
    strided = np.zeros((2 * N, HEIGHT, 2 * WIDTH, 3), np.uint8)[::2, :, ::2]
    strided[:] = X
    read_only = X.copy()
    read_only.flags.writeable = False
    backwards = X[::-1, ::-1].copy()[::-1, ::-1]
    for layout in (strided, read_only, np.asfortranarray(X), backwards):
        before = layout.copy()
        assert_same(answers(make(Estimator).fit(layout, y), layout), expected)
        assert_same(layout, before)
    rows = np.asfortranarray(flat(X))
    assert_same(
        answers(make(Estimator, X.shape[1:]).fit(rows, y), rows), expected, exact=False
    )


@pytest.mark.parametrize(
    "other",
    [
        (HEIGHT + 1, WIDTH, 3),
        (HEIGHT, WIDTH - 1, 3),
        (HEIGHT, WIDTH, 4),
        (HEIGHT, WIDTH),
    ],
    ids=["H", "W", "C", "gray"],
)
@pytest.mark.parametrize("Estimator", TABULAR)
def test_images_of_another_shape_at_predict(Estimator, other):
    fitted = fitted_to(SHAPES["RGB"], Estimator)
    both = rf"\({', '.join(map(str, (*other, 1)[:3]))}\).*\({HEIGHT}, {WIDTH}, 3\)"
    with pytest.raises(ValueError, match=both):
        answers(fitted, np.zeros((2, *other), np.uint8))
    with pytest.raises(ValueError, match="features"):
        answers(fitted, np.zeros((2, 7)))


@pytest.mark.parametrize("Estimator", TABULAR)
def test_transposed_images_of_as_many_pixels_at_predict(Estimator):
    X, _ = images_of(SHAPES["RGB"])
    with pytest.raises(ValueError, match="images of shape"):
        answers(fitted_to(SHAPES["RGB"], Estimator), X.transpose(0, 2, 1, 3))


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda X: X[:, 1:], "resize them"),
        (lambda X: X[:, :, :, 0], "convert them to RGB"),
        (
            lambda X: X.transpose(0, 3, 1, 2),
            r"put the channels last with X.transpose\(0, 2, 3",
        ),
        (lambda X: X[0], r"pass a single image as X\[None\]"),
        (lambda X: X[0].transpose(2, 0, 1), r"X.transpose\(1, 2, 0\)\[None\]"),
        (lambda X: X.transpose(0, 3, 1, 2)[:, :, 1:], r"channels last.*, and resize"),
    ],
)
def test_what_to_do_with_images_of_another_shape(change, remedy):
    X, y = images_of(SHAPES["RGB"])
    model = SoftmaxRegression().fit(X, y)
    with pytest.raises(ValueError, match=f"{remedy}.*, or fit it to images of this"):
        model.predict(change(X))
    with pytest.raises(
        ValueError, match=r"of a single image: pass a single image as X\[None\]"
    ):
        model.predict(X[0, :, :, 0])


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda X: X[0], r"X has 16 features, but .* single image: .* X\[None\]"),
        (
            lambda X: X[:, None],
            r"put the channels last with X.transpose\(0, 2, 3, 1\), or",
        ),
        (lambda X: np.stack([X] * 3, 1), "channels last.*, and convert them to gray"),
    ],
)
@pytest.mark.parametrize("Estimator", TABULAR)
def test_what_to_do_with_other_images_than_gray_ones(Estimator, change, remedy):
    X, _ = images_of(SHAPES["gray"])
    with pytest.raises(ValueError, match=remedy):
        answers(fitted_to(SHAPES["gray"], Estimator), change(X))


@pytest.mark.parametrize(
    "Estimator",
    [E for E in TABULAR if E not in MADE_OF_PIXELS and E is not ImageClassifier],
)
def test_channel_first_images_given_to_learners(Estimator):
    X, y = images_of(SHAPES["RGB"])
    first = X.transpose(0, 3, 1, 2)
    hint = r"\(60, 3, 12, 16\)\. Is it channel-first\? .*X.transpose\(0, 2, 3, 1\)"
    with pytest.warns(ImageShapeWarning, match=hint):
        fitted = make(Estimator).fit(first, y)
    assert fitted.image_shape_ == (3, 12, 16)
    with pytest.raises(ValueError, match=r"channels last in fit too, with X.transpose"):
        answers(fitted, X)
    answers(fitted_to(SHAPES["RGB"], Estimator), X)


@pytest.mark.parametrize(
    "shape",
    [(3, 8, 3), (1, 5, 3), (3, 3, 16), (3, 2, 40), (1, 100, 12), (4, 8, 8), (3, 8, 4)],
)
def test_feature_maps_are_not_taken_for_channel_first_images(shape):
    X = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    model = SoftmaxRegression().fit(X, np.arange(20) % 2)  # a warning is an error here
    assert model.image_shape_ == shape


@pytest.mark.parametrize("Estimator", ONE_OR_THREE)
def test_channel_first_images(Estimator):
    X, y = images_of(SHAPES["RGB"])
    if Estimator is PixelNormalizer:
        transformer = PixelNormalizer(center="channel")
    else:
        transformer = make(Estimator)
    with pytest.raises(ValueError, match=r"channel-first\? .*transpose\(0, 2, 3, 1\)"):
        transformer.fit(X.transpose(0, 3, 1, 2), y)


@pytest.mark.parametrize("Estimator", TABULAR)
def test_rows_do_not_depend_on_their_company(Estimator):
    X, _ = images_of(SHAPES["RGB"])
    fitted = fitted_to(SHAPES["RGB"], Estimator)
    expected = answers(fitted, X)
    one_by_one = np.concatenate([answers(fitted, X[i : i + 1]) for i in range(N)])
    atol = 1e-6 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-5, atol=atol)
    assert answers(fitted, X[:1]).shape[0] == 1


@pytest.mark.parametrize("Estimator", IMAGE_TRANSFORMERS)
def test_fit_on_one_image(Estimator):
    X, _ = images_of(SHAPES["RGB"], n=1)
    assert np.isfinite(answers(make(Estimator).fit(X), X)).all()


@pytest.mark.parametrize("Estimator", TABULAR)
def test_no_images(Estimator):
    X, y = images_of(SHAPES["RGB"])
    fitted = fitted_to(SHAPES["RGB"], Estimator)
    with pytest.raises(ValueError, match="0 sample"):
        make(Estimator).fit(X[:0], y[:0])
    with pytest.raises(ValueError, match="0 sample"):
        answers(fitted, X[:0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (3, 2, 3), (2, 9, 3), (7, 1)])
@pytest.mark.parametrize("Estimator", TABULAR)
def test_tiny_images(Estimator, shape):
    X = np.random.default_rng(0).integers(0, 256, (N, *shape), dtype=np.uint8)
    fitted = make(Estimator).fit(X, np.arange(N) % 2)
    result = answers(fitted, X)
    assert len(result) == N
    assert np.isfinite(result).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("Estimator", TABULAR)
def test_numbers_that_are_not_finite(Estimator, bad):
    X, y = images_of(SHAPES["RGB"])
    spoilt = X.astype(np.float32)
    spoilt[3, 2, 1, 0] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        make(Estimator).fit(spoilt, y)
    fitted = make(Estimator).fit(X, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        answers(fitted, spoilt)


@pytest.mark.parametrize("Estimator", [E for E in TABULAR if E is not ImageClassifier])
def test_what_is_no_image(Estimator):
    X, y = images_of(SHAPES["RGB"])
    with pytest.raises(ValueError, match=r"different shapes.*ImageReader"):
        make(Estimator).fit([X[0], X[1, :5]], y[:2])
    ragged = np.empty(2, dtype=object)
    ragged[:] = [X[0], X[1, :5]]
    with pytest.raises(ValueError, match=r"different shapes.*ImageReader"):
        make(Estimator).fit(ragged, y[:2])
    paths = ["a.jpg", "b.jpg"]
    for X_paths in (paths, pd.Series(paths), np.array(paths), np.array(paths, object)):
        with pytest.raises(
            ValueError, match=r"'a.jpg'.*paths of image files.*ImageReader"
        ):
            make(Estimator).fit(X_paths, y[:2])
    with pytest.raises(ValueError, match="5 dimensions"):
        make(Estimator).fit(X[None], y[:1])
    with pytest.raises(ValueError, match="positive integers"):
        make(Estimator).fit(X[:, :, :0], y)


@pytest.mark.parametrize("Estimator", TABULAR)
def test_a_failed_fit_leaves_nothing_fitted(Estimator):
    X, y = images_of(SHAPES["RGB"])
    estimator = make(Estimator)
    spoilt = X.astype(float)
    spoilt[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(spoilt, y)
    with pytest.raises(ValueError, match="not fitted yet"):
        answers(estimator, X)


@pytest.mark.parametrize("Estimator", TABULAR)
def test_a_failed_refit_changes_nothing(Estimator):
    X, y = images_of(SHAPES["RGB"])
    fitted = make(Estimator).fit(X, y)
    expected = answers(fitted, X)
    spoilt = X[:, :8, :8].astype(float)
    spoilt[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(spoilt, y)
    if Estimator in CLASSIFIERS and Estimator is not KNNImageClassifier:
        with pytest.raises(ValueError, match="one class"):
            fitted.fit(X[:, :8, :8], y[:1].repeat(N))
    assert_same(answers(fitted, X), expected)
    assert fitted.image_shape_ == X.shape[1:]


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("Estimator", TABULAR)
def test_tables(Estimator, table):
    X, y = images_of((8, 8))
    X[0], X[1] = 0, 255  # a table may hold floats, whose range is learned
    names = [f"p{i}" for i in range(64)]
    rows = table(dict(zip(names, flat(X).T, strict=True)))
    fitted = make(Estimator, (8, 8)).fit(rows, y)
    expected = answers(make(Estimator).fit(X, y), X)
    assert_same(answers(fitted, rows), expected, exact=False)
    if not hasattr(StandardScaler().fit(rows), "feature_names_in_"):
        return  # this scikit-learn does not know the names of this polars
    assert list(fitted.feature_names_in_) == names
    with pytest.raises(ValueError, match="feature names should match"):
        answers(fitted, rows[names[::-1]])


@pytest.mark.parametrize("Estimator", TABULAR)
def test_numbers_of_the_other_byte_order(Estimator):
    X, y = images_of(SHAPES["RGB"])
    X = X.astype(np.float32)
    expected = answers(make(Estimator).fit(X, y), X)
    swapped = X.astype(X.dtype.newbyteorder("S"))
    result = answers(make(Estimator).fit(swapped, y), swapped)
    assert_same(result, expected)
    assert result.dtype == expected.dtype


@pytest.mark.parametrize("Estimator", TABULAR)
def test_pickle_and_clone(Estimator):
    X, y = images_of(SHAPES["RGB"])
    fitted = fitted_to(SHAPES["RGB"], Estimator)
    expected = answers(fitted, X)
    assert_same(answers(pickle.loads(pickle.dumps(fitted)), X), expected)
    assert_same(answers(clone(fitted).fit(X, y), X), expected)


@pytest.mark.parametrize("Estimator", TABULAR)
def test_results_do_not_depend_on_n_jobs(Estimator):
    if "n_jobs" not in inspect.signature(Estimator).parameters:
        return
    X, y = images_of((64, 64, 3), n=100)
    expected = answers(make(Estimator).fit(X, y), X)
    for n_jobs in (2, -1):
        assert_same(answers(make(Estimator, n_jobs=n_jobs).fit(X, y), X), expected)


def pipeline_of(Estimator):
    """Return a classifier of images in which ``Estimator`` has a part."""
    last = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    if Estimator in CLASSIFIERS:
        return make_pipeline(PixelNormalizer(), make(Estimator))
    return make_pipeline(make(Estimator), last, SoftmaxRegression())


def searches(pipeline):
    name, model = pipeline.steps[-1]
    values = {"n_neighbors": [1, 3], "alpha": [1e-2, 1e-1], "eta0": [0.5, 1.0]}
    values["image_size"] = [16, 24]
    parameter = {key: values[key] for key in values if hasattr(model, key)}
    grid = {f"{name}__{key}": values for key, values in parameter.items()}
    return {
        "GridSearchCV": GridSearchCV(pipeline, grid, cv=2),
        "RandomizedSearchCV": RandomizedSearchCV(pipeline, grid, n_iter=2, cv=2),
        "HalvingRandomSearchCV": HalvingRandomSearchCV(
            pipeline, grid, n_candidates=2, min_resources=30, cv=2, random_state=0
        ),
        "CalibratedClassifierCV": CalibratedClassifierCV(pipeline, cv=2),
        "VotingClassifier": VotingClassifier([("a", pipeline), ("b", clone(pipeline))]),
        "StackingClassifier": StackingClassifier(
            [("a", pipeline)], SoftmaxRegression(alpha=1e-2), cv=2
        ),
    }


# Each estimator with two of them, since what they do with images is the same for all.
METAS = list(searches(make_pipeline(SoftmaxRegression())))
PAIRS = [
    (Estimator, METAS[(i + offset) % len(METAS)])
    for i, Estimator in enumerate(IN_PIPELINES)
    for offset in (0, len(METAS) // 2)
]


@pytest.mark.parametrize(("Estimator", "meta"), PAIRS)
def test_meta_estimators_on_images(Estimator, meta):
    X, y = images_of(SHAPES["RGB"])
    model = searches(pipeline_of(Estimator))[meta].fit(X, y)
    assert model.predict(X).shape == (N,)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("Estimator", IN_PIPELINES)
def test_cross_validation_of_images(Estimator):
    X, y = images_of(SHAPES["RGB"])
    scores = cross_val_score(pipeline_of(Estimator), X, y, cv=3, n_jobs=2)
    assert scores.min() > 0.6


@pytest.mark.parametrize("Estimator", TRANSFORMERS)
def test_feature_union_of_images(Estimator):
    X, y = images_of(SHAPES["RGB"])
    alone = answers(fitted_to(SHAPES["RGB"], Estimator), X)
    flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    union = make_union(make_pipeline(make(Estimator), flatten), HOG())
    both = union.fit_transform(X, y)
    assert_same(both[:, : alone.shape[1]], alone)


@pytest.mark.parametrize("meta", ["bagging", "one-vs-one", "columns", "passthrough"])
@pytest.mark.parametrize("Estimator", IN_PIPELINES)
def test_meta_estimators_on_flat_rows(Estimator, meta):
    shape = SHAPES["RGB"]
    X, y = images_of(shape)
    model = make(Estimator, shape)
    if Estimator not in CLASSIFIERS:
        model = make_pipeline(model, SoftmaxRegression())
    if meta == "columns":
        n_features = int(np.prod(shape))
        transformer = make(Estimator, shape)
        if Estimator in CLASSIFIERS:
            transformer = PixelNormalizer()
        columns = ColumnTransformer([("pixels", transformer, slice(n_features))])
        model = make_pipeline(columns, SoftmaxRegression())
    elif meta == "bagging":
        model = BaggingClassifier(model, n_estimators=2, random_state=0)
    elif meta == "one-vs-one":
        model = OneVsOneClassifier(model)
    else:
        model = StackingClassifier(
            [("a", model)],
            make_pipeline(StandardScaler(), SoftmaxRegression()),
            passthrough=True,
            cv=2,
        )
    assert model.fit(flat(X), y).score(flat(X), y) > 0.8


@pytest.mark.parametrize("Estimator", TRANSFORMERS)
def test_pandas_output(Estimator):
    X, y = images_of(SHAPES["RGB"])
    transformer = make(Estimator, X.shape[1:]).set_output(transform="pandas")
    table = transformer.fit_transform(flat(X), y)
    assert list(table.columns) == list(transformer.get_feature_names_out())
    assert table.columns.is_unique
    assert_same(table.to_numpy(), answers(fitted_to(SHAPES["RGB"], Estimator), X))


@pytest.mark.parametrize("Estimator", TRANSFORMERS)
def test_names_of_features_of_images(Estimator):
    X, _ = images_of(SHAPES["RGB"])
    fitted = fitted_to(SHAPES["RGB"], Estimator)
    names = fitted.get_feature_names_out()
    assert len(set(names)) == len(names) == answers(fitted, X).shape[1]


def test_pandas_output_in_the_middle_of_a_pipeline():
    X, y = images_of(SHAPES["RGB"])
    pipeline = make_pipeline(
        PixelNormalizer(), HOG(), PixelNormalizer(), SoftmaxRegression()
    )
    expected = pipeline.fit(X, y).predict_proba(X)
    pipeline.set_output(transform="pandas")
    assert_same(pipeline.fit(X, y).predict_proba(X), expected)
    assert pipeline[-1].feature_names_in_[0] == "hog_by0_bx0_cy0_cx0_o0"
    union = FeatureUnion([("hog", HOG())]).set_output(transform="pandas")
    assert union.fit_transform(X).columns[0] == "hog__hog_by0_bx0_cy0_cx0_o0"
