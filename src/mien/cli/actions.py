"""`mien actions`: what a person in an emotion and context may do."""

import argparse
from pathlib import Path

from mien.cli.options import Commands, Help


def add(commands: Commands) -> None:
    """Add `mien actions`."""
    parser = commands.add_parser(
        "actions",
        help="suggest what a person in an emotion and context may do",
        description="Print the actions that a person in an emotion may take, how likely a model of hand-written "
        "assumptions holds them, and the feelings that lead there. Suggestions: no data tell what people do next.",
        epilog="examples: mien actions happy --context sports --top 3\n"
        '          mien actions happy=0.7 surprise=0.3 --context "music playing" --json\n'
        "          mien actions sad --model models/action_map --joints people.csv",
        formatter_class=Help,
    )
    parser.add_argument(
        "emotions",
        nargs="+",
        metavar="EMOTION[=PROBABILITY]",
        help="angry, disgust, fear, happy, sad, surprise, neutral or a synonym; or several that sum to 1",
    )
    context = parser.add_mutually_exclusive_group()
    context.add_argument("--context", metavar="NAME", help="a category or activity of MPII: sports, basketball ..")
    context.add_argument(
        "--joints",
        type=Path,
        metavar="FILE.csv",
        help="tell the context from body joints, a row a person, in the columns of MPII's CSV form; needs --model",
    )
    parser.add_argument("--top", type=int, default=5, help="how many actions (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a person instead of text")
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="what the stage action_map made: models/action_map (hand-written)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.actions.suggest import suggest

    suggest(arguments.emotions, arguments.context, arguments.joints, arguments.top, arguments.model, arguments.json)
