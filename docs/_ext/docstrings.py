"""Changes to docstrings that Sphinx needs and that readers of text do not."""

import re

_TYPE = re.compile(r"\s*[\w*][\w*, ]* : ")  # the line of a parameter or an attribute
_FITTED = re.compile(r"(?<=[a-z])_(?!\w)")  # docutils would read it as a link


def mend(app, what, name, obj, options, lines):
    """Join types that span several lines, and escape trailing underscores."""
    mended = []
    for line in lines:
        if mended and mended[-1].endswith("\\"):
            mended[-1] = mended[-1].removesuffix("\\") + line.lstrip()
        else:
            mended.append(line)
    lines[:] = [
        _FITTED.sub(r"\\_", line) if _TYPE.match(line) else line for line in mended
    ]


def setup(app):
    """Process docstrings before numpydoc, which has the priority 500."""
    app.connect("autodoc-process-docstring", mend, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
