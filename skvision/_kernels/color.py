"""Colors of strips of images: from pixels to the channels of a color space.

A channel is passed on as a fraction, the numerator and the denominator of each pixel.
For bytes, both can be whole numbers up to 6 * 255: 16 bits are enough for arithmetic
that is exact and fast.
"""

from skvision._kernels import jit_without_allocation as jit

RGB, HSV, LAB, GRAY = range(4)


@jit
def split(pixels, n, planes):
    """Copy the first ``n`` pixels of a flat strip to planes, one for each channel."""
    dtype = planes.dtype.type
    first = planes[0]
    if planes.shape[0] == 1:
        for i in range(n):
            first[i] = dtype(pixels[i])
        return
    second, third = planes[1], planes[2]
    for i in range(n):
        first[i] = dtype(pixels[3 * i])
        second[i] = dtype(pixels[3 * i + 1])
        third[i] = dtype(pixels[3 * i + 2])


@jit
def prepare(values, low, high, space):
    """Clip values to a range and convert them to the scale that their space needs.

    HSV needs black to be zero. CIE Lab needs the intensity of light from 0 to 1, which
    is about the square of an sRGB value.
    """
    for i in range(values.size):
        values[i] = min(max(values[i], low), high)
    if space == HSV or space == LAB:
        for i in range(values.size):
            values[i] -= low
    if space == LAB:
        for i in range(values.size):
            x = values[i] / (high - low)
            values[i] = ((x + 0.055) / 1.055) ** 2.4 if x > 0.04045 else x / 12.92


@jit
def look_up(values, table):
    """Replace bytes by their entries in ``table``."""
    for i in range(values.size):
        values[i] = table[int(values[i])]


@jit
def _hsv(planes, white, numerators, denominators):
    """Compute hue, saturation and value of pixels from 0 to ``white``."""
    dtype, pixel = numerators.dtype.type, planes.dtype.type
    zero, one, six = dtype(0), dtype(1), dtype(6)
    reds, greens, blues = planes[0], planes[1], planes[2]
    hue, saturation, value = numerators[0], numerators[1], numerators[2]
    six_chromas, maxima, whites = denominators[0], denominators[1], denominators[2]
    for i in range(reds.size):
        red, green, blue = reds[i], greens[i], blues[i]
        largest = max(max(red, green), blue)
        is_red, is_green = largest == red, largest == green
        # sixths of the circle before this color, and its position in the next sixth
        sector = pixel(6) if green < blue else pixel(0)
        sector = sector if is_red else (pixel(2) if is_green else pixel(4))
        ahead = green if is_red else (blue if is_green else red)
        behind = blue if is_red else (red if is_green else green)
        maximum = dtype(largest)
        chroma = dtype(maximum - dtype(min(min(red, green), blue)))
        start = dtype(dtype(sector) * chroma)
        hue[i] = dtype(dtype(dtype(ahead) - dtype(behind)) + start)
        six_chromas[i] = dtype(six * chroma) if chroma > zero else one
        saturation[i] = chroma
        maxima[i] = maximum if maximum > zero else one
        value[i] = maximum
        whites[i] = dtype(white)


@jit
def cube_root(x):
    """Return the cube root of ``x`` in [0.008, 1.1], with a relative error of 1e-15.

    The error of a rational function, 2.3 %, is reduced by two steps of Halley's method,
    each of which leaves two thirds of the cube of the error. Without a branch, the
    function runs at the width of the vector unit.
    """
    root = (0.01144 + x * (0.6728 + x * 0.4023)) / (0.07439 + x)
    for _ in range(2):
        cube = root * root * root
        root *= (cube + 2 * x) / (2 * cube + x)
    return root


@jit
def _perceived(x):
    """Return the cube root of CIE Lab, which is linear for the darkest light."""
    root = cube_root(max(x, 0.008))
    return root if x > (6 / 29) ** 3 else x * (29 / 6) ** 2 / 3 + 4 / 29


@jit
def _lab(planes, numerators):
    """Compute CIE Lab of light in the primaries of sRGB (D65, 2 degrees)."""
    reds, greens, blues = planes[0], planes[1], planes[2]
    lightness, a, b = numerators[0], numerators[1], numerators[2]
    for i in range(reds.size):
        red, green, blue = reds[i], greens[i], blues[i]
        x = 0.412453 * red + 0.357580 * green + 0.180423 * blue
        y = 0.212671 * red + 0.715160 * green + 0.072169 * blue
        z = 0.019334 * red + 0.119193 * green + 0.950227 * blue
        fx, fy, fz = _perceived(x / 0.95047), _perceived(y), _perceived(z / 1.08883)
        lightness[i] = min(max(116 * fy - 16, 0.0), 100.0)
        a[i] = 500 * (fx - fy)
        b[i] = 200 * (fy - fz)


@jit
def _gray(planes, low, high, grays):
    """Compute the luma with the weights of `skimage.color.rgb2gray`."""
    reds, greens, blues = planes[0], planes[1], planes[2]
    for i in range(reds.size):
        luma = 0.2125 * reds[i] + 0.7154 * greens[i] + 0.0721 * blues[i]
        grays[i] = min(max(luma, low), high)  # the sum may be rounded beyond an end


@jit
def convert(planes, low, high, white, space, numerators, denominators):
    """Compute the channels of a color space as fractions, (3, n).

    ``planes`` (C, n) are prepared by `prepare`. GRAY has one channel, the others have
    three. A channel that is a pixel itself is a fraction of ``white``.
    """
    if space == HSV:
        _hsv(planes, white, numerators, denominators)
        return
    denominators[:] = white
    if space == LAB:
        _lab(planes, numerators)
    elif space == GRAY and planes.shape[0] == 3:
        _gray(planes, low, high, numerators[0])
    else:
        for c in range(planes.shape[0]):
            plane, numerator = planes[c], numerators[c]
            for i in range(plane.size):
                numerator[i] = numerators.dtype.type(plane[i])
