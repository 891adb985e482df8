"""The training engine: losses, layers, penalties, optimizers, solvers, and threads.

Each is a plain value; an estimator's ``fit`` is a recipe that names one of each. The
room may import `_kernels`, NumPy and SciPy: it knows no estimator and no scikit-learn.
"""
