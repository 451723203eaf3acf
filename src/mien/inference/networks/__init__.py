"""Trained networks for faces and Action Units, and how far to trust their answers."""
