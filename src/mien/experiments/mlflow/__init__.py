"""MLflow: mirrors the stages, for people who compare runs there.

DVC's files are the source of truth, so nothing here may stop a stage:

    stage_log.py  a stage writes a journal on disk (journal.py): times, params, epochs, outputs
    sender.py     one process sends the journals of a run while its stages work: live curves, and no stage loads MLflow
    outputs.py    logs a stage's outputs that a run lacks, from the journal or later from DVC's files
    registry.py   `mien mlflow register`: which network is in use; a worse one does not replace it
    sync.py       `mien mlflow sync`: the journals that are left, then what stages did not log, as DVC had it in its
                  cache (completion.py, dvc_files.py)

Journals are needed because DVC's files do not contain the times of a run, nor runs that failed or were killed. If
stages logged directly, no sender would be needed, but each of the eight stages would load MLflow (1.8 CPU seconds) and
wait for every call to a server that hangs.
"""

from mien.experiments.mlflow import environment  # noqa: F401  first, as MLflow reads it when it is imported
from mien.experiments.mlflow.stage_log import StageLog, log_stage

__all__ = ["StageLog", "log_stage"]
