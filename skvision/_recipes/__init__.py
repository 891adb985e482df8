"""Recipes: features and a model for a classifier of images, and the choice of them.

The room may import `_contract`, `_features`, `_linear`, `_neighbors`, `_networks`,
`_readers`, `_training`, `augmentation` and `model_selection`. `choice` compares recipes
on training images alone, `fit_recipe` fits the best one, and `image_classifier` offers
both.
"""
