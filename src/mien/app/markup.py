"""HTML for the page, escaped: messages, distributions, pictures and tables."""

import base64
from collections.abc import Collection, Iterable, Mapping
from html import escape

import pandas as pd


def alert(text: str) -> str:
    """Return an error message. Screen readers read it aloud at once."""
    return f'<p class="mien-message" role="alert">{escape(text)}</p>'


def bars(probabilities: Mapping[str, float]) -> str:
    """Return a distribution by name as bars, in its order. The most probable name is highlighted."""
    best = max(probabilities, key=lambda name: probabilities[name])
    return _bars((name, share, f"{share:.0%}", name == best) for name, share in probabilities.items())


def intensity_bars(intensities: Mapping[str, float], notable: Collection[str]) -> str:
    """Return intensities (0..100) by name as bars, in their order. The notable ones are highlighted."""
    return _bars((name, value / 100, f"{value:.0f}", name in notable) for name, value in intensities.items())


def _bars(rows: Iterable[tuple[str, float, str, bool]]) -> str:
    """Return bars. rows: name, length 0..1, text at the end, and whether the bar is highlighted."""
    lines = [
        f'<tr{" class=best" if stands_out else ""}><th scope="row">{escape(name)}</th>'
        f'<td><span style="width:{length:.1%}"></span></td><td>{text}</td></tr>'
        for name, length, text, stands_out in rows
    ]
    return f'<table class="mien-bars"><tbody>{"".join(lines)}</tbody></table>'


def picture(file: bytes, caption: str) -> str:
    """Return a PNG or JPEG file as a figure with its caption below."""
    caption = escape(caption)
    return (
        f'<figure class="mien-figure"><img alt="{caption}" src="{data_url(file)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def data_url(file: bytes) -> str:
    """Return a PNG or JPEG file as a data URL."""
    kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def table(frame: pd.DataFrame) -> str:
    """Return a table with row and column names. It scrolls if the window is narrow."""
    html = frame.to_html(classes="mien-table", border=0, na_rep="", float_format="{:.4g}".format)
    return f'<div class="mien-scroll" tabindex="0">{html}</div>'
