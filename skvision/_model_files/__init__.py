"""Models in files: `model_file` saves and loads them, and refuses all other files.

`model_archive` and `model_check` check what is read. The room may import `_contract`,
`_features`, `_linear` and `_readers`, and skops when it is called.
"""
