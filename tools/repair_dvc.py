"""Mend what a kill, a full disk or a bad copy leaves of DVC's own files: what is damaged is removed and named.

dvc.lock and .dvc/tmp/rwlock, which DVC writes in place, may be cut short; it then refuses to go on. With --cache also
the files of its cache, each of which is named after its MD5; DVC takes those for good without a look. What is removed
comes back with the next `dvc repro` or `dvc fetch`: DVC's run cache knows what has run. `make repro` does this first,
without --cache, which reads the whole cache.

    python tools/repair_dvc.py [--cache]
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import file_digest
from pathlib import Path


def _is_whole_yaml(text: str) -> bool:
    """Tell whether a text may be all that a YAML writer wrote; one with conflicts of Git may be, too."""
    return text.endswith("\n") and not text.endswith(":\n")


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
_CACHE = Path(".dvc/cache/files/md5")


def cut_short() -> Iterator[Path]:
    """Yield those of the files that DVC writes in place, in the repository here, that lack their end."""
    for name, is_whole in _WRITTEN_IN_PLACE.items():
        path = Path(name)
        if path.exists() and not is_whole(path.read_text(errors="replace")):
            yield path


def damaged_in_cache() -> Iterator[Path]:
    """Yield the files of DVC's cache here whose MD5 is not their name."""
    for path in sorted(_CACHE.glob("??/*")):
        with path.open("rb") as file:
            digest = file_digest(file, "md5").hexdigest()
        if digest != path.parent.name + path.stem:  # the suffix of a folder's list is .dir
            yield path


def main() -> None:
    """Remove what is damaged, a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", action="store_true", help="look at each file of DVC's cache as well")
    for path in [*cut_short(), *(damaged_in_cache() if parser.parse_args().cache else ())]:
        path.unlink()
        print(f"{path}: damaged, removed")


if __name__ == "__main__":
    main()
