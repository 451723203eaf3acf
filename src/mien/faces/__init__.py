"""Synthetic grey faces drawn from facial Action Unit intensities."""

from mien.faces.draw import draw_face
from mien.faces.person import Variation

__all__ = ["Variation", "draw_face"]
