"""Repair DVC's own files after a kill, a full disk or a bad copy: damaged files are removed and named.

DVC writes dvc.lock and .dvc/tmp/rwlock in place, so they may be truncated; DVC then refuses to run. With --cache, the
script also checks the files in DVC's cache, which are named after their MD5; DVC itself does not check them again. The
next `dvc repro` or `dvc fetch` restores removed files, because DVC's run cache knows what has run. `make repro` runs
this script first, without --cache, which reads the whole cache. `mien doctor` makes the same checks and removes
nothing.

    python tools/repair_dvc.py [--cache]
"""

import argparse

from mien.experiments.dvc_damage import damaged_in_cache, truncated


def main() -> None:
    """Remove damaged files. Prints one line per file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", action="store_true", help="also check each file of DVC's cache")
    for path in [*truncated(), *(damaged_in_cache() if parser.parse_args().cache else ())]:
        path.unlink()
        print(f"{path}: damaged, removed")


if __name__ == "__main__":
    main()
