"""HEIC and AVIF files, which differ only by the brands in their first box."""

_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"))


def is_avif(data: bytes) -> bool:
    """Tell whether a file is AVIF."""
    return bool(_brands(data) & _AVIF_BRANDS)


def is_heif(data: bytes) -> bool:
    """Tell whether a file is HEIF, such as HEIC, and not AVIF."""
    return bool(_brands(data) & _HEIF_BRANDS) and not is_avif(data)


def _brands(data: bytes) -> set[bytes]:
    """Return the brands in the file type box (ISO/IEC 14496-12, 4.3); none of other files."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), len(data))
    return {data[8:12], *(data[offset : offset + 4] for offset in range(16, end, 4))}
