"""Changes of images that test the robustness of classifiers.

Each function takes images (n, H, W, C) as floats, a level in natural units, the
difference of white and black over 255, and a random number generator. It returns
floats. Pixels beyond the border repeat the pixels at the border.
"""

from typing import Any

import numpy as np

VALUES_PER_BLOCK = 1 << 22  # that are changed together


def brightness(
    x: np.ndarray, level: float, unit: float, rng: np.random.Generator
) -> np.ndarray:
    """Add a constant to all pixels."""
    return x + level * unit


def contrast(x: np.ndarray, level: float, unit: float, rng: np.random.Generator) -> Any:
    """Multiply the differences from the mean of the image."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return mean + level * (x - mean)


def shift(x: np.ndarray, level: float, unit: float, rng: np.random.Generator) -> Any:
    """Shift each image by whole pixels up, down, left or right at random."""
    steps = round(level) * np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
    chosen = steps[rng.integers(0, 4, len(x))]
    rows, columns = (
        np.clip(step[:, None] + np.arange(side), 0, side - 1)
        for step, side in zip(chosen.T, x.shape[1:3], strict=True)
    )
    images = np.arange(len(x))[:, None, None]
    return x[images, rows[:, :, None], columns[:, None]]


def rotation(x: np.ndarray, level: float, unit: float, rng: np.random.Generator) -> Any:
    """Rotate counter-clockwise around the center."""
    from scipy.ndimage import rotate

    return rotate(x, level, axes=(2, 1), reshape=False, order=1, mode="nearest")


def scale(x: np.ndarray, level: float, unit: float, rng: np.random.Generator) -> Any:
    """Scale around the center."""
    from scipy.ndimage import affine_transform

    middle = (np.array(x.shape[1:3]) - 1) / 2
    offset = np.array([0, *(middle - middle / level), 0])
    steps = np.diag([1, 1 / level, 1 / level, 1])  # SciPy 1.13 warns of a vector
    return affine_transform(x, steps, offset, order=1, mode="nearest")


def occlusion(
    x: np.ndarray, level: float, unit: float, rng: np.random.Generator
) -> np.ndarray:
    """Fill a random rectangle by the mean; the level is the fraction of each side."""
    sides = np.array(x.shape[1:3])
    covered = np.rint(level * sides).astype(int)
    starts = np.rint(rng.random((len(x), 2)) * (sides - covered)).astype(int)
    in_rows, in_columns = (
        (start[:, None] <= np.arange(side)) & (np.arange(side) < start[:, None] + part)
        for start, side, part in zip(starts.T, sides, covered, strict=True)
    )
    mask = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return np.where(mask, x.mean(axis=(1, 2), keepdims=True), x)


def blur(x: np.ndarray, level: float, unit: float, rng: np.random.Generator) -> Any:
    """Blur by a Gaussian whose standard deviation is the level, in pixels."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x, (0, level, level, 0), mode="nearest")


def noise(
    x: np.ndarray, level: float, unit: float, rng: np.random.Generator
) -> np.ndarray:
    """Add normal noise, whose standard deviation is the level, to each value."""
    return x + level * unit * rng.standard_normal(x.shape, x.dtype)


# name: (function, neutral level, unit)
CHANGES = {
    "brightness": (brightness, 0, "gray levels of 255"),
    "contrast": (contrast, 1, "factor"),
    "shift": (shift, 0, "pixels"),
    "rotation": (rotation, 0, "degrees"),
    "scale": (scale, 1, "factor"),
    "occlusion": (occlusion, 0, "fraction of each side"),
    "blur": (blur, 0, "standard deviation in pixels"),
    "noise": (noise, 0, "standard deviation in gray levels of 255"),
}


def default_levels(name: str, shape: tuple[int, int]) -> list[Any]:
    """Return default levels for images of height and width ``shape``."""
    side = min(shape)
    levels: dict[str, list[Any]] = {
        "brightness": [-120, -90, -60, -30, 0, 30, 60, 90, 120],
        "contrast": [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4],
        "shift": sorted({round(side * part / 32) for part in (0, 1, 2, 3, 4, 6, 8)}),
        "rotation": [-60, -45, -30, -15, 0, 15, 30, 45, 60],
        "scale": [0.5, 0.6, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2],
        "occlusion": [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75],
        "blur": [round(side * part / 64, 3) for part in (0, 1, 2, 4, 6, 8)],
        "noise": [0, 10, 20, 30, 45, 60, 90],
    }
    return levels[name]


def check_levels(name: str, levels: Any) -> Any:
    """Return levels as a list of floats; raise an error if one is invalid."""
    values = np.asarray(levels, dtype=float)
    low, high = {
        "brightness": (-np.inf, np.inf),
        "rotation": (-np.inf, np.inf),
        "scale": (np.finfo(float).tiny, np.inf),
        "occlusion": (0, 1),
    }.get(name, (0, np.inf))
    fits = np.isfinite(values) & (low <= values) & (values <= high)
    if values.ndim != 1 or not len(values) or not fits.all():
        limits = {"scale": "above 0", "occlusion": "between 0 and 1"}
        span = limits.get(name, "of at least 0")
        kind = "finite numbers" + ("" if low == -np.inf else f" {span}")
        raise ValueError(f"levels of {name} must be a list of {kind}; got {levels!r}.")
    if name == "shift" and (values != np.rint(values)).any():
        raise ValueError(f"levels of shift must be whole pixels; got {levels!r}.")
    return values.tolist()


def change_images(
    images: Any, name: str, level: float, value_range: Any, seed: int
) -> Any:
    """Return changed images in the dtype of the images.

    Parameters
    ----------
    images : ndarray of shape (n, H, W, C), uint8, float32 or float64
        Images.
    name : str
        Name of the change, a key of ``CHANGES``.
    level : float
        Level of the change. At the neutral level, ``images`` itself is returned.
    value_range : (float, float)
        Values of black and white, to which the result is clipped.
    seed : int
        Seed of the random numbers, which are the same at all levels.

    Returns
    -------
    changed : ndarray of shape (n, H, W, C)
        Changed images, rounded if they are uint8.
    """
    function, neutral, _ = CHANGES[name]
    if level == neutral:
        return images
    low, high = value_range
    unit = (high - low) / 255
    if images.dtype == np.uint8:  # which would overflow
        low, high = max(low, 0), min(high, 255)
    rng = np.random.default_rng(seed)
    out = np.empty_like(images)
    dtype = np.float64 if images.dtype == np.float64 else np.float32
    size = max(1, VALUES_PER_BLOCK // images[0].size)
    for start in range(0, len(images), size):
        block = slice(start, start + size)
        x = function(images[block].astype(dtype), level, unit, rng)
        x = np.clip(x, low, high)
        out[block] = np.rint(x) if images.dtype == np.uint8 else x
    return out
