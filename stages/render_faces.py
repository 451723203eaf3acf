"""Draw grey faces from Action Unit intensities: a data set to start with.

Classes are as unbalanced as in FER2013. Test faces are drawn from test rows of exact.csv, train faces from the others.
If an emotion has fewer rows than faces, rows are drawn again as other persons.

Params: base.seed, render_faces
In:     data/aus/exact.csv
Out:    data/faces/faces.zip                {train,test}/EMOTION/NUMBER.png, 48x48 grey
        reports/render_faces/metrics.json   number of faces, by split and emotion
        reports/render_faces/samples.png    ten faces of each emotion
"""

import json

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien._io.atomic import output_folders
from mien._io.errors import InputError
from mien._io.tables import read_csv
from mien.aus.facs import COLUMNS
from mien.aus.synthesis import check_rows
from mien.config import load_params
from mien.data.zip_writer import write_zip
from mien.emotions import in_order
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage
from mien.plots.faces import sample_grid
from mien.plots.png import save_png
from mien.rendering import draw_face
from mien.splits import count_by_split

SAMPLES = 10


@stage
def main() -> None:
    params = load_params()
    section = params.render_faces
    aus = check_rows(read_csv(layout.EXACT_AUS), layout.EXACT_AUS)
    if absent := set(section.proportions) - set(aus["emotion"]):
        raise InputError(f"params.yaml: render_faces.proportions: found {min(absent)}, which is not in the AU table")
    rng = np.random.default_rng(params.base.seed)
    emotions, total = in_order(section.proportions), sum(section.proportions.values())

    with (
        output_folders(layout.FACES, layout.report("render_faces")) as (data, report),
        log_stage("render_faces", params) as log,
    ):
        faces: dict[str, np.ndarray] = {}
        samples = []
        for emotion in emotions:
            count = max(round(section.faces * section.proportions[emotion] / total), SAMPLES)
            test_count = max(round(count * section.test_share), 1)
            for split, number in (("test", test_count), ("train", count - test_count)):
                rows = aus[(aus["emotion"] == emotion) & ((aus["split"] == "test") == (split == "test"))]
                order = np.resize(rng.permutation(len(rows)), number)
                intensities = tqdm(rows[COLUMNS].to_numpy()[order], f"{split}/{emotion}", disable=None, delay=2)
                drawn = [draw_face(row, section.variation, rng) for row in intensities]
                faces |= {f"{split}/{emotion}/{i:05d}": face for i, face in enumerate(drawn)}
            samples.append(np.resize(drawn, (SAMPLES, *drawn[0].shape)))

        write_zip(data / layout.FACES_ZIP.name, sorted(faces.items()))
        sheet = sample_grid(np.array(samples), emotions, "Drawn faces by emotion")
        save_png(sheet, report / "samples.png")
        cases = pd.DataFrame([name.split("/")[:2] for name in faces], columns=["split", "emotion"])
        counts = count_by_split(cases["split"], cases["emotion"])
        (report / "metrics.json").write_text(json.dumps(counts, indent=2) + "\n")
        log.outputs(report)


if __name__ == "__main__":
    main()
