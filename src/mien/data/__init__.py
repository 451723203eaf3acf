"""Labelled face images: sources, arrays, audit, class balance and augmentation."""
