"""Read the faces of a photo, and draw boxes and labels on a copy of it.

python examples/read_photo.py [PHOTO [ANNOTATED]]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from mien import EmotionRecognizer
from mien.inference.annotate import annotate_faces

photo = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("astronaut.jpg")

with Image.open(photo) as picture:
    rgb = np.asarray(picture.convert("RGB"))

faces = EmotionRecognizer().predict(rgb)
for face in faces:
    print(f"{face.emotion} {face.confidence:.0%} at {face.box.left}, {face.box.top}")
    for emotion, probability in face.probabilities.items():
        print(f"  {emotion:<8} {probability:.2f}")

if len(sys.argv) > 2:
    annotated = annotate_faces(rgb[:, :, ::-1], faces)  # OpenCV's order of colours: BGR
    Image.fromarray(annotated[:, :, ::-1]).save(sys.argv[2])
