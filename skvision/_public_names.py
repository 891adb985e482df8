"""Everything that ``skvision`` offers, loaded when the first of it is asked for."""
# ruff: noqa: F401

from skvision import (
    augmentation,
    datasets,
    inspection,
    metrics,
    model_selection,
    schedules,
)
from skvision._contract.images import ImageShapeWarning
from skvision._features.color_histogram import ColorHistogram
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
from skvision._linear.multiclass_svm import MulticlassSVM
from skvision._linear.perceptron import Perceptron
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._neighbors.knn_image_classifier import KNNImageClassifier
from skvision._neighbors.nearest_images import NearestImages
from skvision._networks.arcface_embedder import ArcFaceEmbedder
from skvision._networks.mlp_backprop import MLPBackprop
from skvision._readers.image_reader import ImageReader
from skvision._verification.verification_threshold import VerificationThreshold
