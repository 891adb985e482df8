"""Whatever holds images gives the answers that one plain array of them gives."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from estimators import TABULAR
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_val_score
from test_image_contract import answers, flat, images_of, make

from skvision import (
    HOG,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision._contract.images import as_array
from skvision.augmentation import RandomFlip
from skvision.inspection import (
    MistakesDisplay,
    gradient_check_estimator,
    occlusion,
    saliency,
)
from skvision.metrics import angle_statistics
from skvision.model_selection import k_selection_curve

N = 24


def objects(X):
    column = np.empty(len(X), dtype=object)
    column[:] = list(X)
    return column


class OnlyDLPack:
    """Stands for the arrays of libraries that exchange them by DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Lazy:
    """Stands for Dask's collections, by their protocol."""

    def __init__(self, X):
        self.X, self.n_computed = X, 0

    def __dask_graph__(self):
        return {}

    def compute(self):
        self.n_computed += 1
        return self.X


OF_IMAGES = {
    "list": list,
    "tuple": tuple,
    "object array": objects,
    "object column": lambda X: objects(X)[:, None],
    "Series": lambda X: pd.Series(list(X), index=range(len(X))[::-1]),
    "column": lambda X: pd.DataFrame({"image": list(X)}, index=range(len(X))[::-1]),
    "Pillow": lambda X: list(map(Image.fromarray, X)),
    "Series of Pillow": lambda X: pd.Series(list(map(Image.fromarray, X))),
    "torch": torch.from_numpy,
    "list of torch": lambda X: list(torch.from_numpy(X)),
    "polars Series": pl.Series,
    "polars column": lambda X: pl.DataFrame({"image": X}),
    "memoryview": memoryview,
    "no mask": np.ma.masked_array,
    "DLPack": OnlyDLPack,
    "lazy": Lazy,
    "lazy column": lambda X: Lazy(pd.DataFrame({"image": list(X)})),
}
TABLES = {
    "uint8": pd.DataFrame,
    "UInt8": lambda X: pd.DataFrame(X).astype("UInt8"),
    "category": lambda X: pd.DataFrame(X).astype("category"),
    "polars": pl.DataFrame,
    "lazy polars": lambda X: pl.DataFrame(X).lazy(),
    "lazy": lambda X: Lazy(pd.DataFrame(X)),
    "column of rows": lambda X: pd.DataFrame({"features": list(X)}),
}
DTYPES = {
    "bool": (lambda X: X > 100, np.float64),
    "int64": (lambda X: X.astype(np.int64), np.float64),
    "float16": (lambda X: X.astype(np.float16), np.float64),
    "torch.half": (lambda X: torch.from_numpy(X).half(), np.float64),
    "float32": (lambda X: X.astype(np.float32), np.float32),
    "list of two": (lambda X: [X[0].astype(np.float32), *X[1:]], np.float32),
    "big-endian": (lambda X: X.astype(">f4"), np.float32),
    "object": (lambda X: X.astype(object), np.float64),
}


@pytest.fixture(scope="module")
def expected():
    """Return images, classes, and the answers of each estimator, from plain arrays."""
    known = {}

    def of(Estimator):
        if Estimator not in known:
            X, y = images_of((6, 8, 3), N)
            known[Estimator] = X, y, answers(make(Estimator).fit(X, y), X)
        return known[Estimator]

    return of


@pytest.mark.parametrize("container", OF_IMAGES)
@pytest.mark.parametrize("Estimator", TABULAR)
def test_containers_of_images(Estimator, container, expected):
    X, y, plain = expected(Estimator)
    held = OF_IMAGES[container](X)
    fitted = make(Estimator).fit(held, pd.Series(y, index=range(100, 100 + N)))
    assert fitted.image_shape_ == (6, 8, 3)
    assert not hasattr(fitted, "feature_names_in_")
    result = answers(fitted, held)
    np.testing.assert_array_equal(result, plain)
    assert result.dtype == plain.dtype


