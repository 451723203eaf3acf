"""Writes figures as PNG, the same bytes each time."""

import io
import re
import warnings
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from mien._io.errors import note

_FONT = "DejaVu Sans"  # comes with matplotlib
_OTHER_FONTS = re.compile(  # of scripts that it lacks, on Linux, Windows and macOS
    r"Noto (Sans|Serif)\b.*|WenQuanYi .*|Microsoft YaHei|SimHei|Malgun Gothic|Yu Gothic|Nirmala UI|Leelawadee UI"
    r"|PingFang .*|Hiragino Sans.*|Apple SD Gothic Neo|Kohinoor .*|Thonburi|Arial Unicode MS|FreeSans|Unifont"
)
_SHOWN = 20  # characters in a note
_MISSING = re.compile(r"Glyph (\d+) .*missing from font")


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. Names in scripts that no installed font has become boxes, and a note says so."""
    data, missing = _png(figure)
    if missing:
        others = sorted({font.name for font in fontManager.ttflist if _OTHER_FONTS.fullmatch(font.name)})
        for text in figure.findobj(Text):
            text.set_fontfamily([_FONT, *others])
        data, missing = _png(figure) if others else (data, missing)
    if missing:
        shown = "".join(sorted(missing)[:_SHOWN])
        note(f"{path.name}: boxes stand for {shown}, which no font has; install one, such as Noto Sans")
    path.write_bytes(data)


def _png(figure: Figure) -> tuple[bytes, set[str]]:
    """Return a figure as PNG, and the characters that its fonts lack."""
    stream = io.BytesIO()  # as in `mien.inference.pictures.photo_files.write_photo`
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(stream, format="png", dpi=100, metadata={"Software": None})
    missing = set()
    for warning in caught:
        if match := _MISSING.match(str(warning.message)):
            missing.add(chr(int(match[1])))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return stream.getvalue(), missing
