"""MLflow: a mirror of what the stages did, for people who compare runs there.

DVC's files are the truth, so nothing here may stop a stage. A stage writes what it logs to a journal on disk
(stage_log.py, outbox.py). One process sends the journals of all stages of a run while they work (background.py,
sending.py): curves grow live, and no stage needs to load MLflow. At its end a stage waits a little for the rest to
arrive; what did not arrive is said in one line and kept for `mien mlflow sync` (sync.py). That also completes runs from
DVC's files (completion.py), which cannot replace the journals: they know neither runs that failed or were killed, nor a
`dvc repro` after the next one.
"""

from mien.experiments.mlflow import environment  # noqa: F401  first, as MLflow reads it when it is imported
from mien.experiments.mlflow.stage_log import StageLog, log_stage

__all__ = ["StageLog", "log_stage"]
