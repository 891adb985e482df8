"""A web page as a browser finds it, for tests of the report."""

from html.parser import HTMLParser

OPEN = {"meta", "link", "img", "image", "use", "br", "input", "circle", "line", "rect"}


class Page(HTMLParser):
    """What a browser finds: elements with their attributes, and their text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._path = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "path": tuple(self._path), "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in OPEN and tag != "polyline":
            self._path.append(element["id"] if "id" in element else tag)
            self._tags.append(element)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag in {element["tag"] for element in self._tags}:
            while self._tags.pop()["tag"] != tag:
                self._path.pop()
            self._path.pop()

    def handle_data(self, data):
        for element in self._tags:
            element["text"] += data

    def reset(self):
        super().reset()
        self._tags = []

    def find(self, tag, inside=None):
        """Return elements of a tag, or those inside the one of an id or a tag."""
        return [
            element
            for element in self.elements
            if element["tag"] == tag and (inside is None or inside in element["path"])
        ]
