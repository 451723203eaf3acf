"""MLflow: a mirror of what the stages did, for people who compare runs there.

DVC's files are the truth, so nothing here may stop a stage. A stage writes what it logs to a journal on disk
(stage_log.py, outbox.py). One process sends the journals of all stages of a run while they work (background.py,
sending.py): curves grow live, and no stage needs to load MLflow. At its end a stage waits a little for the rest to
arrive; what did not arrive is said in one line and kept for `mien mlflow sync` (sync.py).
"""

from mien.experiments.mlflow.stage_log import StageLog, log_stage

__all__ = ["StageLog", "log_stage"]
