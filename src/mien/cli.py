"""The command `mien`, put together from the files in commands/."""

import argparse

from mien.commands import actions, app, aus, convert, experiments, image, score, tracking, video
from mien.errors import reports_input_errors

_SUBJECTS = (image, video, app, aus, score, actions, convert, experiments, tracking)  # in the order of the help


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subject in _SUBJECTS:
        subject.add(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)
