"""Knowledge distillation: a student network learns from the answers of trained networks (Hinton et al. 2015)."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np

from mien._io.errors import InputError, within
from mien.config import Distillation
from mien.data.arrays import Images
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.tta import Tta


@dataclass(frozen=True)
class Teacher:
    """One or several trained networks, whose mean answer is the target.

    Attributes:
        networks: networks with the student's classes, in the same order, and its image size.
    """

    networks: tuple[FaceClassifier, ...]

    @classmethod
    def load(cls, distillation: Distillation, classes: list[str], size: int) -> Self | None:
        """Load the teacher of a student with these classes; None if there is no teacher.

        Args:
            size: width and height of the student's images, in pixels.

        Raises:
            InputError: a network cannot be read, or has other classes or another size.
        """
        if not distillation.share:
            return None
        return cls(tuple(_load(distillation, classes, size)))

    def answer(self, images: np.ndarray, tta: Tta) -> np.ndarray:
        """Return the mean of the networks' probabilities: float32 (N, classes), rows that sum to 1.

        Args:
            images: uint8 (N, size, size).
            tta: test-time augmentation.
        """
        return np.mean([network.predict_proba(images, tta=tta) for network in self.networks], axis=0)

    def digest(self) -> str:
        """Return a hash over the files of the networks."""
        hashed = blake2b(digest_size=16)
        for network in self.networks:
            hashed.update(blake2b(network.path.read_bytes()).digest())
        return hashed.hexdigest()


def _load(distillation: Distillation, classes: list[str], size: int) -> Iterator[FaceClassifier]:
    own: list[tuple[str, str | Path]] = [("teacher", source) for source in _sources(distillation.teacher)]
    for key, source in (*own, *(("ensemble", name) for name in distillation.ensemble)):
        with within(f"train_cnn.distillation.{key}"):
            network = FaceClassifier.from_pretrained(source, precision=distillation.precision)
            if network.classes_ != classes:
                raise InputError(f"found classes {network.classes_} in {source}, expected {classes}")
            if network.size != size:
                raise InputError(f"found a network for images of size {network.size} in {source}, expected {size}")
        yield network


def _sources(teacher: str) -> list[str | Path]:
    """Return the named network, or all networks of a folder, without the 8-bit forms of other files there."""
    folder = Path(teacher)
    if not folder.is_dir() or (folder / "best.onnx").exists():
        return [teacher]
    files = {path.stem: path for path in sorted(folder.glob("*.onnx"))}
    if not files:
        raise InputError(
            f"train_cnn.distillation.teacher: found no ONNX file in {folder}, expected best.onnx or others"
        )
    return [path for stem, path in files.items() if stem.removesuffix("_int8") == stem or stem[:-5] not in files]


def teacher_shares(images: Images, distillation: Distillation) -> np.ndarray:
    """Return the weight of the teacher's answer in the target of each image: float32 (N, 1), 0..1."""
    shares = np.full((len(images.labels), 1), distillation.share, np.float32)
    if images.extra is not None and not distillation.extra:
        shares[images.extra] = 0
    return shares


def distillation_targets(images: Images, teacher: Teacher | None, shares: np.ndarray) -> np.ndarray:
    """Return the targets of images, mixed with the teacher's answers: float32 (N, classes); rows sum to 1.

    The teacher answers once per image, with test-time augmentation: the mean over ten fixed copies is better than a
    single answer. For answers to augmented images see `mien.training.consistent`.

    Args:
        images: N images with the teacher's classes.
        teacher: None to use only the targets of the images.
        shares: see `teacher_shares`.
    """
    targets = images.targets()
    return targets if teacher is None else mixed(targets, teacher.answer(images.pixels, tta="ten"), shares)


def mixed(targets: np.ndarray, answers: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the weighted mean of targets and answers, float32; `shares`: the weights of the answers, 0..1."""
    return (1 - shares) * targets + shares * answers
