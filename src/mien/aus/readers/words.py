"""AU intensities typed as words, such as 12=97."""

import re

import numpy as np

from mien._io.errors import InputError
from mien.aus.facs import AUS, MOUTH_STRETCH
from mien.aus.readers.formats import READ_AUS


def parse_intensity(word: str) -> tuple[int, float]:
    """Return AU and intensity of a word such as "12=97". Raises InputError for any other word."""
    match = re.fullmatch(r"(?:au)?0*(\d+)=(.+)", word.strip(), re.IGNORECASE)
    try:
        au, value = (int(match[1]), float(match[2])) if match else (0, np.nan)
    except ValueError:
        au, value = 0, np.nan
    if au not in READ_AUS or not 0 <= value <= 100:
        raise InputError(
            f"--au: found {word!r}, expected AU=INTENSITY, such as 12=97, an intensity 0..100 and an AU of "
            f"{', '.join(map(str, AUS))} or {MOUTH_STRETCH}"
        )
    return au, value
