"""Reading of image files into arrays: `ImageReader`, and the formats it supports.

The room may import `_contract` and `_training`. This room validates files and decodes
them; `_contract` defines the layout of images.
"""
