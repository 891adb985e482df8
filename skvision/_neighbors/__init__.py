"""The most similar images: `KNNImageClassifier`, `NearestImages`, and their search.

`search` and `radius` are exact and use `sketches` to skip candidates; `hnsw` is
approximate. The room may import `_contract`, `_training` and `_kernels`.
"""
