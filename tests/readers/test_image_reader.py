"""ImageReader: what it takes, as an estimator, and on real photos."""

import io
import pickle
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from image_files import corners, encode
from PIL import Image, ImageOps
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from skvision._readers.image_reader import ImageReader


def flatten(X):
    return X.reshape(len(X), -1)


# What X may be


def test_every_kind_of_file(tmp_path):
    picture = corners(6, 8)
    path = tmp_path / "ünï cødé.png"
    path.write_bytes(encode(picture))
    data = path.read_bytes()
    sources = [path, str(path), np.str_(path), data, bytearray(data), memoryview(data)]
    with open(path, "rb") as file:
        out = ImageReader((6, 8)).transform([*sources, io.BytesIO(data), file, picture])
        assert not file.closed
    np.testing.assert_array_equal(out, np.broadcast_to(picture, (9, 6, 8, 3)))


def test_every_kind_of_list(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_bytes(encode(np.full((4, 4), i, np.uint8)))
    names = [str(path) for path in paths]
    for X in (
        paths,
        tuple(paths),
        np.array(names),
        np.array(paths, dtype=object),
        np.array(names)[:, np.newaxis],
        pd.Series(names, index=[7, 8, 9]),
        pd.Series(names, dtype="category"),
        pd.DataFrame({"path": names}),
        pd.DataFrame({"path": paths}),
    ):
        out = ImageReader((1, 1), mode="L").transform(X)
        assert out.ravel().tolist() == [0, 1, 2]


def test_open_files_are_read_from_their_start_each_time():
    file = io.BytesIO(encode(corners(6, 8)))
    file.seek(11)
    reader = ImageReader((6, 8), n_jobs=2)
    for _ in range(2):
        out = reader.transform([file] * 20)
        np.testing.assert_array_equal(out, np.broadcast_to(corners(6, 8), out.shape))
    assert not file.closed


def test_arrays_of_different_sizes():
    color = corners(4, 6)
    alpha = np.zeros((3, 5, 4), np.uint8)
    gray = np.full((9, 2), 7, np.uint8)
    out = ImageReader((4, 6)).transform([color, alpha, gray, gray[:, :, np.newaxis]])
    np.testing.assert_array_equal(out[0], color)
    assert (out[1] == 255).all() and (out[2:] == 7).all()


@pytest.mark.parametrize("shape", [(2, 6, 8), (2, 6, 8, 1), (2, 6, 8, 3), (2, 6, 8, 4)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_batch_is_read_like_its_pictures(rng, shape, mode):
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    reader = ImageReader((3, 4), mode=mode)
    out = reader.transform(images)
    np.testing.assert_array_equal(out, reader.transform(list(images)))
    np.testing.assert_array_equal(
        out, reader.transform([encode_any(i) for i in images])
    )


def encode_any(picture):
    return encode(picture[:, :, 0] if picture.shape[2:] == (1,) else picture)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.jpg", ValueError, r"one file, 'a.jpg': wrap it in a list"),
        (str(Path(__file__).parent), ValueError, "X is a folder, .*load_image_folder"),
        (Path(__file__).parent, ValueError, "X is a folder, .*load_image_folder"),
        ([Path(__file__).parent], ValueError, "it is a folder: .*load_image_folder"),
        ([b"photos/a.jpg"], ValueError, "the name of a file in bytes: pass os.fsdec"),
        ([np.bytes_(b"a.HEIC")], ValueError, "the name of a file in bytes"),
        ([("a.jpg", "ant")], TypeError, r"X\[0\] is a tuple .*'a.jpg'; pass the files"),
        ([(Path("a.jpg"), 3)], TypeError, r"\[file for file, label in X\]"),
        (Path("a.jpg"), ValueError, "wrap it in a list"),
        (b"abc", ValueError, "one file, 3 bytes: wrap it in a list"),
        (io.BytesIO(b"abc"), ValueError, "wrap it in a list"),
        ([], ValueError, r"Found array with 0 sample\(s\) \(shape=\(0,\)\)"),
        (np.zeros((0, 4, 4), np.uint8), ValueError, r"0 sample\(s\)"),
        (None, TypeError, "X is a NoneType"),
        (iter(["a.jpg"]), TypeError, "list, array, Series or one-column"),
        ({"a.jpg"}, TypeError, "X is a set"),
        ([3], TypeError, r"X\[0\] is 3, of type int; a path"),
        (["a.jpg", 2.5], TypeError, r"X\[1\] is 2.5, of type float; a path"),
        ([io.StringIO("abc")], TypeError, "open binary file"),
        (
            np.zeros((2, 784)),
            ValueError,
            r"shape \(2, 784\).*HOG\(image_shape=\(H, W\)",
        ),
        (pd.DataFrame(np.eye(3)), ValueError, "table of numbers.*image_shape"),
        ([[1.0, 2.0], [3.0, 4.0]], ValueError, r"X\[0\] is a list.*image_shape"),
        ([np.zeros(784)], ValueError, r"X\[0\] is a row of 784 numbers.*image_shape"),
        (
            np.zeros((2, 4, 4)),
            TypeError,
            r"float64, but uint8.*\(X \* 255\)\.round\(\)",
        ),
        ([np.zeros((4, 4), "f4")], TypeError, r"X\[0\] has pixels of dtype float32"),
        (np.zeros((2, 4, 4), bool), TypeError, r"X.astype\(np.uint8\) \* 255"),
        (np.zeros((2, 4, 4), int), TypeError, "int64.*between 0 and 255"),
        (np.zeros((2, 3, 8, 8), np.uint8), ValueError, "channel-first"),
        (np.zeros((2, 4, 8, 2), np.uint8), ValueError, r"shape \(4, 8, 2\)"),
        ([np.zeros((0, 8), np.uint8)], ValueError, r"shape \(0, 8\)"),
        (np.zeros((1, 2, 4, 8, 3), np.uint8), ValueError, "shape"),
        (np.uint8(3), ValueError, "shape"),
        (
            pd.DataFrame({"path": ["a.jpg"], "label": ["ant"]}),
            ValueError,
            r"2 columns \('path', 'label'\), and one column",
        ),
        (np.array([["a", "b", "c"]]), ValueError, r"3 columns \(0, 1, 2\)"),
    ],
)
def test_what_x_may_not_be(X, error, message):
    with pytest.raises(error, match=message):
        ImageReader().transform(X)


def test_an_image_of_pillow_is_a_list_of_one():
    image = Image.fromarray(corners(4, 6))
    reader = ImageReader((4, 6))
    np.testing.assert_array_equal(reader.transform(image), reader.transform([image]))


def test_one_long_path_takes_little_memory():
    paths = ["a" * 50] * 3_000 + ["b" * 2400]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracemalloc.start()
        ImageReader(1, mode="L", on_error="warn").transform(paths)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3_000 * 2400  # it is 4 times that in an array of str


# As an estimator


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 6.5}, "'size' parameter"),
        ({"size": 0}, "one side of a square"),
        ({"size": (64,)}, "height, width"),
        ({"size": (64, 0)}, "height, width"),
        ({"size": (6.5, 4)}, "height, width"),
        ({"mode": "RGBA"}, "'mode' parameter"),
        ({"resize": "squash"}, "'resize' parameter"),
        ({"resample": 2}, "'resample' parameter"),
        ({"background": 3}, "'background' parameter"),
        ({"background": "reed"}, "background is 'reed'; a color"),
        ({"background": "#ffcc0080"}, "background is '#ffcc0080'"),
        ({"background": (0, 0, 256)}, r"background is \(0, 0, 256\)"),
        ({"background": [0.5, 0, 0]}, r"background is \[0.5, 0, 0\]"),
        ({"value_range": 255}, "'value_range' parameter"),
        ({"value_range": (0, 0)}, "low < high"),
        ({"value_range": (0, 1, 2)}, "two finite numbers"),
        ({"value_range": (0, np.inf)}, "two finite numbers"),
        ({"value_range": (np.nan, 1)}, "two finite numbers"),
        ({"value_range": ("0", "1")}, "two finite numbers"),
        ({"on_error": "ignore"}, "'on_error' parameter"),
        ({"max_pixels": 0}, "'max_pixels' parameter"),
        ({"n_jobs": 1.5}, "'n_jobs' parameter"),
    ],
)
def test_parameters_are_checked_with_and_without_fit(parameters, message):
    X = np.zeros((1, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=message):
        ImageReader(**parameters).fit(X)
    with pytest.raises(ValueError, match=message):
        ImageReader(**parameters).transform(X)


def test_one_number_is_the_side_of_a_square():
    for size in (3, np.int64(3), (3, 3), [3, 3]):
        assert ImageReader(size).transform([corners(5, 4)]).shape == (1, 3, 3, 3)
    assert clone(ImageReader(3)).get_params()["size"] == 3


def test_fit_opens_no_file():
    reader = ImageReader()
    assert reader.fit(["missing.jpg"]) is reader
    assert vars(reader) == vars(ImageReader())
    check_is_fitted(ImageReader())


def test_tags():
    tags = get_tags(ImageReader())
    assert not tags.requires_fit and tags.no_validation
    assert tags.input_tags.string and not tags.input_tags.two_d_array


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_scikit_learn_has_nothing_against_it():
    check_estimator(ImageReader())


def test_clone_parameters_and_pickle():
    reader = ImageReader((8, 9), mode="L", resize="pad", n_jobs=2)
    X = [corners(20, 30)]
    out = reader.transform(X)
    for copy in (clone(reader), pickle.loads(pickle.dumps(reader))):
        assert copy.get_params() == reader.get_params()
        np.testing.assert_array_equal(copy.transform(X), out)
    assert reader.set_params(size=(3, 3)).transform(X).shape == (1, 3, 3)
    np.testing.assert_array_equal(reader.fit_transform(X), reader.transform(X))


def test_set_output_leaves_pictures_alone():
    X = [corners(8, 8)]
    reader = ImageReader((4, 4))
    assert reader.set_output(transform="pandas") is reader
    assert isinstance(reader.transform(X), np.ndarray)
    with config_context(transform_output="pandas"):
        assert isinstance(ImageReader((4, 4)).fit_transform(X), np.ndarray)


def test_pipeline_with_set_output():
    X = [encode(corners(8, 8)), encode(corners(8, 12)[:, ::-1].copy())]
    table = FunctionTransformer(lambda X: pd.DataFrame(flatten(X)).add_prefix("pixel"))
    pipeline = make_pipeline(ImageReader((2, 2)), table, StandardScaler())
    out = pipeline.set_output(transform="pandas").fit_transform(X)
    assert isinstance(out, pd.DataFrame) and out.shape == (2, 12)
    assert list(out.columns[:2]) == ["pixel0", "pixel1"]


def test_pipeline_needs_no_fit():
    try:
        out = make_pipeline(ImageReader((2, 2))).transform([corners(4, 4)])
    except NotFittedError:  # pragma: no cover
        pytest.fail("a stateless step asked for fit")
    assert out.shape == (1, 2, 2, 3)


def test_grid_search_over_its_size(rng):
    levels = np.r_[rng.integers(0, 90, 12), rng.integers(160, 256, 12)]
    X = [
        encode(np.full((9 + i % 3, 12), level, "u1")) for i, level in enumerate(levels)
    ]
    y = np.repeat(["dark", "bright"], 12)
    pipeline = make_pipeline(
        ImageReader(), FunctionTransformer(flatten), NearestCentroid()
    )
    sizes = [(2, 2), (4, 3)]
    grid = {"imagereader__size": sizes, "imagereader__mode": ["L", "RGB"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ == 1.0
    assert search.predict(X[:1]).tolist() == ["dark"]


def test_n_jobs_changes_nothing(rng):
    X = [rng.integers(0, 256, (30 + i, 40, 3), dtype=np.uint8) for i in range(30)]
    X = [encode(picture, "JPEG") if i % 2 else picture for i, picture in enumerate(X)]
    out = ImageReader((16, 16)).transform(X)
    for n_jobs in (1, 2, 3):
        again = ImageReader((16, 16), n_jobs=n_jobs).transform(X)
        np.testing.assert_array_equal(again, out)


# Real photos


@pytest.fixture(scope="module")
def photos(data_root):
    return sorted((data_root / "hymenoptera_photos" / "train").glob("*/*"))[::4]


@pytest.mark.realdata
@pytest.mark.parametrize("resize", ["crop", "stretch"])
def test_photos_match_a_full_decode(photos, resize):
    out = ImageReader(resize=resize, n_jobs=2).transform(photos).astype(int)
    pictures = []
    for path in photos:
        with Image.open(path) as image:
            pictures.append(np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    full = ImageReader(resize=resize).transform(pictures)
    differences = abs(out - full)
    assert differences.mean() < 2
    assert differences.mean(axis=(1, 2, 3)).max() < 6


@pytest.mark.realdata
def test_photos_do_not_depend_on_n_jobs_or_company(photos):
    out = ImageReader((24, 32), mode="L").transform(photos)
    again = ImageReader((24, 32), mode="L", n_jobs=2).transform(photos[::-1])
    np.testing.assert_array_equal(again[::-1], out)
