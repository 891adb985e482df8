"""What the command line does: `commands` calls the steps, each in a file of its name.

The steps are load, split, describe, choose, fit, evaluate and present. The library
never imports this room; it may import every other one, rich and jinja2. `skvision.cli`
parses the arguments and calls `start`.
"""
