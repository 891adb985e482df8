"""Backgrounds of transparent images."""

from typing import Any

from PIL import Image, ImageColor

Color = tuple[int, int, int]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
_SAMPLE = 256  # pixels per side that are looked at
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


def sample(image: Image.Image) -> Image.Image:
    """Return a small image of some pixels of an image, for `choose_background`."""
    size = min(image.width, _SAMPLE), min(image.height, _SAMPLE)
    return image.resize(size, Image.Resampling.NEAREST)


def choose_background(image: Image.Image) -> Color:
    """Return white, or black if what is visible of an 8-bit image is nearly white."""
    counts = image.convert("RGBA").convert("RGBa").histogram()
    red, green, blue, alpha = (
        sum(level * n for level, n in enumerate(counts[start : start + 256]))
        for start in range(0, 1024, 256)
    )
    is_bright = (red + green + blue) / 3 > _BRIGHT * alpha / 255
    return BLACK if is_bright else WHITE


def place_on(background: Color | None, image: Image.Image) -> Image.Image:
    """Place a transparent image on a color; None makes it opaque as it is."""
    colored = image.convert("RGBA")
    if background is None:
        return colored.convert("RGB")
    opaque = Image.new("RGB", image.size, background)
    opaque.paste(colored, mask=colored)
    return opaque
