"""Labelled face images: sources, arrays, audit, splits, class balance and augmentation."""
