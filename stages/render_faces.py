"""Draw grey faces from the Action Unit intensities: the data set to start with when you have none.

Classes are as unequal as in FER2013. Test faces are drawn from test rows of exact.csv, train faces from the others; a
row is drawn again, as another person, where an emotion has fewer rows than faces.

Params: base.seed, render_faces
In:     data/aus/exact.csv
Out:    data/faces/faces.zip               {train,test}/EMOTION/NUMBER.png, 48x48 grey
        reports/render_faces/samples.png   ten faces of each emotion
"""

import numpy as np
from tqdm import tqdm

from mien import plots
from mien._io.errors import InputError
from mien.aus.facs import COLUMNS
from mien.aus.synthesis import check_rows
from mien.config import load_params
from mien.data.zip_writer import write_zip
from mien.emotions import in_order
from mien.experiments.stage import outputs, read_csv, stage
from mien.rendering import draw_face

SAMPLES = 10


@stage
def main() -> None:
    params = load_params()
    section = params.render_faces
    aus = check_rows(read_csv("data/aus/exact.csv"), "data/aus/exact.csv")
    if absent := set(section.proportions) - set(aus["emotion"]):
        raise InputError(f"params.yaml: render_faces.proportions: found {min(absent)}, which the AU table has not")
    rng = np.random.default_rng(params.base.seed)

    faces: dict[str, np.ndarray] = {}
    sheet = []
    total = sum(section.proportions.values())
    emotions = in_order(section.proportions)
    for emotion in emotions:
        count = max(round(section.faces * section.proportions[emotion] / total), SAMPLES)
        tests = max(round(count * section.test_share), 1)
        for part, number in (("test", tests), ("train", count - tests)):
            rows = aus[(aus["emotion"] == emotion) & ((aus["split"] == "test") == (part == "test"))]
            order = np.resize(rng.permutation(len(rows)), number)
            drawn = [
                draw_face(intensities, section.variation, rng)
                for intensities in tqdm(rows[COLUMNS].to_numpy()[order], f"{part}/{emotion}", disable=None, delay=2)
            ]
            faces |= {f"{part}/{emotion}/{i:05d}": face for i, face in enumerate(drawn)}
        sheet.append(np.resize(drawn, (SAMPLES, *drawn[0].shape)))

    with outputs("data/faces", "reports/render_faces") as (data, report):
        write_zip(data / "faces.zip", sorted(faces.items()))
        figure = plots.sample_grid(np.array(sheet), emotions, "Drawn faces by emotion")
        plots.save(figure, report / "samples.png")


if __name__ == "__main__":
    main()
