"""The training engine: losses, penalties, optimizers, solvers, and threads.

They are plain functions and values, which the ``fit`` of an estimator combines. The
room may import `_kernels`, `_layers`, NumPy and SciPy, but neither estimators nor
scikit-learn.
"""
