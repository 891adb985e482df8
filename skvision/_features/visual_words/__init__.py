"""`BagOfVisualWords`: patches of images, a codebook of them, and their encoding.

The folder may import what `_features` may.
Only `bag_of_visual_words` knows scikit-learn's estimators.
"""
