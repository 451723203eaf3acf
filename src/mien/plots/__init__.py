"""Figures of data and results: each function draws one, and `png.save_png` writes it."""
