"""Measure the package `fer`. predict.py and others run this script with the Python of an environment that has `fer`.

A suitable environment, separate from the project's: pip
install fer==25.10.3 "setuptools<80" opencv-contrib-python==4.11.0.86
facenet-pytorch==2.6.0 torch==2.2.2 torchvision==0.17.2 numpy==1.26.4 pillow==10.2.0 tensorflow==2.20.0
tf-keras==2.20.1 mtcnn==1.0.0.

    PYTHON benchmarks/fer_peer.py read PHOTO                  as a user's script would
    PYTHON benchmarks/fer_peer.py classify REPEATS [FACES]    prints JSON; FACES.npz has images, labels and leaks
    PYTHON benchmarks/fer_peer.py answers IMAGES.npz          prints JSON: the number of an emotion each, or -1
    PYTHON benchmarks/fer_peer.py detect REPEATS PHOTO [haar] [mtcnn]    prints JSON
"""

import json
import statistics
import sys
import time

import cv2
import numpy as np
from fer.fer import FER


def median_ms(action, repeats, clock=time.perf_counter):
    """Return the median time of a call in milliseconds, after some to warm up."""
    for _ in range(repeats // 10 + 3):
        action()
    times = []
    for _ in range(repeats):
        start = clock()
        action()
        times.append(clock() - start)
    return 1000 * statistics.median(times)


def read_face(peer, face):
    """Return the number of the emotion that a peer reads from a grey face, or -1."""
    (answer,) = peer.detect_emotions(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), [(0, 0, *face.shape)]) or [None]
    return int(np.argmax(list(answer["emotions"].values()))) if answer else -1


def classifiers(repeats, faces):
    """Return by classifier the milliseconds a face and, where labelled faces are given, the accuracy."""
    face = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    figures = {}
    for name, tflite in (("fer, int8", True), ("fer, Keras", False)):
        peer = FER(use_tflite=tflite, offsets=(0, 0))
        figures[name] = {"ms": median_ms(lambda peer=peer: read_face(peer, face), repeats, time.process_time)}
        if faces:
            with np.load(faces, allow_pickle=False) as table:
                answers = np.array([read_face(peer, image) for image in table["images"]])
                right = answers == table["labels"]
                figures[name]["accuracy"] = float(right.mean())
                figures[name]["accuracy_without_leaks"] = float(right[~table["leaks"]].mean())
    return figures


def read_photo(peer, image):
    """Return the number of the emotion of the face that a peer finds nearest to the middle of a photo, or -1."""
    middle = np.array(image.shape[1::-1]) / 2
    faces = peer.detect_emotions(image)
    boxes = [np.array(face["box"]) for face in faces]
    offsets = [float(np.hypot(*(box[:2] + box[2:] / 2 - middle))) for box in boxes]
    return int(np.argmax(list(faces[np.argmin(offsets)]["emotions"].values()))) if faces else -1


def detectors(repeats, photo, *names):
    """Return by detector the milliseconds that detection and classification of a photo take."""
    image = cv2.imread(photo)
    peers = {name: FER(mtcnn=name == "mtcnn") for name in names}
    return {name: median_ms(lambda peer=peer: peer.detect_emotions(image), repeats) for name, peer in peers.items()}


def main():
    """Measure, or read one photo."""
    action, first, *others = sys.argv[1:]
    if action == "read":
        print(FER().detect_emotions(cv2.imread(first)))
    elif action == "classify":
        print(json.dumps(classifiers(int(first), *others or [None])))
    elif action == "answers":
        with np.load(first, allow_pickle=False) as table:
            images = [table[name] for name in sorted(table)]
        are_crops = images[0].ndim == 2
        peer, read = (FER(offsets=(0, 0)), read_face) if are_crops else (FER(), read_photo)
        print(json.dumps([read(peer, image) for image in images]))
    else:
        print(json.dumps(detectors(int(first), *others)))


if __name__ == "__main__":
    main()
