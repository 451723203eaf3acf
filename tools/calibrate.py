"""Calibrate a pretrained network for faces: `python -m tools.calibrate mien data/fer --balanced data/balanced`.

`train_cnn` does this for each network that it trains; this script is for pretrained networks. The images are the
validation split that `prepare_fer` cut with the network's params (src/mien/inference/weights/NAME.json), on which it
was not trained, and the training images of `oversample_augment`. Writes into NAME.onnx and NAME_int8.onnx one
temperature per kind of test-time augmentation and the share of each class in training, and updates SHA256SUMS. Prints
them, and the calibration error on the test split before and after.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import get_args

from mien._io.checksums import save_checksums
from mien._io.errors import InputError, reports_input_errors
from mien.data.arrays import Images
from mien.data.balance import read_class_weights, training_priors
from mien.evaluation.calibration import calibrated
from mien.evaluation.metrics import calibration_error
from mien.experiments import layout
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.inference.networks.temperature import apply_temperature
from mien.inference.networks.tta import Tta
from mien.models.export import write_metadata


@reports_input_errors
def main() -> None:
    """Calibrate the network that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=FACE_NETWORKS, help="of the pretrained network")
    parser.add_argument("folder", type=Path, nargs="?", default=layout.FER, help="that prepare_fer wrote")
    parser.add_argument("--balanced", type=Path, default=layout.BALANCED, help="that oversample_augment wrote")
    arguments = parser.parse_args()
    path = FACE_NETWORKS[arguments.name]
    validation, test = (Images.load(arguments.folder, split) for split in ("validation", "test"))
    train = Images.load(arguments.balanced, "train")
    priors = training_priors(train.targets(), read_class_weights(arguments.balanced, train.classes))
    print("share of each class in training:", dict(zip(train.classes, priors, strict=True)))
    for file in (path, path.with_name(f"{path.stem}_int8.onnx")):
        _calibrate(file, validation, test, priors)


def _calibrate(path: Path, validation: Images, test: Images, priors: tuple[float, ...]) -> None:
    old = OnnxModel.load(path, threads=0)
    if validation.classes != old.metadata.classes:
        raise InputError(f"{path}: found classes {old.metadata.classes}, expected those of the images")
    classifier = FaceClassifier(old)
    metadata = replace(old.metadata, priors=priors)
    new = calibrated(metadata, classifier, validation.pixels, validation.labels)
    write_metadata(path, new)
    save_checksums(path.parent, "*.onnx")
    for tta in get_args(Tta):
        probabilities = classifier.predict_proba(test.pixels, tta=tta, calibrated=False)
        errors = (
            calibration_error(test.labels, apply_temperature(probabilities, metadata.temperature_of(tta)))
            for metadata in (old.metadata, new)
        )
        before, after = (f"{error:.2%}" for error in errors)
        print(f"{path.stem}, {tta}: temperature {new.temperature_of(tta)}, error on test {before} -> {after}")


if __name__ == "__main__":
    main()
