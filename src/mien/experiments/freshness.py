"""Whether the outputs of stages belong to params.yaml, by dvc.lock."""

from collections.abc import Iterable, Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

from mien._io.errors import InputError, note
from mien._io.nested import get_in
from mien._io.yaml import read_yaml
from mien.experiments import layout


def current_stages(params: Any, recorded: Mapping[str, Any]) -> list[str]:
    """Return the stages whose outputs belong to params. `dvc repro --single-item` may leave others.

    Args:
        params: params.yaml.
        recorded: the stages of dvc.lock, by name.
    """
    outs = {out["path"]: (stage, out.get("md5")) for stage in recorded for out in recorded[stage].get("outs", ())}
    current: list[str] = []
    for stage in [stage for stage in layout.STAGES if stage in recorded]:
        taken = [(dep, outs[dep["path"]]) for dep in recorded[stage].get("deps", ()) if dep["path"] in outs]
        is_fresh = all(maker in current and dep.get("md5") == md5 for dep, (maker, md5) in taken)
        settings = recorded[stage].get("params", {}).get(str(layout.PARAMS), {})
        if is_fresh and all(get_in(params, key) == value for key, value in settings.items()):
            current.append(stage)
    return current


def fault_of_run(files: Iterable[Path]) -> str:
    """Return why files of the last run do not belong to params.yaml; empty if they do.

    A note says so if there is no dvc.lock that would tell.

    Raises:
        InputError: params.yaml or dvc.lock is damaged.
    """
    if not layout.LOCK.exists():
        note(f"no {layout.LOCK} here, so nothing tells whether the figures belong to {layout.PARAMS}")
        return ""
    lock = read_yaml(layout.LOCK)
    try:
        return _fault(files, read_yaml(layout.PARAMS), lock["stages"])
    except (LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{layout.LOCK}: cannot be read ({error!r}), expected what `dvc repro` wrote") from None


def _fault(files: Iterable[Path], params: Any, recorded: Mapping[str, Any]) -> str:
    makers = {out["path"]: (stage, out["md5"]) for stage in recorded for out in recorded[stage].get("outs", ())}
    current = current_stages(params, recorded)
    made = {path: makers[str(path)] for path in files if str(path) in makers}
    if stale := dict.fromkeys(stage for stage, _ in made.values() if stage not in current):
        return f"{', '.join(stale)}: did not run with {layout.PARAMS} as it is now"
    changed = [f"{path}: is not what {stage} wrote" for path, (stage, md5) in made.items() if _md5(path) != md5]
    return changed[0] if changed else ""


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "md5").hexdigest()
