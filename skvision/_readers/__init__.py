"""Image files become arrays: `ImageReader`, and what it knows of file formats.

The room may import `_contract` and `_training`.
What an array from a file must be is said here; how images are laid out, in `_contract`.
"""
