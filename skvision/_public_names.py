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
from skvision._arcface_embedder import ArcFaceEmbedder
from skvision._bag_of_visual_words import BagOfVisualWords
from skvision._color_histogram import ColorHistogram
from skvision._hog import HOG
from skvision._image_reader import ImageReader
from skvision._images import ImageShapeWarning
from skvision._knn_image_classifier import KNNImageClassifier
from skvision._mlp_backprop import MLPBackprop
from skvision._multiclass_svm import MulticlassSVM
from skvision._nearest_images import NearestImages
from skvision._perceptron import Perceptron
from skvision._pixel_normalizer import PixelNormalizer
from skvision._softmax_regression import SoftmaxRegression
from skvision._verification_threshold import VerificationThreshold
