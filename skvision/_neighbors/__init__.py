"""Nearest neighbors: `KNNImageClassifier`, `NearestImages`, and the search for both.

`search` and `radius` are exact and use `sketches` to exclude candidates; `hnsw` is
approximate. The room may import `_contract`, `_training` and `_kernels`.
"""
