"""`BagOfVisualWords`: patches of images, their codebook, and their encoding.

The folder may import what `_features` may import. Only `bag_of_visual_words` imports
scikit-learn's estimators.
"""
