"""Images become features: `HOG`, `ColorHistogram`, visual words, `PixelNormalizer`.

The room may import `_contract`, `_training` and `_kernels`.
No feature imports another one.
"""