@pytest.mark.parametrize("container", TABLES)
@pytest.mark.parametrize("Estimator", TABULAR)
def test_tables_of_bytes_stay_bytes(Estimator, container):
    X, y = images_of((6, 8), N)
    held = TABLES[container](flat(X))
    result = answers(make(Estimator, (6, 8)).fit(held, y), held)
    plain = answers(make(Estimator, (6, 8)).fit(flat(X), y), flat(X))
    np.testing.assert_allclose(result, plain, rtol=1e-4, atol=1e-4)
    assert result.dtype == plain.dtype


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes(name):
    X, _ = images_of((6, 8, 3), 4)
    change, dtype = DTYPES[name]
    plain = np.stack([np.asarray(image) for image in change(X)]).astype(dtype)
    normalizer = PixelNormalizer().fit(plain)
    result = normalizer.transform(change(X))
    np.testing.assert_array_equal(result, normalizer.transform(plain))
    assert result.dtype == dtype


@given(
    array=arrays(
        st.sampled_from(["u1", "?", "i2", "<f2", "<f4", ">f4", ">u2", "f8"]),
        array_shapes(min_dims=3, max_dims=4, max_side=4),
        elements=st.integers(0, 1),
    ),
    hold=st.sampled_from(
        [list, tuple, objects, OF_IMAGES["object column"], OF_IMAGES["Series"]]
        + [OF_IMAGES["column"], OF_IMAGES["lazy column"], Lazy, np.ma.masked_array]
    ),
    order=st.permutations(range(3)),
)
def test_what_holds_images_is_read_as_their_array(array, hold, order):
    images = array.transpose(*order, *range(3, array.ndim))
    result = as_array(hold(images))
    np.testing.assert_array_equal(result, images)
    assert result.dtype == images.dtype.newbyteorder("=")


def test_modes_of_pillow():
    X, _ = images_of((6, 8, 3), 2)
    images = list(map(Image.fromarray, X))
    for mode in ("1", "P", "RGBA", "LA", "CMYK", "YCbCr", "HSV"):
        with pytest.raises(ValueError, match=rf"X\[1\] .*mode '{mode}'.*X\[1\].conver"):
            as_array([images[0], images[1].convert(mode)])
    gray = as_array([image.convert("L") for image in images])
    assert (gray.shape, gray.dtype) == ((2, 6, 8), np.uint8)
    levels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    np.testing.assert_array_equal(as_array([Image.fromarray(levels)])[0], levels)
    with pytest.raises(ValueError, match=r"X is a single image: .*\[X\]"):
        SoftmaxRegression().fit(images[0], [0])
    with pytest.raises(ValueError, match=r"different shapes, \(6, 8\), \(6, 8, 3\)\."):
        as_array([images[0], images[1].convert("L")])


def test_the_reader_takes_images_of_pillow():
    X, _ = images_of((20, 30, 3), 3)
    files = [io.BytesIO() for _ in X]
    for image, file in zip(X, files, strict=True):
        Image.fromarray(image).save(file, "PNG")
    reader = ImageReader(size=(8, 9))
    from_files = reader.transform(files)
    images = [Image.fromarray(X[0]), Image.open(files[1]), Image.fromarray(X[2])]
    for held in (images, pd.Series(images), pd.DataFrame({"image": images})):
        np.testing.assert_array_equal(reader.transform(held), from_files)
    assert images[1].size == (30, 20)
    turned = Image.fromarray(X[0])
    turned.getexif()[0x0112] = 3  # upside down
    expected = reader.transform([X[0, ::-1, ::-1]])
    np.testing.assert_allclose(reader.transform([turned]), expected, atol=1)
    np.testing.assert_array_equal(reader.transform(images[0]), from_files[:1])
    with pytest.raises(ValueError, match="mask would be lost"):
        reader.transform([np.ma.masked_array(X[0], X[0] > 3)])


