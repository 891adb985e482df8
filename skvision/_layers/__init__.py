"""Layers of networks: specifications, each with its forward and backward pass.

A network is a tree of frozen dataclasses. Its arrays are views of flat vectors.
Only NumPy, SciPy and `_kernels` are imported here.
"""
