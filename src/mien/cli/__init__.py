"""The command `mien`, one file per command group.

A command's file is imported when the command is called, and the library when it runs: `mien image --help` loads only
Click and one small file.
"""

import click

from mien._io.errors import InputError, reports_input_errors
from mien.cli.groups import LazyGroup

_COMMANDS = {  # in the order of the help; MODULE:FUNCTION in this package
    "image": "image:image",
    "video": "video:video",
    "webcam": "video:webcam",
    "app": "app:app",
    "serve": "serve:serve",
    "aus": "aus:aus",
    "stats": "stats:stats",
    "actions": "actions:actions",
    "score": "score:score",
    "drift": "drift:drift",
    "convert": "convert:convert",
    "summary": "experiments:summary",
    "exp": "experiments:exp",
    "mlflow": "mlflow:mlflow",
    "doctor": "doctor:doctor",
}
#: Names of commands in release 0.1, and those of today.
RENAMED = {
    "recipe": ("exp", "recipe"),
    "compare": ("exp", "compare"),
    "report": ("exp", "report"),
    "search": ("exp", "search"),
    "sync": ("mlflow", "sync"),
    "register": ("mlflow", "register"),
}
_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110}


@click.group("mien", cls=LazyGroup, lazy=_COMMANDS, renamed=RENAMED, context_settings=_SETTINGS)
@click.version_option(package_name="mien", message="mien %(version)s")
def mien() -> None:
    """Read emotions from faces and facial Action Units (AUs)."""


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    try:
        code = mien.main(prog_name="mien", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except click.ClickException as error:
        raise InputError(_usage_error(error)) from None
    except click.Abort as error:
        raise error.__cause__ or error from None  # Click turns Ctrl+C into Abort
    if code:
        raise SystemExit(code)


def _usage_error(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    return f"{message} See {context.command_path} --help" if context else message