REFUSED = {
    "grad": (lambda X: torch.tensor(X * 1.0).requires_grad_(), r"X.detach\(\)"),
    "bfloat16": (lambda X: torch.from_numpy(X).bfloat16(), r"X.float\(\)"),
    "sparse tensor": (lambda X: torch.from_numpy(flat(X)).to_sparse(), "to_dense"),
    "other device": (lambda X: torch.from_numpy(X).to("meta"), r"X.detach\(\).cpu\(\)"),
    "grad in a list": (
        lambda X: [torch.tensor(X[0] * 1.0).requires_grad_()],
        r"X\[0\]",
    ),
    "mask": (lambda X: np.ma.masked_array(X, X > 200), r"X.filled\(value\)"),
    "mask in a list": (
        lambda X: [*X[1:], np.ma.masked_array(X[0], X[0] > 9)],
        r"X\[23",
    ),
    "matrix": (lambda X: flat(X).view(np.matrix), "np.matrix is not supported"),
    "sparse rows": (lambda X: sparse.csr_array(flat(X)), "Sparse data was passed"),
    "complex": (lambda X: X.astype(complex), "Complex data not supported"),
    "strings": (lambda X: X.astype(str), r"array of <U3 instead of numbers"),
    "times": (lambda X: X.astype("datetime64[s]"), "datetime64"),
    "fields": (lambda X: np.zeros(N, [("a", "u1")]), "instead of numbers"),
    "generator": (lambda X: (x for x in X), "X is of type generator; pass images"),
    "dict": (lambda X: {"image": X}, "X is of type dict; pass images"),
    "dicts": (
        lambda X: [{"image": x} for x in X],
        r"X\[0\] is of type dict; pass images",
    ),
    "None": (lambda X: None, "X is None; pass images"),
    "path": (lambda X: "a.jpg", "X holds 'a.jpg'.*ImageReader"),
    "bytes": (lambda X: [b"\xff\xd8"] * N, "X holds of type bytes"),
    "missing": (lambda X: [*X[1:], None], r"X\[23\] is None instead of an image"),
    "missing first": (lambda X: pd.Series([None, *X[1:]]), r"X\[0\] is None instead"),
    "all missing": (lambda X: [None] * N, r"X\[0\] is None"),
    "column of paths": (
        lambda X: pd.DataFrame({"p": ["a.jpg"] * N}),
        "'a.jpg'.*Reader",
    ),
    "two columns": (
        lambda X: pd.DataFrame({"image": list(X), "place": 1}),
        r"the column 'image' holds images: pass only this column, X\['image'\]",
    ),
    "missing number": (
        lambda X: pd.DataFrame(flat(X)).astype("UInt8").mask(lambda t: t > 200),
        "contains NaN",
    ),
    "numbers": (lambda X: pd.Series(X[:, 0, 0, 0]), "Expected 2D array, got 1D array"),
}


@pytest.mark.parametrize("container", REFUSED)
@pytest.mark.parametrize("Estimator", [HOG, SoftmaxRegression])
@pytest.mark.filterwarnings("ignore::skvision.ImageShapeWarning")
def test_what_is_refused(Estimator, container):
    X, y = images_of((6, 8, 3), N)
    hold, way = REFUSED[container]
    with pytest.raises((TypeError, ValueError), match=way):
        Estimator().fit(hold(X), y)
    fitted = Estimator().fit(X, y)
    with pytest.raises((TypeError, ValueError), match=way):
        answers(fitted, hold(X))


def test_arrays_are_not_copied(tmp_path):
    X, _ = images_of((6, 8, 3), N)
    X.tofile(tmp_path / "images")
    mapped = np.memmap(tmp_path / "images", np.uint8, mode="r", shape=X.shape)
    for held in (X, X[::2], X[:, ::-1], np.asfortranarray(X), mapped):
        assert np.shares_memory(as_array(held), held)
    tensor = torch.from_numpy(X)
    assert np.shares_memory(as_array(tensor), X)


def test_lazy_arrays_are_computed_once():
    X, y = images_of((6, 8, 3), N)
    lazy = Lazy(X)
    fitted = make(HOG).fit(lazy, y)
    assert lazy.n_computed == 1
    fitted.transform(lazy)
    assert lazy.n_computed == 2


def test_weights_are_not_aligned_by_their_index():
    X, y = images_of((6, 8, 3), N)
    weights = np.arange(1.0, N + 1)
    model = SoftmaxRegression().fit(X, y, weights)
    back = range(N)[::-1]
    other = SoftmaxRegression().fit(
        pd.Series(list(X)), pd.Series(y, index=back), pd.Series(weights, index=back)
    )
    np.testing.assert_array_equal(other.coef_, model.coef_)


