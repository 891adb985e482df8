"""Formulas as MathML, which browsers render without a script and without LaTeX."""

from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_logger = logging.getLogger(__name__)


def mathml(node, as_block):
    """Return a formula as MathML, or its source with a warning if that fails."""
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        _logger.warning("%s: %s", node.astext(), error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def draw_inline(translator, node):
    """Write an inline formula."""
    translator.body.append(mathml(node, as_block=False))
    raise nodes.SkipNode


def draw_block(translator, node):
    """Write a displayed formula."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(mathml(node, as_block=True))
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer, for ``html_math_renderer = "mathml"``."""
    app.add_html_math_renderer("mathml", (draw_inline, None), (draw_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
