"""Synthetic grey faces drawn from facial Action Unit intensities."""

from mien.rendering.draw import draw_face

__all__ = ["draw_face"]
