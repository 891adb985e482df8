"""Linear classifiers: `SoftmaxRegression`, `MulticlassSVM` and `Perceptron`.

What they share is in `linear_classifier` and `regularized_linear_classifier`; the
solvers are in `_training`. The room may import `_contract`, `_training`, `_kernels`.
"""
