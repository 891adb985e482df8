"""A check that pages load nothing from the network; the build fails if one does."""

import re
from html.parser import HTMLParser
from pathlib import Path

from sphinx.errors import SphinxError

_LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src"}
_LOADING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "modulepreload"}
_IN_CSS = re.compile(r"""(?:@import|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Loaded(HTMLParser):
    """Collects the addresses that a browser loads without a click."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "link" and _LOADING_LINKS & set(attributes.get("rel", "").split()):
            self.addresses.append(attributes["href"])
        elif attributes.get(_LOADS.get(tag)):
            self.addresses.append(attributes[_LOADS[tag]])


def from_network(text, suffix):
    """Return the addresses that a page or a style sheet loads from the network.

    Links that a reader may click are not among them.
    """
    if suffix == ".css":
        return _IN_CSS.findall(text)
    loaded = _Loaded()
    loaded.feed(text)
    return [
        address
        for address in loaded.addresses
        if address.startswith(("http://", "https://", "//"))
    ]


def check_pages(app, exception):
    """Raise an error if a page or a style sheet loads anything from the network."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    found = [
        f"{path.relative_to(folder)}: {address}"
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".html", ".css")
        for address in from_network(path.read_text(encoding="utf-8"), path.suffix)
    ]
    if found:
        raise SphinxError("loaded from the network:\n" + "\n".join(found))


def setup(app):
    """Check the pages after the build."""
    app.connect("build-finished", check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
