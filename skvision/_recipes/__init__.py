"""Recipes: features and a model for a classifier of images, and the choice of them.

The room may import `_features`, `_linear`, `_neighbors`, `_networks` and
`model_selection`. The choice is made on training images alone.
"""
