"""The output of `mien drift`."""

import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mien._io.atomic import output_file
from mien._io.errors import printable
from mien._io.extras import require
from mien._io.output import as_text, until_closed
from mien._io.outputs import check_outputs, check_suffix
from mien.inference.drift.comparison import compare, drifted
from mien.inference.drift.feature_scores import with_feature_scores
from mien.inference.drift.measures import read_faces, write_table
from mien.inference.recognizer import EmotionRecognizer

#: How the tables begin.
_TABLES = ("measure,reference,new,", "file,face,brightness,")
_DIGITS = {"reference": 4, "new": 4, "psi": 4, "p": 4}


class Outputs(NamedTuple):
    """Output files, None for no file: the comparison as CSV, the measures of the new faces, and a picture."""

    comparison: Path | None = None
    faces: Path | None = None
    plot: Path | None = None
    as_json: bool = False

    def check(self, inputs: Collection[Path]) -> None:
        """Raise InputError if two outputs are the same file, one would change an input, or the plot cannot be drawn."""
        check_outputs(self[:3], inputs, _TABLES)
        if self.plot:
            require("pipeline", "matplotlib", what="mien drift --plot")
            check_suffix("--plot", self.plot, [".png"])


def report(
    new: Path, reference: Path, crops: str, reading: Mapping[str, Any], max_psi: float, outputs: Outputs
) -> bool:
    """Compare faces, and print and write the results. Returns whether there is a drift.

    Args:
        new: a folder, zip or table.
        reference: the same.
        crops: which side's pictures are one face each: none, new, reference or both.
        reading: arguments of `EmotionRecognizer`.
        max_psi: see `compare`.
        outputs: the output files.

    Raises:
        InputError: see `read_faces` and `compare`; or an output cannot be written.
    """
    outputs.check([new, reference])
    recognizer = cache(partial(_recognizer, reading))
    with ExitStack() as stack:
        table, faces, plot = (
            stack.enter_context(output_file(path, [new, reference])) if path else None for path in outputs[:3]
        )
        old = read_faces(reference, lambda: recognizer(crops in ("reference", "both")))
        now = read_faces(new, lambda: recognizer(crops in ("new", "both")))
        if faces:
            write_table(now, faces)
        old, now = with_feature_scores(old, now)
        lines = compare(old, now, max_psi, (reference, new)).round(_DIGITS)
        if table:
            lines.assign(measure=lines["measure"].map(as_text)).to_csv(table, index=False, lineterminator="\n")
        if plot:
            from mien.plots.drift import drift
            from mien.plots.png import save_png

            save_png(drift(old.table, now.table, lines), plot)
    _print(lines, len(old.table), len(now.table), outputs.as_json)
    return bool(drifted(lines))


def _recognizer(reading: Mapping[str, Any], is_crops: bool) -> EmotionRecognizer:
    options = dict(reading)
    if is_crops:
        options |= {"detector": "none", "search_size": None, "min_face": None}
    return EmotionRecognizer(**options)


def _print(lines: pd.DataFrame, old: int, now: int, as_json: bool) -> None:
    with until_closed():
        if as_json:
            for line in lines.astype(object).where(lines.notna(), None).to_dict("records"):
                print(json.dumps(line))
            return
        print(f"{old:,} faces of the reference, {now:,} new ones")
        names = lines["measure"].map(printable).where(lines["psi"].notna(), "  " + lines["measure"].map(printable))
        cells = lines.drop(columns="drift").assign(measure=names)
        cells["drift"] = lines["drift"].map({True: "yes", False: "no"})
        print(cells.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}"))
        names_of_drift = drifted(lines)
        print(f"drift: {', '.join(names_of_drift) or 'none'}")
