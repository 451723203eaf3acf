"""Levelled crops of faces: eyes and mouth are moved to their positions in FER2013's faces."""

import cv2
import numpy as np

#: Eyes and mouth corners in FER2013's crops: medians of the 1,381 of 1,500 training faces that YuNet finds.
_TEMPLATE = np.array([[14.8, 18.5], [32.5, 19.1], [16.1, 36.5], [30.0, 37.1]], np.float32) / 48
_POINTS = [0, 1, 3, 4]  # without the nose, the landmark that moves most when a head turns
_FINE = 4  # a crop is made this many times as large, then averaged


def aligned_crop(image: np.ndarray, landmarks: np.ndarray, size: int) -> np.ndarray:
    """Cut out a face, levelled and scaled: uint8 (size, size), grey. Beyond the picture, its edge is repeated.

    Args:
        image: uint8 (height, width, 3), BGR.
        landmarks: float (5, 2), x and y in pixels: eyes (the left one in the picture first), nose, mouth corners.
        size: width and height of the crop, in pixels.
    """
    middles = 0.5 * (_FINE - 1)  # coordinates start at the middle of the first pixel
    to_crop = similarity(landmarks[_POINTS], _TEMPLATE * size * _FINE + middles)
    scale = float(np.hypot(*to_crop[:, 0]))
    region, corner = _around(image, to_crop, size * _FINE)
    to_crop[:, 2] += to_crop[:, :2] @ corner
    grey = cv2.cvtColor(region, cv2.COLOR_BGR2GRAY)
    if scale < 1:  # averaged first, as interpolation alone would skip pixels
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        shrunk = np.array(grey.shape[1::-1]) / region.shape[1::-1]
        to_crop[:, :2] /= shrunk
        to_crop[:, 2] += to_crop[:, :2] @ (0.5 - 0.5 * shrunk)
    fine = cv2.warpAffine(grey, to_crop, (size * _FINE, size * _FINE), borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)


def tilt_of(landmarks: np.ndarray) -> float:
    """Return how far the line through the eyes is from level: degrees, clockwise. landmarks: see `aligned_crop`."""
    right, down = landmarks[1] - landmarks[0]
    return round(float(np.degrees(np.arctan2(down, right))), 1)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the rotation, scale and shift that fit points to others best: float64 (2, 3) (Umeyama 1991).

    Args:
        source, target: float (N, 2), x and y.
    """
    middle, goal = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    points, goals = source - middle, target - goal
    norm = max(float((points**2).sum()), 1e-9)
    cosine = float((points * goals).sum()) / norm
    sine = float((points[:, 0] * goals[:, 1] - points[:, 1] * goals[:, 0]).sum()) / norm
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, goal - turn @ middle])


def _around(image: np.ndarray, to_crop: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of a picture that a crop shows, at least one pixel, and its corner (left, top)."""
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float64)
    shown = cv2.transform(corners[None], cv2.invertAffineTransform(to_crop))[0]
    limits = np.array(image.shape[1::-1])
    low = np.clip(np.floor(shown.min(axis=0)).astype(int) - 2, 0, limits - 1)
    high = np.clip(np.ceil(shown.max(axis=0)).astype(int) + 2, low + 1, limits)
    return image[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)
