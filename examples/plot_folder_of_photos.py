"""
=======================================================
A folder of photos to a classifier, and to its mistakes
=======================================================

This example does what most users of skvision want to do first. It starts with a folder
that has a subfolder of image files for each class, trains a classifier, measures its
accuracy on images that it has not seen, and looks at the mistakes.

The image files are made here, so that the example runs anywhere: they are small squares
of two photos that come with scikit-learn, one of a temple and one of a flower. With a
folder of your own, begin at the second step.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline, make_union

from skvision import (
    HOG,
    ColorHistogram,
    ImageReader,
    PixelNormalizer,
    SoftmaxRegression,
)
from skvision.datasets import load_image_folder
from skvision.inspection import MistakesDisplay

# %%
# A folder for each class
# -----------------------
# Each photo is cut into squares of 48 x 48 pixels. The seven columns on the left are
# for training and the six on the right are for testing, because squares that lie next
# to each other look alike: if they were divided at random, the test would be too easy.

SIDE, N_ROWS, N_COLUMNS, N_TRAINING_COLUMNS = 48, 8, 13, 7

root = Path(tempfile.mkdtemp())
for label, photo in zip(["temple", "flower"], load_sample_images().images, strict=True):
    for row, column in np.ndindex(N_ROWS, N_COLUMNS):
        part = "train" if column < N_TRAINING_COLUMNS else "test"
        folder = root / part / label
        folder.mkdir(parents=True, exist_ok=True)
        top, left = SIDE * row, SIDE * column
        square = photo[top : top + SIDE, left : left + SIDE]
        Image.fromarray(square).save(folder / f"row_{row}_column_{column:02}.png")

# %%
# Read the files
# --------------
# :func:`~skvision.datasets.load_image_folder` lists the files and takes the names of
# the subfolders as labels. :class:`~skvision.ImageReader` decodes the files and resizes
# the images to one size.

training = load_image_folder(root / "train")
testing = load_image_folder(root / "test")
reader = ImageReader(size=(48, 48))
X, X_test = reader.transform(training.paths), reader.transform(testing.paths)
print(f"{len(X)} training images, {len(X_test)} test images, classes {training.names}")

# %%
# Train a classifier
# ------------------
# The features are edges and colors, and a softmax regression classifies them.
# Cross-validation on the training images says how accurate such a model is. Use it to
# compare models and settings, and leave the test images alone while you do.

model = make_pipeline(
    make_union(HOG(), ColorHistogram(grid=(2, 2))),
    PixelNormalizer(variance_floor=0.01),
    SoftmaxRegression(alpha=0.1),
)
scores = cross_val_score(model, X, training.labels, cv=4)
print(f"cross-validated accuracy {scores.mean():.1%}")
model.fit(X, training.labels)

# %%
# Measure the accuracy
# --------------------
# The test images are used once, here. The confusion matrix has a row for each true
# class and a column for each predicted class.

accuracy = model.score(X_test, testing.labels)
print(f"accuracy {accuracy:.1%} on {len(X_test)} test images")
ConfusionMatrixDisplay.from_estimator(model, X_test, testing.labels, cmap="Blues")
plt.show()

# %%
# Look at the mistakes
# --------------------
# The most confident mistakes come first. The predicted class and its probability stand
# above each image, and the true class stands below it.

display = MistakesDisplay.from_estimator(model, X_test, testing.labels, n_pictures=10)
plt.show()
print(f"{display.n_wrong} mistakes in {display.n_predictions} predictions")