@pytest.mark.parametrize("container", ["list", "Series", "column", "Pillow", "torch"])
def test_cross_validation_of_what_holds_images(container):
    X, y = images_of((6, 8, 3), N)
    model = SoftmaxRegression(alpha=0.1)
    scores = cross_val_score(model, OF_IMAGES[container](X), y, cv=3)
    np.testing.assert_array_equal(scores, cross_val_score(model, X, y, cv=3))


@pytest.mark.parametrize("column", ["image", ["image"]])
def test_images_beside_other_columns_of_a_table(column):
    X, _ = images_of((6, 8, 3), N)
    table = pd.DataFrame({"place": np.arange(N), "image": list(X)})
    both = make_column_transformer((HOG(), column), ("passthrough", ["place"]))
    result = both.fit_transform(table)
    np.testing.assert_array_equal(result[:, :-1], HOG().fit_transform(X))
    np.testing.assert_array_equal(result[:, -1], np.arange(N))


def test_tables_out_of_a_column_of_images_keep_its_index():
    X, _ = images_of((6, 8, 3), 4)
    table = pd.DataFrame({"image": list(X)}, index=list("wxyz"))
    out = HOG().set_output(transform="pandas").fit_transform(table)
    assert list(out.index) == list("wxyz")
    assert out.columns[0] == "hog_by0_bx0_cy0_cx0_o0"


@pytest.mark.parametrize("container", ["Series", "Pillow", "torch"])
def test_functions_take_what_estimators_take(container):
    X, y = images_of((6, 8, 3), N)
    held = OF_IMAGES[container](X)
    model = SoftmaxRegression(alpha=0.1).fit(X, y)
    for explain in (saliency, occlusion):
        np.testing.assert_array_equal(explain(model, held), explain(model, X))
    losses = [model.loss_and_gradient(images, y)[0] for images in (held, X)]
    assert losses[0] == losses[1]
    assert gradient_check_estimator(model, held, y, n_coordinates=3)
    np.testing.assert_array_equal(RandomFlip()(held, 0), RandomFlip()(X, 0))
    curves = [k_selection_curve(images, y, [1, 3], cv=2) for images in (held, X)]
    pd.testing.assert_frame_equal(*curves)
    display = MistakesDisplay.from_estimator(model, held, np.roll(y, 1), n_pictures=2)
    np.testing.assert_array_equal(display.images, X[display_order(model, X, y)[:2]])


def display_order(model, X, y):
    wrong = np.flatnonzero(model.predict(X) != np.roll(y, 1))
    confidence = model.predict_proba(X).max(axis=1)[wrong]
    return wrong[np.argsort(-confidence, kind="stable")]


def test_metrics_take_what_estimators_take():
    rng = np.random.default_rng(0)
    embeddings, y = rng.normal(size=(9, 4)).astype(np.float32), np.arange(9) % 3
    expected = angle_statistics(embeddings, y)
    for held in (
        list(embeddings),
        pd.Series(list(embeddings)),
        pl.DataFrame(embeddings),
    ):
        assert repr(angle_statistics(held, y)) == repr(expected)
    with pytest.raises(ValueError, match="embeddings has masked values"):
        angle_statistics(np.ma.masked_array(embeddings, embeddings > 0), y)
    with pytest.raises(TypeError, match=r"embeddings is of type Tensor.*detach"):
        angle_statistics(torch.tensor(embeddings).requires_grad_(), y)


@pytest.mark.parametrize("order", [["path", "image"], ["image", "path"]])
def test_images_beside_paths_of_a_table(order):
    images, y = images_of((4, 4), n=2)
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "image": list(images)})
    with pytest.raises(ValueError, match=r"the column 'image' holds images: .*X\['im"):
        SoftmaxRegression().fit(table[order], y)


def test_a_table_of_one_column_of_numbers():
    X, y = np.array([1.0, 2, 5, 6]), np.array([0, 0, 1, 1])
    model = SoftmaxRegression().fit(pl.DataFrame({"brightness": X}), y)
    assert model.feature_names_in_.tolist() == ["brightness"]
    expected = SoftmaxRegression().fit(X[:, None], y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
