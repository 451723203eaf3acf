"""Draw synthetic Action Unit intensities from AU tables, equally many per emotion, and split them once.

Exact rows follow the rules of one table exactly; faces are drawn from them. Realistic rows resemble codes of real faces
by people and tools: AUs are missed, seen falsely, or occur together. The AU network is trained on them.

Params: base.seed, generate_aus
In:     the AU tables that generate_aus.table and generate_aus.realistic_tables name
Out:    data/aus/exact.csv                  AU01 .. AU26 (0..100), emotion, split
        data/aus/realistic.csv              the same columns
        data/aus/SHA256SUMS                 digests of both, as in every folder that another stage reads
        reports/generate_aus/metrics.json   number of rows of both, by split and emotion
"""

import json
from pathlib import Path

import numpy as np

from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien._io.errors import within
from mien.aus.rules import AuTable
from mien.aus.synthesis import assign_splits, generate, generate_realistic
from mien.config import load_params
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage
from mien.splits import count_by_split


@stage
def main() -> None:
    params = load_params()
    section, seed = params.generate_aus, params.base.seed
    rng = np.random.default_rng(seed)
    table = AuTable.read(Path(section.table))
    tables = [AuTable.load(name) for name in section.realistic_tables]
    with within("params.yaml: generate_aus"):
        exact = generate(table, section.samples, section.neutral, section.intensities, rng)
        realistic = generate_realistic(tables, section.samples, section.neutral, section.realism, rng)
        for rows in (exact, realistic):
            rows["split"] = assign_splits(rows["emotion"], section.validation_share, section.test_share, seed)

    with (
        output_folders(layout.AUS, layout.report("generate_aus")) as (data, report),
        log_stage("generate_aus", params) as log,
    ):
        exact.to_csv(data / layout.EXACT_AUS.name, index=False)
        realistic.to_csv(data / layout.REALISTIC_AUS.name, index=False)
        save_checksums(data)
        tables_of = {"exact": exact, "realistic": realistic}
        counts = {name: count_by_split(rows["split"], rows["emotion"]) for name, rows in tables_of.items()}
        (report / "metrics.json").write_text(json.dumps(counts, indent=2) + "\n")
        log.outputs(report)


if __name__ == "__main__":
    main()
