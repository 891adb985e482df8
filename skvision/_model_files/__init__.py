"""Saving and loading of models: `model_file` rejects files that are not models.

`model_encoder` makes a tree of a model. Of a file, `model_archive` and `model_schema`
validate the form, `model_decoder` makes objects, and `model_check` validates these.
`model_types` lists their types, which are named and not imported: the room may import
`_contract`.
"""
