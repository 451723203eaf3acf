"""Finds near-duplicates in linear time: pictures that were re-encoded, resized, mirrored or slightly shifted.

A perceptual hash (pHash, Zauner 2010) consists of the signs of 63 low frequencies. Hashes that agree in some random
bits are compared (locality-sensitive hashing by bit sampling, Indyk & Motwani 1998). Images with similar hashes are
then correlated.

Own code with NumPy, because packages such as imagehash compare each image with every other one.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mien.data.decode import resize
from mien.data.pixel_file import PixelFile

#: The minimum correlation of near-duplicates' low frequencies. All inspected pairs of FER2013 and LFW above it show the
#: same picture; a few pairs of levelled faces of two people reach 0.96.
MIN_CORRELATION = 0.97

_HASHED, _COMPARED = 8, 16  # frequencies in each direction
_MAX_DISTANCE = 11  # bits of 63; 98 of 100 near-duplicates of FER2013 differ in at most 9
_TABLES = 48  # tables of hashes; more tables find more pairs that differ in many bits
_MORE_BITS = 3  # additional bits in a table's keys
_MIN_BITS, _MAX_BITS = 8, 40
_NEIGHBOURS = 8  # limit of images compared per key, so that a frequent key stays cheap
_PAIRS = 4096  # pairs that are correlated at once
_MAX_SIDE = 64  # pixels; larger images are shrunk before they are compared


def near_groups(pixels: PixelFile, hashes: np.ndarray, comparable: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a group number for each image, shared with equal images, its near-duplicates, and theirs.

    Args:
        pixels: all images.
        hashes: hashes of the pixels, str (N,); empty if there is none.
        comparable: bool (N,); other images have no near-duplicates. Images with almost a single grey level should be
            excluded, as they correlate by chance.
        seed: chooses the bits to compare hashes by.

    Returns:
        int64 (N,), -1 where the hash is empty.
    """
    from scipy.sparse import coo_array  # part of the extra `pipeline`
    from scipy.sparse.csgraph import connected_components

    image, distinct = pd.factorize(pd.Series(hashes).where(hashes != ""))
    _, first = np.unique(image[image >= 0], return_index=True)
    rows = np.flatnonzero(image >= 0)[first]  # of distinct images
    compared = np.flatnonzero(comparable[rows])
    pairs = compared[near_pairs(pixels, rows[compared], seed)]
    edges = (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1]))
    _, group = connected_components(coo_array(edges, shape=(len(distinct),) * 2), directed=False)
    return np.where(image >= 0, group[image], -1) if len(distinct) else image


