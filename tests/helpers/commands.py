"""The commands of `mien`, run in this process or in one of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest

from mien.cli import main, mien

#: Runs a command and returns its stdout and stderr; see the fixture `mien`.
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


def call_mien(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run a command in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["mien", *map(str, words)])
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def run_unread(*words: object) -> tuple[int, str]:
    """Run a command after the reader of its stdout has gone. Returns its exit code and stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-W", "error", "-m", "mien", *map(str, words)]
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    return done.returncode, done.stderr
