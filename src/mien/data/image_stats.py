"""Statistics of decoded images: a hash to find copies, brightness, contrast and sharpness."""

import cv2
import numpy as np
import xxhash


def pixel_hashes(pixels: np.ndarray) -> list[str]:
    """Return a 64-bit hash (16 hex digits) of each image, uint8 (N, height, width). Equal pixels have equal hashes.

    XXH3 (Collet, xxHash 0.8). The chance that two of a million different images share a hash is 3 in 10^8, unless
    someone constructs them.
    """
    return [xxhash.xxh3_64_hexdigest(image) for image in pixels]


def brightness_and_contrast(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return brightness (mean) and contrast (standard deviation) of each image, float64 (N,), grey levels, 2 digits."""
    rows = pixels.reshape(len(pixels), -1)
    total = cv2.reduce(rows, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]  # as float64 it takes 20 times as long
    squares = cv2.reduce(rows, 1, cv2.REDUCE_SUM2, dtype=cv2.CV_64F)[:, 0]
    mean = total / rows.shape[1]
    return mean.round(2), np.sqrt(np.maximum(squares / rows.shape[1] - mean**2, 0)).round(2)


def sharpness(pixels: np.ndarray) -> np.ndarray:
    """Return the sharpness of each image, uint8 (N, height, width): float64 (N,), 2 digits; 0 for a uniform image.

    The standard deviation of the Laplacian (Pech-Pacheco et al. 2000) divided by that of the grey levels, so that
    strong contrast does not count as sharpness.
    """
    ratios = [cv2.Laplacian(image, cv2.CV_32F).std() / max(float(image.std()), 1.0) for image in pixels]
    return np.array(ratios, np.float64).round(2)
