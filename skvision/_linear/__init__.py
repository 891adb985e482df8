"""Linear classifiers: `SoftmaxRegression`, `MulticlassSVM` and `Perceptron`.

Their common base classes are in `linear_classifier` and
`regularized_linear_classifier`. The solvers are in `_training`. The room may import
`_contract`, `_training`, `_layers` and `_kernels`.
"""
