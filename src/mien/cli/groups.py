"""Groups of commands that are imported when they are called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from mien._io.errors import note


class LazyGroup(click.Group):
    """A group whose commands are imported by name.

    Args:
        lazy: MODULE:FUNCTION in mien.cli by command, in the order of the help.
        renamed: the current words by a command's old name. Old names are hidden, accepted, and print a note.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, str],
        renamed: Mapping[str, tuple[str, ...]] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self._lazy, self._renamed = lazy, renamed or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of the help."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is no such command."""
        if cmd_name not in self._lazy:
            return None
        module, _, function = self._lazy[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"mien.cli.{module}"), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, by its current or old name."""
        if args[0] in self._renamed:
            words = self._renamed[args[0]]
            note_renamed(f"{ctx.command_path} {args[0]}", " ".join([ctx.command_path, *words]))
            args = [*words, *args[1:]]
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=self._lazy, ctx=ctx) from None


def note_renamed(old: str, new: str) -> None:
    """Print on stderr that a command or option has a new name. The next release removes the old one."""
    note(f"'{old}' is now '{new}'")
