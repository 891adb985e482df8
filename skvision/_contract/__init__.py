"""Common input validation, parameter checks and warnings of all estimators.

Only `images` handles the layout of images, and only `sklearn_compat` uses private or
version-dependent API of scikit-learn. `models` lists what estimators are asked for. The
room may import `_training` and `_layers`, but no estimator.
"""
