"""The training engine: losses, layers, penalties, optimizers, solvers, and threads.

They are plain functions and values, which the ``fit`` of an estimator combines. The
room may import `_kernels`, NumPy and SciPy, but neither estimators nor scikit-learn.
"""
