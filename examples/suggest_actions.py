"""Suggest what a person may do, from the emotion of a face. These are assumptions, not measurements.

python examples/suggest_actions.py [PHOTO]
"""

import sys
from pathlib import Path

from mien import EmotionRecognizer

photo = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("astronaut.jpg")
for face in EmotionRecognizer(actions=True).predict(photo):
    print(f"{face.emotion} {face.confidence:.0%}: {face.action}")
