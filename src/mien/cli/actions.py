"""`mien actions`: what a person with an emotion may do in a context."""

from pathlib import Path

import click

from mien.cli.options import command, exclusive, option
from mien.cli.paths import PATH


@command(
    examples="mien actions happy --context sports --top 3\n"
    'mien actions happy=0.7 surprise=0.3 --context "music playing" --json\n'
    "mien actions sad --model models/action_map --joints people.csv"
)
@click.argument(
    "emotions",
    nargs=-1,
    required=True,
    metavar="EMOTION[=PROBABILITY]...",
    help="angry, disgust, fear, happy, sad, surprise, neutral or a synonym. If several, probabilities that sum to 1.",
)
@option(
    "--context", group="Input", metavar="NAME", help="A category or activity of MPII, such as sports or basketball."
)
@option(
    "--joints",
    group="Input",
    type=PATH,
    metavar="FILE.csv",
    help="Infer the context from body joints: one row per person, with the columns of MPII's CSV form. Needs --model.",
)
@option(
    "--model",
    group="Model",
    type=PATH,
    metavar="FOLDER",
    show_default="hand-written assumptions",
    help="The output of the stage action_map, such as models/action_map.",
)
@option("--top", group="Output", type=int, default=5, help="The number of actions to print.")
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON object per person instead of text.")
def actions(
    emotions: tuple[str, ...],
    context: str | None,
    joints: Path | None,
    model: Path | None,
    top: int,
    as_json: bool,
) -> None:
    """Suggest what a person with an emotion may do in a context.

    Prints the most likely actions, their probabilities under a model of hand-written assumptions, and the feelings that
    lead to them. These are suggestions: no data set records what people do next.
    """
    from mien.actions.suggest import suggest

    exclusive("context", "joints")
    suggest(emotions, context, joints, top, model, as_json)
