"""Draw synthetic Action Unit intensities from an AU table, so many rows an emotion, and split them once.

Params: base.seed, generate_aus
In:     the AU table that generate_aus.table names
Out:    data/aus/aus.csv     AU01 .. AU26 (0..100), emotion, split: what the face does
        data/aus/coded.csv   the same rows as an erring coder would report them
"""

from pathlib import Path

import numpy as np

from mien.aus import as_coded, generate, split
from mien.errors import within
from mien.facs import AuTable
from mien.params import load_params
from mien.stage import outputs, stage


@stage
def main() -> None:
    params = load_params()
    section, seed = params.generate_aus, params.base.seed
    table = AuTable.read(Path(section.table))
    rng = np.random.default_rng(seed)
    with outputs("data/aus") as (data,), within("params.yaml: generate_aus"):
        rows = generate(table, section.samples, section.neutral, section.intensities, rng)
        rows["split"] = split(rows["emotion"], section.validation_share, section.test_share, seed)
        rows.to_csv(data / "aus.csv", index=False)
        as_coded(rows, section.coding_errors, rng).to_csv(data / "coded.csv", index=False)


if __name__ == "__main__":
    main()
