"""Synthetic grey faces drawn from facial Action Unit intensities."""

from mien.rendering.draw import draw_face
from mien.rendering.person import Variation

__all__ = ["Variation", "draw_face"]
