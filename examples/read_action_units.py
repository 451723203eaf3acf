"""Read emotions from a table of Action Units (AUs), by the network and by the rules of two AU tables.

python examples/read_action_units.py [TABLE.csv]
"""

import sys
from pathlib import Path

import numpy as np

from mien import AUClassifier
from mien.aus.readers import open_aus

table = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("action_units.csv")

with open_aus(table) as opened:
    intensities = np.concatenate([chunk.intensities[chunk.reliable] for chunk in opened.chunks()])

for name in (None, "emfacs", "du_martinez"):  # None: the pretrained network
    classifier = AUClassifier.from_pretrained(name)
    print(f"{name or 'network':<12}", *classifier.predict(intensities))
