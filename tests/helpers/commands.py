"""The commands of `mien`, run in this process."""

from collections.abc import Callable, Iterator

import click

from mien.cli import mien

#: Runs a command and returns its stdout and stderr; see the fixture `mien` of tests/cli.
Run = Callable[..., tuple[str, str]]


def command_names(group: click.Group = mien, prefix: str = "mien") -> Iterator[str]:
    """Yield each command with its groups, such as "mien exp recipe"."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from command_names(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def find_command(name: str) -> click.Command:
    """Return a command by its name with its groups."""
    command: click.Command = mien
    for word in name.split()[1:]:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found
        command = found
    return command
