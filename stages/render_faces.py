"""Draw grey faces from the Action Unit intensities: the data set to start with when you have none.

Classes are as unequal as in FER2013. Every row of data/aus/aus.csv is drawn at most once per turn of its emotion.

Params: base.seed, render_faces
In:     data/aus/aus.csv
Out:    data/faces/faces.zip               {train,test}/EMOTION/NUMBER.png, 48x48 grey
        reports/render_faces/samples.png   ten faces of each emotion
"""

import numpy as np
import pandas as pd
from tqdm import tqdm

from mien import plots
from mien.emotions import in_order
from mien.errors import InputError
from mien.faces import draw_face
from mien.facs import COLUMNS
from mien.images.archive import write_zip
from mien.params import load_params
from mien.stage import outputs, stage

SAMPLES = 10


@stage
def main() -> None:
    params = load_params()
    section = params.render_faces
    aus = pd.read_csv("data/aus/aus.csv")
    if absent := set(section.proportions) - set(aus["emotion"]):
        raise InputError(
            f"params.yaml: render_faces.proportions: found {min(absent)}, expected emotions of the AU table"
        )
    rng = np.random.default_rng(params.base.seed)

    faces: dict[str, np.ndarray] = {}
    sheet = []
    total = sum(section.proportions.values())
    emotions = in_order(section.proportions)
    for emotion in emotions:
        count = max(round(section.faces * section.proportions[emotion] / total), SAMPLES)
        rows = aus.loc[aus["emotion"] == emotion, COLUMNS].to_numpy()
        drawn = [
            draw_face(rows[i], section.variation, rng)
            for i in tqdm(np.resize(rng.permutation(len(rows)), count), emotion, disable=None, delay=2)
        ]
        tests = round(count * section.test_share)
        for number, face in enumerate(drawn):
            faces[f"{'test' if number < tests else 'train'}/{emotion}/{number:05d}"] = face
        sheet.append(drawn[-SAMPLES:])

    with outputs("data/faces", "reports/render_faces") as (data, report):
        write_zip(data / "faces.zip", sorted(faces.items()))
        figure = plots.sample_sheet(np.array(sheet), emotions, "Drawn faces by emotion")
        plots.save(figure, report / "samples.png")


if __name__ == "__main__":
    main()
