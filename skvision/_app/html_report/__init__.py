"""The web page on a model that ``skvision report`` writes, in one file.

``page`` gathers what the template shows: ``scores``, images (``gallery``, and
``images`` as data URIs), ``portraits`` of the classes, and ``curves``, which are drawn
as ``charts``. It loads jinja2 and rich, which come with ``skvision[cli]``.
"""

from skvision._app.html_report.page import render_report, write_report

__all__ = ["render_report", "write_report"]
