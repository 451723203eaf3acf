"""The commands of `mien`, run in this process."""

from collections.abc import Iterator

import click

from mien.cli import mien


def command_names(group: click.Group = mien, prefix: str = "mien") -> Iterator[str]:
    """Yield each command with its groups, such as "mien exp recipe"."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from command_names(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"
