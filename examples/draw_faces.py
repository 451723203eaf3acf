"""Draw five people with the same Action Units: a smile (AU06, AU12), parted lips (AU25).

python examples/draw_faces.py OUT.png
"""

import sys

import numpy as np
from PIL import Image

from mien.aus.facs import AUS
from mien.config import Variation
from mien.rendering import draw_face

smile = {6: 90, 12: 100, 25: 60}
intensities = [smile.get(au, 0) for au in AUS]
variation = Variation(identity=0.8, pose=0.4, scale=0.3, light=0.5, noise=0, occlusion=0)

faces = [draw_face(intensities, variation, np.random.default_rng(seed), size=128) for seed in range(5)]
Image.fromarray(np.hstack(faces)).save(sys.argv[1])
