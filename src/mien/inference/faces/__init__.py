"""Finds the faces of a picture, and cuts levelled crops of them."""
