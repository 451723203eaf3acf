"""Measure how often `mien drift` detects changed faces by features of the default network, and its false alarms.

New faces are drawn from FER2013's PublicTest and changed by tests/helpers/face_changes.py. The reference consists of as
many other faces, unchanged. Both are drawn repeatedly. The row "unchanged" gives the rate of false alarms.

    PYTHONPATH=tests python benchmarks/drift.py fer2013.zip [--draws 40]
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from helpers.face_changes import CHANGES, UNCHANGED
from robustness import read_crops

from mien._io.errors import reports_input_errors
from mien.inference.drift.comparison import compare, drifted
from mien.inference.drift.feature_scores import with_feature_scores
from mien.inference.drift.measures import Faces, feature_names
from mien.inference.networks.features import FeatureReader
from mien.inference.networks.pretrained import find_face_network

REPORT = Path("reports/benchmarks/drift/figures.json")
FACES = 1200
SIZES = (50, 200)  # faces of each set


def found(features: dict[str, pd.DataFrame], change: str, size: int, draws: int) -> float:
    """Return the share of draws in which the changed faces are a drift."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(draws):
        rows = rng.permutation(FACES)
        old, new = features[UNCHANGED].iloc[rows[:size]], features[change].iloc[rows[size : 2 * size]]
        alarms += bool(drifted(compare(*with_feature_scores(Faces(old), Faces(new)))))
    return round(alarms / draws, 4)


@reports_input_errors
def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path, help="FER2013")
    parser.add_argument("--draws", type=int, default=40)
    arguments = parser.parse_args()
    reader = FeatureReader(find_face_network(None, "auto"))
    crops = read_crops(arguments.faces, FACES)
    features = {}
    for name in (UNCHANGED, *CHANGES):
        values = reader.read(np.stack(crops.changed(name)))
        features[name] = pd.DataFrame(values, columns=feature_names(reader.network, values.shape[1])).round(3)
    rows = {name: {str(size): found(features, name, size, arguments.draws) for size in SIZES} for name in features}
    print(pd.DataFrame(rows).T.to_markdown())
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"draws": arguments.draws, "found": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
