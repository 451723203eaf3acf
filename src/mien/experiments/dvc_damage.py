"""Finds damage to DVC's own files after a kill, a full disk or a bad copy. tools/repair_dvc.py removes damaged files.

DVC writes dvc.lock and .dvc/tmp/rwlock in place, so they may be truncated; DVC then refuses to run. Files in its cache
are named after their MD5, which DVC does not check again.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import file_digest
from pathlib import Path

#: DVC does not say what is wrong with such a line: "failed to reproduce 'evaluate': ", and no more.
_BAD_CHECKSUM = re.compile(r"^ +(hash: (?!md5$)|md5: (?![0-9a-f]{32}(\.dir)?$))", re.MULTILINE)


def _is_whole_yaml(text: str) -> bool:
    """Tell whether a text may be complete YAML with good checksums. A file with Git conflicts counts as complete."""
    return text.endswith("\n") and not text.endswith(":\n") and not _BAD_CHECKSUM.search(text)


def _is_whole_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


_WRITTEN_IN_PLACE: Mapping[str, Callable[[str], bool]] = {
    "dvc.lock": _is_whole_yaml,
    ".dvc/tmp/rwlock": _is_whole_json,
}


def truncated(root: Path = Path()) -> Iterator[Path]:
    """Yield the truncated ones among the files that DVC writes in place. root: of the repository."""
    for name, is_whole in _WRITTEN_IN_PLACE.items():
        path = root / name
        if path.exists() and not is_whole(path.read_text(encoding="utf-8", errors="replace")):
            yield path


def damaged_in_cache(root: Path = Path()) -> Iterator[Path]:
    """Yield the files in DVC's cache whose name is not their MD5. Reads the whole cache. root: of the repository."""
    for path in sorted((root / ".dvc/cache/files/md5").glob("??/*")):
        with path.open("rb") as file:
            digest = file_digest(file, "md5").hexdigest()
        if digest != path.parent.name + path.stem:  # the suffix of a folder's list is .dir
            yield path
