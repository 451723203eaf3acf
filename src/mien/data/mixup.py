"""Mixup (Zhang et al. 2018): blends two training images, and their labels in the same shares."""

import numpy as np

from mien.config import Mixup


def mixup(
    images: np.ndarray, targets: np.ndarray, settings: Mixup, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Blend each image of a batch with another one, and their targets in the same shares.

    Args:
        images: uint8 (N, size, size).
        targets: float32 (N, classes), rows that sum to 1.
    """
    if not (settings.share and settings.alpha):
        return images, targets
    count = len(images)
    other = rng.permutation(count)
    share = np.where(rng.random(count) < settings.share, rng.beta(settings.alpha, settings.alpha, count), 1).astype(
        np.float32
    )
    weights = share[:, None, None]
    blended = weights * images + (1 - weights) * images[other] + np.float32(0.5)
    return blended.astype(np.uint8), share[:, None] * targets + (1 - share[:, None]) * targets[other]
