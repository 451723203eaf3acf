"""Track the faces of a video, and print when the emotion of one changes.

python examples/read_video.py VIDEO
"""

import sys
from pathlib import Path

from mien import EmotionRecognizer
from mien.inference.video.frames import open_video
from mien.inference.video.tracker import FaceTracker

tracker = FaceTracker(EmotionRecognizer(search_size=640))
emotions: dict[int, str] = {}

with open_video(Path(sys.argv[1])) as video:
    for image, seconds in video.frames():
        for number, face in ((track.number, track.face) for track in tracker.update(image, seconds)):
            if emotions.get(number) != face.emotion:
                emotions[number] = face.emotion
                print(f"{seconds:6.2f} s  face {number}: {face.label}")