def near_pairs(pixels: PixelFile, rows: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return pairs of near-duplicates, int64 (M, 2): sorted indices into `rows`, the smaller one first.

    It finds 98 of 100 pairs in FER2013 (benchmarks/near_duplicates.py).

    Args:
        pixels: of all images.
        rows: the images to compare, int (N,), ascending, without equal images.
        seed: chooses the bits.
    """
    count = len(rows)
    if count < 2:
        return np.empty((0, 2), np.int64)
    hashes = _perceptual_hashes(pixels, rows)
    candidates = [_close(hashes, bits) for bits in _tables(count, seed)]
    pairs = np.unique(np.concatenate([np.empty((0, 2), np.int64), *candidates]), axis=0)
    images, waves = pixels.memmap(), _frequencies(pixels.size, _COMPARED)
    kept = [part[_correlate(images, rows, part, count, *waves)] for part in _parts(pairs)]
    near = np.concatenate([np.empty((0, 2), np.int64), *kept]) % count
    return np.unique(np.sort(near, axis=1), axis=0)


def _perceptual_hashes(pixels: PixelFile, rows: np.ndarray) -> np.ndarray:
    """Return the hashes of images, then those of their mirror images: uint64 (2 N,).

    A bit is the sign of a frequency. Mirroring flips the frequencies that are odd from left to right, and no others.
    """
    basis, is_odd = _frequencies(pixels.size, _HASHED)
    powers = 2 ** np.arange(len(is_odd), dtype=np.uint64)
    chosen = np.zeros(int(rows[-1]) + 1, bool)
    chosen[rows] = True
    hashes, start = [], 0
    for chunk in pixels.chunks():
        part = chosen[start : start + len(chunk)]
        hashes.append((_unit(chunk[: len(part)][part], basis) > 0) @ powers)
        start += len(chunk)
    plain = np.concatenate(hashes)
    return np.concatenate([plain, plain ^ powers[is_odd].sum()])


def _frequencies(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the basis of the lowest frequencies of a cosine transform (DCT-II), and which of them are odd.

    Returns:
        float32 (size * size, count * count - 1), without the mean, of a size of at most _MAX_SIDE; bool (count * count
        - 1,).
    """
    size = min(size, _MAX_SIDE)
    middles = (np.arange(size) + 0.5) * np.pi / size
    waves = np.cos(np.outer(middles, np.arange(count)))
    waves /= np.linalg.norm(waves, axis=0)
    basis = np.einsum("yv,xh->yxvh", waves, waves).reshape(size * size, count * count)
    is_odd = np.tile(np.arange(count) % 2 == 1, count)
    return basis[:, 1:].astype(np.float32), is_odd[1:]


def _unit(images: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the frequencies of images, float32 (N, frequencies), as vectors of length 1."""
    if not len(images):  # none of a chunk is compared
        return np.empty((0, basis.shape[1]), np.float32)
    if images.shape[1] > _MAX_SIDE:
        images = np.stack([resize(image, _MAX_SIDE) for image in images])
    amounts = images.reshape(len(images), -1).astype(np.float32) @ basis
    return amounts / (np.linalg.norm(amounts, axis=1, keepdims=True) + 1e-6)


def _tables(count: int, seed: int) -> Iterator[np.uint64]:
    """Yield the key bits of each table. More images need more bits, so that keys stay rare."""
    bits = int(np.clip(round(np.log2(2 * count)) + _MORE_BITS, _MIN_BITS, _MAX_BITS))
    rng = np.random.default_rng(seed)
    for _ in range(_TABLES):
        chosen = rng.choice(_HASHED**2 - 1, bits, replace=False)
        yield np.bitwise_or.reduce(2 ** chosen.astype(np.uint64))


def _close(hashes: np.ndarray, bits: np.uint64) -> np.ndarray:
    """Return candidates, int64 (M, 2): an image, and another or its mirror image, as indices into `hashes`.

    Candidates agree in some bits and differ in few overall.
    """
    count = len(hashes) // 2
    keys = hashes & bits
    order = np.argsort(keys, kind="stable")
    keys, sorted_hashes = keys[order], hashes[order]
    groups = []
    for step in range(1, _NEIGHBOURS + 1):
        distance = np.bitwise_count(sorted_hashes[step:] ^ sorted_hashes[:-step])
        places = np.flatnonzero((keys[step:] == keys[:-step]) & (distance <= _MAX_DISTANCE))
        groups.append(np.sort(np.column_stack([order[places], order[places + step]]), axis=1))
    pairs = np.concatenate(groups)
    return pairs[(pairs[:, 0] < count) & (pairs[:, 0] != pairs[:, 1] % count)]


def _parts(pairs: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(pairs), _PAIRS):
        yield pairs[start : start + _PAIRS]


def _correlate(
    images: np.ndarray, rows: np.ndarray, pairs: np.ndarray, count: int, basis: np.ndarray, is_odd: np.ndarray
) -> np.ndarray:
    """Tell which candidates correlate enough, bool (M,); an index from `count` on is a mirror image."""
    one, other = (_unit(images[rows[pairs[:, side] % count]], basis) for side in (0, 1))
    signs = np.where(is_odd & (pairs[:, 1:] >= count), -1, 1)
    return (one * other * signs).sum(axis=1) >= MIN_CORRELATION
