"""Shared by several commands: options, and the form of their help."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from click.core import ParameterSource

from mien.cli.groups import note_renamed
from mien.cli.numbers import NUMBER, SHARE

if TYPE_CHECKING:
    from mien.data.labels import LabelNames

#: The exit code if a network is worse than another one; 2 is bad input.
WORSE = 3

Function: TypeAlias = Callable[..., None]
Decorator: TypeAlias = Callable[[Function], Function]


class Option(click.Option):
    """An option that the help lists under the heading of its group.

    Args:
        group: the heading.
        was: its old name, which is hidden, accepted, and prints a note.
    """

    def __init__(self, *args: Any, group: str = "Options", was: str | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.group, self.was = group, was


class Command(click.Command):
    """A command whose help lists its options by group, and whose options may have old names."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments after replacing old names of options."""
        renamed = {option.was: option for option in self.params if isinstance(option, Option) and option.was}
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*(_with_new_name(word, renamed) for word in args[:end]), *args[end:]])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each group, in order of the groups' first options. `--help` comes last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = None if isinstance(parameter, click.Argument) else parameter.get_help_record(ctx)
            if record:
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)


def _with_new_name(word: str, renamed: Mapping[str, Option]) -> str:
    """Return a command-line word with an old option's name replaced. For a former flag, the value is added."""
    name, equals, value = word.partition("=")
    if name not in renamed:
        return word
    new = renamed[name].opts[0]
    note_renamed(name, new)
    if not equals and not renamed[name].is_flag and isinstance(renamed[name].flag_value, str):
        return f"{new}={renamed[name].flag_value}"
    return f"{new}{equals}{value}"


def command(name: str | None = None, *, examples: str) -> Callable[[Function], Command]:
    """Return a decorator that turns a function into a command. examples: lines for the end of its help."""
    lines = "\n".join(f"  {line}" for line in examples.splitlines())
    return click.command(name, cls=Command, epilog=f"\b\nExamples:\n{lines}")


def option(*declarations: str, group: str, **attributes: Any) -> Decorator:
    """Return a decorator that adds an option to a command; see `Option` about `group` and `was`."""
    return click.option(*declarations, cls=Option, group=group, **attributes)


def combined(*decorators: Decorator) -> Decorator:
    """Return a decorator that adds the options of several decorators, in order."""
    return lambda function: reduce(lambda inner, decorator: decorator(inner), reversed(decorators), function)


def given(*names: str) -> list[str]:
    """Return the flags on the command line among some parameters, also if their values are the defaults."""
    context = click.get_current_context()
    flags = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    return [flags[name] for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]


def exclusive(*names: str) -> None:
    """Refuse options that exclude each other. names: the parameters' names.

    Raises:
        click.UsageError: more than one was given.
    """
    flags = given(*names)
    if len(flags) > 1:
        raise click.UsageError(f"{' and '.join(flags)} exclude each other.", click.get_current_context())


def executor_option(help_text: str, group: str = "Execution") -> Decorator:
    """Return a decorator that adds --executor: where the work runs."""
    choices = click.Choice(["local", "ray"])
    return option("--executor", was="--engine", group=group, type=choices, default="local", help=help_text)


def gate_margin(group: str) -> Decorator:
    """Return a decorator that adds --margin: the share of images that a network may lose against another one."""
    return option(
        "--margin",
        group=group,
        type=NUMBER,
        default=0.02,
        metavar="SHARE",
        help="The share of images that the network may lose before it is worse: of all, of a class or of a slice. 0.02 "
        "is 2 of 100.",
    )


def face_search(group: str) -> Decorator:
    """Return a decorator that adds --detector and --face, to find faces in labelled pictures."""
    return combined(
        option(
            "--detector",
            group=group,
            type=click.Choice(["none", "yunet", "haar", "mtcnn"]),
            default="none",
            help="Find the face in each image, level it and crop it, as mien image does. none: each image is one face "
            "already, as in FER2013. yunet: also tilted, turned and small faces.",
        ),
        option(
            "--face",
            group=group,
            type=click.Choice(["largest", "middle"]),
            default="largest",
            help="Which of several faces in an image to use; middle: the one nearest to the centre of the image.",
        ),
    )


def image_labels(group: str) -> Decorator:
    """Return a decorator that adds --labels and --unknown-classes: what the labels of images mean."""
    return combined(
        option(
            "--labels",
            group=group,
            metavar="LABEL=EMOTION,..",
            default="",
            help="What folder names or the cells of the column emotion mean if they are numbers or other names: "
            '1=surprise,2=fear. The meaning is an emotion, another class, or "skip", which leaves the images out.',
            show_default=False,
        ),
        option(
            "--unknown-classes",
            group=group,
            type=click.Choice(["skip", "fail"]),
            default="skip",
            help="What to do with images whose label is neither an emotion nor a class: leave them out and count them, "
            "or stop.",
        ),
    )


def label_names(options: Mapping[str, Any], classes: Iterable[str] = ()) -> "LabelNames":
    """Parse --labels and --unknown-classes. Raises InputError if --labels has another form.

    Args:
        options: the command's options.
        classes: the classes that labels may name; empty for all emotions.
    """
    from mien._io.errors import within
    from mien.data.labels import LabelNames

    with within("--labels"):
        return LabelNames.parse(options["labels"], options["unknown_classes"], classes)


def au_reading(group: str) -> Decorator:
    """Return a decorator that adds --format, --missing and --min-tool-confidence: how AU tables are read."""
    return combined(
        option(
            "--format",
            "table_format",
            group=group,
            type=click.Choice(["native", "openface", "pyfeat", "libreface"]),
            help="The format of the table. By default, its header tells.",
        ),
        option(
            "--missing",
            group=group,
            type=click.Choice(["fail", "zero"]),
            default="fail",
            help="What to do with AUs that have no column: stop, or count them as 0.",
        ),
        option(
            "--min-tool-confidence",
            group=group,
            metavar="P",
            type=SHARE,
            show_default="0.5",
            help="Leave out rows where the tool is less sure of the face (OpenFace's confidence or py-feat's "
            "FaceScore). OpenFace's authors use 0.5 to 0.8.",
        ),
    )
