"""MLflow: a mirror of what the stages did, for people who compare runs there.

DVC's files are the truth, so nothing here may stop a stage. It writes what it logs to a journal on disk (log.py,
outbox.py), and a process beside it sends that while the stage works (background.py, send.py): curves grow live, and the
stage need not even load MLflow. At its end it waits a little for the rest to arrive; what did not is said in one line,
and is kept for `mien mlflow sync` (sync.py).
"""

from mien.experiments.mlflow.log import Log, run

__all__ = ["Log", "run"]
