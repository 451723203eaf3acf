"""The command `mien`, one file a command group: its arguments, and what of the library does the work.

Each file has `add`. The library is imported where a command runs, so that `mien --help` starts at once.
"""

import argparse

from mien._io.errors import reports_input_errors


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    from mien.cli import actions, app, aus, convert, experiments, image, mlflow, score, video

    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subject in (image, video, app, aus, score, actions, convert, experiments, mlflow):  # in the order of the help
        subject.add(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)
