"""Transformers of images: `HOG`, `ColorHistogram`, visual words, `PixelNormalizer`.

The responses_buffer may import `_contract`, `_training` and `_kernels`.
None of the transformers imports another one.
"""
