"""What the command line does: find images, train, compare, report and predict.

The library never imports this room; it may import every other one, rich and jinja2.
`skvision.cli` parses the arguments and calls it.
"""
