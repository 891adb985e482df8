"""Saving and loading of models: `model_file` rejects files that are not models.

`model_archive` and `model_check` validate files. The room may import `_contract`,
`_features`, `_linear` and `_readers`, and imports skops only when it is called.
"""
