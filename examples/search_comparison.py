"""
Three random searches at equal cost
===================================

``RandomizedSearchCV``, ``HalvingRandomSearchCV`` and ``CoarseToFineSearchCV`` search
the parameters of a network and of a linear support vector machine, on digits and on HOG
features of a part of CIFAR-10. All searches have the same cost. The cost of a fit is
the number of its epochs times the number of its samples (a fit that diverges counts as
complete), and the cost of a search is the sum over its fits in cross-validation. Nine
fits of 27 epochs for each of three folds have the cost of 27 candidates with 3 epochs,
9 with 9 and 3 with 27, which are the schedules of halving and coarse-to-fine.

A seed determines the training images, the test images and the folds, which are the same
for all searches, and the candidates. The script prints means over seeds with standard
errors: ``best`` is ``best_score_`` of the search, which is optimistic because it is the
maximum of several scores; ``anew`` is the accuracy of the selected parameters in other
folds of the same images; ``test`` is the accuracy on the test images after a fit to all
training images.

``python examples/search_comparison.py FOLDER [--seeds 10] [--first 0]``, where FOLDER
contains ``cifar-10-batches-py``, takes about ten minutes on one core. The settings of
the search were chosen on seeds from 100 on.
"""

import argparse
import sys
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

from skvision import HOG, MLPBackprop, MulticlassSVM, PixelNormalizer
from skvision.datasets import load_cifar10
from skvision.model_selection import CoarseToFineSearchCV

N_FITS, EPOCHS = 9, 27
SPENT = [0]  # epochs times samples of all fits since it was reset


def counted(Estimator):
    """Return a class that adds the cost of each fit to SPENT."""

    class Counted(Estimator):
        """Estimator that counts the cost of its fits."""

        def fit(self, X, y):
            """Fit, and add the number of epochs times samples."""
            try:
                return super().fit(X, y)
            finally:  # a fit that diverges counts as complete
                SPENT[0] += getattr(self, "n_iter_", self.max_iter) * len(X)

    Counted.__init__ = Estimator.__init__
    return Counted


FIXED = {
    "learning_rate": "cosine",
    "max_iter": EPOCHS,
    "n_iter_no_change": EPOCHS,
    "random_state": 0,
}
SPACES = {
    MLPBackprop: {
        "learning_rate_init": loguniform(1e-5, 1),
        "alpha": loguniform(1e-7, 1),
        "hidden_layer_sizes": randint(16, 129),
        "dropout": uniform(0, 0.7),
        "batch_size": [32, 64, 128, 256],
        "solver": ["sgd", "adam"],
        "activation": ["relu", "tanh"],
    },
    MulticlassSVM: {
        "learning_rate_init": loguniform(1e-6, 1),
        "alpha": loguniform(1e-6, 1),
        "margin": loguniform(1e-2, 1e2),
        "batch_size": [32, 64, 128, 256],
        "solver": ["sgd", "adam"],
        "loss": ["hinge", "squared_hinge"],
        "multi_class": ["weston_watkins", "ovr"],
    },
}


def searches(model, space, folds, seed):
    """Yield the name and the search of each kind, all at the same cost."""
    common = {"cv": folds, "random_state": seed, "refit": False}
    yield "random", RandomizedSearchCV(model, space, n_iter=N_FITS, **common)
    yield (
        "halving",
        HalvingRandomSearchCV(
            model,
            space,
            n_candidates=27,
            resource="max_iter",
            min_resources=3,
            max_resources=EPOCHS,
            **common,
        ),
    )
    yield (
        "coarse to fine",
        CoarseToFineSearchCV(
            model, space, n_iter=N_FITS, resource="max_iter", **common
        ),
    )


def digits(folder, seed):
    """Return 600 training digits and the others as test digits."""
    data = load_digits()
    return train_test_split(
        data.data.astype(np.float32) / 8 - 1,
        data.target,
        train_size=600,
        stratify=data.target,
        random_state=seed,
    )


def photos(folder, seed):
    """Return HOG features of 1,000 training and 2,000 test images of CIFAR-10."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for split, n in (("train", 1_000), ("test", 2_000)):
        data = load_cifar10(folder, split=split)
        chosen = rng.permutation(len(data.images))[:n]
        hog = HOG(transform_sqrt=True, interpolate=True)
        rows.append(hog.fit_transform(data.images[chosen]).astype(np.float32))
        labels.append(data.labels[chosen])
    normalizer = PixelNormalizer(variance_floor=0.01).fit(rows[0])
    return [normalizer.transform(part) for part in rows] + labels


def compare(Estimator, load, folder, seed):
    """Return a record for each search with one seed."""
    # few epochs are intended, and some candidates diverge
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", FitFailedWarning)
    warnings.filterwarnings("ignore", "One or more of the .* scores are non-finite")
    X, X_test, y, y_test = load(folder, seed)
    model = counted(Estimator)(**FIXED)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    others = StratifiedKFold(5, shuffle=True, random_state=1_000 + seed)
    records = []
    for name, search in searches(model, SPACES[Estimator], folds, seed):
        SPENT[0] = 0
        search.fit(X, y)
        cost = SPENT[0]
        best = clone(model).set_params(**search.best_params_)
        anew = cross_val_score(best, X, y, cv=others).mean()
        record = {"problem": f"{Estimator.__name__}, {load.__name__}", "seed": seed}
        record |= {"search": name, "cost": cost, "best": 100 * search.best_score_}
        record |= {
            "anew": 100 * anew,
            "test": 100 * best.fit(X, y).score(X_test, y_test),
        }
        records.append(record)
    return records


def mean_and_error(values):
    """Return a mean and its standard error as text."""
    return f"{values.mean():.2f} ± {values.std() / np.sqrt(len(values)):.2f}"


def show(records):
    """Print means, and paired differences from coarse-to-fine."""
    measures = ["best", "anew", "test"]
    for problem, part in records.groupby("problem", sort=False):
        by_search = part.groupby("search", sort=False)
        table = by_search[measures].agg(mean_and_error)
        table.insert(0, "cost", by_search["cost"].mean().astype(int))
        print(f"\n{problem}, accuracy in %, {part['seed'].nunique()} seeds")
        print(table.to_string())
        show_differences(part, measures)
    print("\nall four")
    show_differences(records, measures)


def show_differences(part, measures):
    """Print the mean paired differences of coarse-to-fine and each peer."""
    wide = part.pivot(index=["problem", "seed"], columns="search", values=measures)
    for peer in ("random", "halving"):
        print(f"ours less {peer}:", end="")
        for name in measures:
            pairs = wide[name]["coarse to fine"] - wide[name][peer]
            print(f"  {name} {mean_and_error(pairs)}", end="")
        print()


def main(folder, first, n_seeds, n_jobs):
    """Compare the searches on all problems and seeds."""
    records = Parallel(n_jobs=n_jobs, verbose=5)(
        delayed(compare)(Estimator, load, folder, seed)
        for seed in range(first, first + n_seeds)
        for Estimator in (MLPBackprop, MulticlassSVM)
        for load in (digits, photos)
    )
    show(pd.DataFrame([one for several in records for one in several]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("folder", nargs="?", default="../shared/data")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=1)
    arguments = parser.parse_args()
    sys.exit(main(arguments.folder, arguments.first, arguments.seeds, arguments.n_jobs))
