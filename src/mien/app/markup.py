"""HTML of the page: messages, distributions, pictures and tables, escaped."""

import base64
from collections.abc import Mapping
from html import escape

import pandas as pd


def alert(text: str) -> str:
    """Return a message about what went wrong; screen readers read it aloud at once."""
    return f'<p class="mien-message" role="alert">{escape(text)}</p>'


def bars(probabilities: Mapping[str, float]) -> str:
    """Return a distribution by name as bars, in its order; the most probable name stands out."""
    best = max(probabilities, key=lambda name: probabilities[name])
    rows = [
        f'<tr{" class=best" if name == best else ""}><th scope="row">{escape(name)}</th>'
        f'<td><span style="width:{share:.1%}"></span></td><td>{share:.0%}</td></tr>'
        for name, share in probabilities.items()
    ]
    return f'<table class="mien-bars"><tbody>{"".join(rows)}</tbody></table>'


def picture(png: bytes, caption: str) -> str:
    """Return a PNG file as a figure with its caption below."""
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    caption = escape(caption)
    return (
        f'<figure class="mien-figure"><img alt="{caption}" src="{source}"><figcaption>{caption}</figcaption></figure>'
    )


def table(frame: pd.DataFrame) -> str:
    """Return a table with the names of its rows and columns; it scrolls if the window is narrow."""
    html = frame.to_html(classes="mien-table", border=0, na_rep="", float_format="{:.4g}".format)
    return f'<div class="mien-scroll" tabindex="0">{html}</div>'
