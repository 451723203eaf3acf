"""Draw synthetic Action Unit intensities from AU tables, so many rows an emotion, and split them once.

Exact rows meet the rules of one table to the letter; faces are drawn from them. Realistic rows look like what coders
and tools report of real faces: AUs are missed or falsely seen, some come together; the AU network learns from them.

Params: base.seed, generate_aus
In:     the AU tables that generate_aus.table and generate_aus.realistic_tables name
Out:    data/aus/exact.csv       AU01 .. AU26 (0..100), emotion, split
        data/aus/realistic.csv   likewise
        data/aus/SHA256SUMS      digests of both, as in every folder of data and networks that a stage reads
"""

from pathlib import Path

import numpy as np

from mien._io.checksums import save_checksums
from mien._io.errors import within
from mien.aus.rules import AuTable
from mien.aus.synthesis import assign_splits, generate, generate_realistic
from mien.config import load_params
from mien.experiments.stage import outputs, stage


@stage
def main() -> None:
    params = load_params()
    section, seed = params.generate_aus, params.base.seed
    rng = np.random.default_rng(seed)
    table = AuTable.read(Path(section.table))
    tables = [AuTable.load(name) for name in section.realistic_tables]
    with outputs("data/aus") as (data,), within("params.yaml: generate_aus"):
        for name, rows in (
            ("exact", generate(table, section.samples, section.neutral, section.intensities, rng)),
            ("realistic", generate_realistic(tables, section.samples, section.neutral, section.realism, rng)),
        ):
            rows["split"] = assign_splits(rows["emotion"], section.validation_share, section.test_share, seed)
            rows.to_csv(data / f"{name}.csv", index=False)
        save_checksums(data)


if __name__ == "__main__":
    main()
