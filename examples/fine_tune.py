"""Fine-tune a pretrained network on your own faces: a folder with one folder of photos per class.

python examples/fine_tune.py FOLDER OUT.onnx [DETECTOR]

Needs the extra `pipeline`. DETECTOR is yunet, or none if each picture is one face already. A fifth of the photos is
held out to measure accuracy. `make train SOURCE=FOLDER` also audits and augments the images and keeps an experiment.
"""

import sys
from pathlib import Path

import numpy as np

from mien import FaceClassifier
from mien.config import Transfer
from mien.inference.faces.detectors import crops, make_detector
from mien.inference.pictures.photo_files import to_bgr
from mien.models.export import export_onnx
from mien.models.keras_backend import keras
from mien.models.metadata import Metadata
from mien.models.registry import build
from mien.training.fine_tuning import StartWeights

SIZE, EPOCHS = 48, 20

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
detector = make_detector(sys.argv[3] if len(sys.argv) > 3 else "yunet")
classes = sorted(path.name for path in folder.iterdir() if path.is_dir())

faces, labels = [], []
for label, name in enumerate(classes):
    for photo in sorted((folder / name).iterdir()):
        image = to_bgr(photo)
        if found := detector.detect(image)[:1]:  # the largest face
            faces += [*crops(image, found, SIZE)]
            labels.append(label)

keras.utils.set_random_seed(0)
order = np.random.default_rng(0).permutation(len(faces))
test, train = np.split(order, [len(faces) // 5])
pixels, targets = np.array(faces), np.array(labels)

transfer = Transfer(weights="mien_small", input_size=SIZE, frozen_epochs=0, tuning_rate=1, start_share=0)
model = build("mien_small", SIZE, len(classes), transfer)
start = StartWeights.load("mien_small", transfer, pixels[train])
assert start
start.apply(model, classes)
model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
model.fit(pixels[train], targets[train], batch_size=16, epochs=EPOCHS, verbose=0)
export_onnx(model, out, Metadata.of_faces(classes, SIZE))

predicted = FaceClassifier.from_pretrained(out).predict(pixels[test])
print(f"accuracy on {len(test)} photos: {np.mean(predicted == np.array(classes)[targets[test]]):.0%}")
