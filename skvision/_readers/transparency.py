"""Backgrounds of transparent images."""

from collections.abc import Iterable
from typing import Any

from PIL import Image, ImageColor

Color = tuple[int, int, int]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
_BRIGHT = 224  # mean level above which an image would hardly be seen on white


def parse_background(background: Any) -> Color | str | None:
    """Return a color as red, green and blue; "auto" and None stay as they are.

    Raises
    ------
    ValueError
        If it is neither of these, nor a color.
    """
    if background is None:
        return None
    color = background
    if isinstance(background, str):
        if background == "auto":
            return "auto"
        try:
            color = ImageColor.getrgb(background)
        except ValueError:
            color = ()
    is_color = len(color) == 3 and all(level in range(256) for level in color)
    if not is_color:
        raise ValueError(
            f"background is {background!r}; a color such as 'white', '#ffcc00' or "
            f"(255, 204, 0), 'auto' or None is needed."
        )
    red, green, blue = map(int, color)
    return red, green, blue


def choose_background(strips: Iterable[Image.Image]) -> Color:
    """Return white, or black if what is visible of an image is nearly white.

    Parameters
    ----------
    strips : iterable of PIL.Image.Image
        The image in 8 bits, in parts.
    """
    light = opacity = 0.0
    for strip in strips:
        counts = strip.convert("RGBA").convert("RGBa").histogram()
        red, green, blue, alpha = (
            sum(level * n for level, n in enumerate(counts[start : start + 256]))
            for start in range(0, 1024, 256)
        )
        light += (red + green + blue) / 3
        opacity += alpha / 255
    return BLACK if light > _BRIGHT * opacity else WHITE


def place_on(background: Color | None, image: Image.Image) -> Image.Image:
    """Place a transparent image on a color; None makes it opaque as it is."""
    colored = image.convert("RGBA")
    if background is None:
        return colored.convert("RGB")
    opaque = Image.new("RGB", image.size, background)
    opaque.paste(colored, mask=colored)
    return opaque
