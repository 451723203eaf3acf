"""Repair what a kill, a full disk or a bad copy leaves of DVC's own files: what is damaged is removed and named.

dvc.lock and .dvc/tmp/rwlock, which DVC writes in place, may be truncated; it then refuses to go on. With --cache also
the files of its cache, each of which is named after its MD5; DVC does not check those again. What is removed comes back
with the next `dvc repro` or `dvc fetch`: DVC's run cache knows what has run. `make repro` does this first, without
--cache, which reads the whole cache. `mien doctor` makes the same checks and removes nothing.

    python tools/repair_dvc.py [--cache]
"""

import argparse

from mien.experiments.dvc_files import damaged_in_cache, truncated


def main() -> None:
    """Remove what is damaged; print one line per file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", action="store_true", help="also check each file of DVC's cache")
    for path in [*truncated(), *(damaged_in_cache() if parser.parse_args().cache else ())]:
        path.unlink()
        print(f"{path}: damaged, removed")


if __name__ == "__main__":
    main()
