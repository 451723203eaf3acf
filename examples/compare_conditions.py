"""Compare people in a task with the same people at rest: how the share of each emotion changes, with 95 % intervals.

python examples/compare_conditions.py [TABLE.csv]

TABLE.csv is the --faces-csv of mien image or mien video, with the columns subject and condition added.
"""

import sys
from pathlib import Path

from mien.inference.aus.group_statistics import EVERYONE, statistics
from mien.inference.aus.group_tables import Grouping, read_tables

table = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("session.csv")

grouping = Grouping(person="subject", condition="condition", baseline="rest")
lines = statistics(read_tables([table], grouping), grouping.baseline)

everyone = lines[(lines["person"] == EVERYONE) & (lines["kind"] == "share") & (lines["condition"] != "rest")]
columns = ["condition", "measure", "mean", "baseline", "change", "change_low", "change_high"]
print(everyone[columns].round(2).to_string(index=False))
