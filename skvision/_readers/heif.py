"""HEIF files, such as the HEIC photos of phones, which Pillow reads by a plugin."""

from PIL import Image

_CODED = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"))
_CONTAINERS = frozenset((b"mif1", b"msf1"))  # of HEIF and of AVIF


def is_heif(prefix: bytes) -> bool:
    """Return whether a file that begins with these bytes is HEIF, and not AVIF."""
    if prefix[4:8] != b"ftyp":
        return False
    brand, others = prefix[8:12], prefix[16:]
    return brand in _CODED or (brand in _CONTAINERS and b"avif" not in others)


def has_plugin() -> bool:
    """Return whether HEIF can be read, and load the plugin if it is installed."""
    if "HEIF" not in Image.OPEN:
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            return False
        register_heif_opener()
    return True
