"""Turn a folder of photos into a pandas table of faces. Unreadable photos are reported; the others are read.

python examples/read_folder.py [FOLDER]
"""

import sys
from pathlib import Path

import pandas as pd

from mien import EmotionRecognizer, InputError

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
recognizer = EmotionRecognizer(min_confidence=0.4)  # less sure faces are "unsure"

rows = []
for photo in sorted(folder.glob("*.jpg")):
    try:
        rows += [[photo.name, *face.row()] for face in recognizer.predict(photo)]
    except InputError as error:
        print(f"left out: {error}", file=sys.stderr)

faces = pd.DataFrame(rows, columns=["photo", *recognizer.columns])
print(faces[["photo", "left", "top", "emotion", "confidence"]].to_string(index=False))
print(faces["emotion"].value_counts().to_string(header=False))
