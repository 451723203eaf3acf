"""Consistent teaching: the teachers answer for exactly the pixels that the student sees.

Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent". Asking the teachers in each step
would take longer than the step of a small student. So each image has a fixed number of views (augmented copies), which
return after that many epochs. The teachers answer once for each view, before training starts. An answer is averaged
with that for the mirror image, so it is valid for both, and each epoch mirrors other views.

A degraded view (blurred, noisy or compressed) gets the answer for the view as it was before: the face shows the same
emotion, and teachers see less of it (noisy student, Xie et al. 2020).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mien._io.atomic import atomic_folder
from mien._io.checksums import checked, save_checksums
from mien._io.errors import InputError
from mien.config import Augmentation
from mien.data.augment import draw_changes
from mien.training import process_group
from mien.training.batches import Batches, digest
from mien.training.distillation import Teacher

_ANSWERS = "answers.npy"
_CHUNK = 4096  # images whose views are in memory at once


class Views:
    """Augmented copies of N images, the same number for each, not mirrored.

    Attributes:
        pixels: the images, uint8 (N, size, size).
        mirror: whether a batch mirrors half of them, other ones in each epoch.
        key: a hash over everything that determines a view, except its number.
    """

    def __init__(self, pixels: np.ndarray, augmentation: Augmentation, count: int, seed: int) -> None:
        """Draw `count` views of each image. Each takes 104 bytes, because pixels are computed when needed."""
        unmirrored = augmentation.model_copy(update={"flip": False})
        self.pixels, self.mirror = pixels, augmentation.flip
        self.key = digest((seed, unmirrored), [pixels])
        self._changes = [
            # four numbers, because batches draw with two and three
            draw_changes(len(pixels), pixels.shape[1], unmirrored, np.random.default_rng((seed, view, 0, 1)))
            for view in range(count)
        ]

    def __len__(self) -> int:
        return len(self._changes)

    def take(self, view: int, rows: np.ndarray, *, degraded: bool = True) -> np.ndarray:
        """Return a view (its number, from 0) of the images in `rows`, int (M,): uint8 (M, size, size).

        `degraded=False`: as they were before some of them were blurred, made noisy or compressed.
        """
        changes = self._changes[view][rows]
        return (changes if degraded else changes.without_degradations()).apply(self.pixels[rows])


def view_answers(teacher: Teacher, views: Views, rows: np.ndarray, folder: Path) -> np.ndarray:
    """Return the teacher's answer for each view of the images in `rows`, int (M,).

    Returns float32 (M, views, classes), whose rows sum to 1.

    Answers that a killed training left in `folder` are reused; new ones are written there. Processes that train
    together share the work and the folder.
    """
    key = digest((views.key, teacher.digest()), [rows])
    folders = [folder / f"{key}-{view:04d}" for view in range(len(views))]
    shard = range(process_group.process_index(), len(views), process_group.process_count())
    for view in tqdm(shard, "the teacher answers", unit=" views", disable=None, delay=2):
        if not _is_stored(folders[view]):
            with atomic_folder(folders[view]) as scratch:
                np.save(scratch / _ANSWERS, _answers(teacher, views, view, rows))
                save_checksums(scratch)
    process_group.assert_same("teacher or views", key)
    return np.stack([np.load(path / _ANSWERS, allow_pickle=False) for path in folders], axis=1)


def _is_stored(folder: Path) -> bool:
    """Tell whether answers are stored. Prints a line if they are damaged."""
    try:
        checked(folder / _ANSWERS)
        return (folder / _ANSWERS).exists()
    except InputError as error:
        print(f"The teacher answers anew: {error}", file=sys.stderr)
        return False


def _answers(teacher: Teacher, views: Views, view: int, rows: np.ndarray) -> np.ndarray:
    chunks = (views.take(view, rows[start : start + _CHUNK], degraded=False) for start in range(0, len(rows), _CHUNK))
    return np.concatenate([teacher.answer(chunk, tta="mirror") for chunk in chunks])


class ConsistentBatches(Batches):
    """Batches of views, which return every few epochs. Each view has its own targets."""

    def __init__(self, views: Views, targets: np.ndarray, *options: Any, **named_options: Any) -> None:
        """Draw from `views` of N images and `targets` (N, views, classes). The options are those of `Batches`."""
        self._views = views
        super().__init__(views.pixels, targets, *options, **named_options)

    def _draw(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        view = self._epoch % len(self._views)
        images = self._views.take(view, rows)
        if self._views.mirror:
            mirrored = rng.random(len(rows)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        return images, self._targets[rows, view]
