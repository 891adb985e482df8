"""BagOfVisualWords against compositions of peers: the same words, two threads.

Words are centers of k-means, and features are counts of the nearest word: what peers
can do too. Both sides learn from the same whitened patches, and count with the same
words.
"""

import cv2
import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.feature_extraction.image import PatchExtractor
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from skvision import BagOfVisualWords
from skvision._features.visual_words.codebook import learn_words
from skvision._features.visual_words.patches import sample_patches

N_WORDS = 400
LEARN = "codebook of 400 words, k-means, 50,000 patches"
ENCODE = "counts of 400 words, 500 images of 32 x 32, every patch of 6 x 6"


@pytest.fixture(autouse=True)
def two_threads():
    cv2.setNumThreads(2)
    with threadpool_limits(2):
        yield


@pytest.fixture(scope="module")
def images(cifar):
    return cifar.images[:500]


@pytest.fixture(scope="module")
def words(images):
    return BagOfVisualWords(
        n_words=N_WORDS,
        n_patches=50_000,
        codebook="kmeans",
        encoding="hard",
        mirror=False,
        grid=(1, 1),
        random_state=0,
        n_jobs=2,
    ).fit(images)


@pytest.fixture(scope="module")
def patches(images, words):
    """Return whitened patches to learn from."""
    drawn = sample_patches(
        images, 50_000, (6, 6, 3), (0.0, 255.0), 10.0, np.random.RandomState(0)
    )
    return (drawn - words.patch_mean_) @ words.whitening_


def run(benchmark, name, group, function):
    benchmark.group = group
    benchmark.extra_info["name"] = name
    return benchmark.pedantic(function, rounds=3, warmup_rounds=1)


def inertia(patches, centers):
    squares = (centers**2).sum(axis=1) - 2 * patches @ centers.T
    return float(squares.min(axis=1).mean() + (patches**2).sum(axis=1).mean())


def mini_batch_k_means(patches):
    model = MiniBatchKMeans(N_WORDS, random_state=0, n_init=1)
    return model.fit(patches).cluster_centers_


def test_learn(benchmark, patches):
    def learn():
        return learn_words(
            patches,
            N_WORDS,
            None,
            unit=False,
            random_state=np.random.RandomState(0),
            n_jobs=2,
        )

    reached = inertia(patches, run(benchmark, "skvision", LEARN, learn))
    benchmark.extra_info["inertia"] = reached
    assert reached < inertia(patches, mini_batch_k_means(patches))


def test_mini_batch_k_means(benchmark, patches):
    centers = run(
        benchmark, "MiniBatchKMeans", LEARN, lambda: mini_batch_k_means(patches)
    )
    reached = inertia(patches, centers)
    benchmark.extra_info["inertia"] = reached
    assert reached < inertia(patches, patches[:N_WORDS])


def whiten(images, words):
    """Return the whitened patches of images, by scikit-learn and NumPy."""
    patches = PatchExtractor(patch_size=(6, 6)).transform(images)
    patches = patches.reshape(len(patches), -1).astype(np.float32)
    patches -= patches.mean(axis=1, keepdims=True)
    patches /= np.sqrt(patches.var(axis=1, keepdims=True) + 10)
    return (patches - words.patch_mean_) @ words.whitening_


def count(nearest, n_pictures):
    pictures = np.arange(n_pictures).repeat(len(nearest) // n_pictures)
    flat = pictures * N_WORDS + nearest
    return np.bincount(flat, minlength=n_pictures * N_WORDS).reshape(n_pictures, -1)


def check_same(counts, images, words):
    """Ties and rounding may give a patch in ten thousand to another word."""
    different = np.abs(counts - words.transform(images)).sum() / 2
    assert different < 1e-4 * counts.sum()


def test_encode(benchmark, images, words):
    counts = run(benchmark, "skvision", ENCODE, lambda: words.transform(images))
    assert counts.sum() == 500 * 27 * 27


def test_nearest_neighbors(benchmark, images, words):
    search = NearestNeighbors(n_neighbors=1, algorithm="brute", n_jobs=2)
    search.fit(words.codebook_)

    def encode():
        whitened = whiten(images, words)
        nearest = search.kneighbors(whitened, return_distance=False)[:, 0]
        return count(nearest, len(images))

    check_same(run(benchmark, "scikit-learn", ENCODE, encode), images, words)


def test_opencv(benchmark, images, words):
    matcher = cv2.BFMatcher(cv2.NORM_L2)

    def encode():
        matches = matcher.match(whiten(images, words), words.codebook_)
        return count(np.array([match.trainIdx for match in matches]), len(images))

    check_same(run(benchmark, "OpenCV", ENCODE, encode), images, words)
