"""MLflow: a mirror of what the stages did, for people who compare runs there.

DVC's files are the truth, so nothing here may stop a stage:

    stage_log.py  a stage writes to a journal on disk (journal.py): when, with which params, each epoch, its outputs
    sender.py     one process sends the journals of a run while its stages work: curves grow live, no stage loads MLflow
    outputs.py    what a stage wrote, logged as far as the run lacks it: from the journal, or later from DVC's files
    registry.py   `mien mlflow register`: which network is in use, and that a worse one does not take its place
    sync.py       `mien mlflow sync`: the journals that are left, then what stages did not log, as DVC had it in its
                  cache (completion.py, dvc_files.py)

The journals are there as DVC's files know neither when a run began and ended, nor runs that failed or were killed.
Stages that logged by themselves would need no sender, but each of the eight would load MLflow (1.8 s of a core), and
wait for every call to a server that hangs.
"""

from mien.experiments.mlflow import environment  # noqa: F401  first, as MLflow reads it when it is imported
from mien.experiments.mlflow.stage_log import StageLog, log_stage

__all__ = ["StageLog", "log_stage"]
