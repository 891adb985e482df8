"""The training engine: losses, penalties, objectives, and what minimises them.

Each is a plain value; an estimator's ``fit`` is a recipe that names one of each.
Nothing here knows an estimator or scikit-learn.
"""
