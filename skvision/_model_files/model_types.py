"""The types that a model file may hold, as an exact list.

A new estimator needs an entry here, and a method ``check_fitted``; one of scikit-learn
needs a function in `skvision._contract.check_fitted` instead. A class is imported when
a file names it, so that reading a model loads nothing that it does not use.
"""

from importlib import import_module
from typing import Any

# Estimators, which are fitted, or parameters of others
ESTIMATORS = {
    "skvision.ArcFaceEmbedder",
    "skvision.BagOfVisualWords",
    "skvision.ColorHistogram",
    "skvision.HOG",
    "skvision.ImageClassifier",
    "skvision.ImageReader",
    "skvision.KNNImageClassifier",
    "skvision.MLPBackprop",
    "skvision.MulticlassSVM",
    "skvision.NearestImages",
    "skvision.Perceptron",
    "skvision.PixelNormalizer",
    "skvision.SoftmaxRegression",
    "skvision.VerificationThreshold",
    "sklearn.decomposition._pca.PCA",
    "sklearn.ensemble._voting.VotingClassifier",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.pipeline.FeatureUnion",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
}

# What they consist of beside numbers, texts, arrays, lists, tuples and dicts
PARTS = {
    "skvision._linear.perceptron_rule.Weights",
    "skvision._networks.architecture.Architecture",
    "skvision._training.standard.Standard",
    "skvision.augmentation.ColorJitter",
    "skvision.augmentation.Compose",
    "skvision.augmentation.RandomCrop",
    "skvision.augmentation.RandomErasing",
    "skvision.augmentation.RandomFlip",
    "skvision.schedules.OnPlateau",
    "skvision.schedules.StepDecay",
    "sklearn.preprocessing._label.LabelEncoder",
}

SCALARS = {
    f"numpy.{name}"
    for name in (
        *("bool", "bool_", "float32", "float64", "str_"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
}

# The types that each kind of node of a file may create
TYPES = {
    "ObjectNode": ESTIMATORS | PARTS,
    "DictNode": {"builtins.dict", "sklearn.utils._bunch.Bunch"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple", "skvision.metrics._verification.TrueAcceptRate"},
    "JsonNode": {"builtins.str"},
    "TypeNode": {"builtins.str", "builtins.int"},  # of the keys of a dict
    "NdArrayNode": {"numpy.ndarray"} | SCALARS,
    "MaskedArrayNode": {"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"},
    "RandomGeneratorNode": {"numpy.random._generator.Generator"},
}


def name_of(kind: type) -> str:
    """Return the name of a type in files."""
    return f"{kind.__module__}.{kind.__name__}"


def is_listed(kind: type, node: str) -> bool:
    """Return whether a kind of node may create a type, and not only one of its name."""
    name = name_of(kind)
    return name in TYPES[node] and find_type(name) is kind


def find_type(name: str) -> Any:
    """Return the type of a name in `TYPES`."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)
