"""Transformers of images: `HOG`, `ColorHistogram`, visual words, `PixelNormalizer`.

The room may import `_contract`, `_training` and `_kernels`.
None of the transformers imports another one.
"""
