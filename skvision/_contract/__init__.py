"""What every estimator keeps: images and labels, parameters, weights, warnings.

`images` alone knows how images are laid out, and `sklearn_compat` alone knows private
or version-dependent scikit-learn. The room may import `_training`, and no estimator.
"""
