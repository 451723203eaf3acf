"""What several commands have in common: options, and the form of their help."""

import argparse
from typing import TypeAlias

#: What commands are added to.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Help(argparse.RawDescriptionHelpFormatter):
    """Wraps descriptions and keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def add_face_model(parser: argparse._ActionsContainer) -> None:
    """Add --model: the network for faces."""
    parser.add_argument(
        "--model",
        metavar="NAME|FOLDER",
        help="mien (the default), mien_small (less accurate, much faster), or a folder that a network was trained in, "
        "such as models/cnn",
    )


def add_detector(parser: argparse._ActionsContainer) -> None:
    """Add --detector: what finds faces."""
    parser.add_argument(
        "--detector",
        default="haar",
        metavar="NAME",
        help="haar (the default: frontal faces), mtcnn (turned ones too; slower, loads TensorFlow), or none",
    )


def add_action_names(parser: argparse.ArgumentParser) -> None:
    """Add --actions: an action is named for each face."""
    parser.add_argument("--actions", action="store_true", help="also name the action that each person may take")


def add_executor(parser: argparse._ActionsContainer, how: str) -> None:
    """Add --executor: where to work. how: what is said of that in the help."""
    parser.add_argument(
        "--executor",
        "--engine",
        choices=["local", "ray"],
        help=f"where to work: this machine (the default), or the Ray cluster at RAY_ADDRESS, {how}",
    )


def add_reading(parser: argparse._ActionsContainer) -> None:
    """Add --format and --missing: how AU tables are read."""
    parser.add_argument("--format", choices=["native", "openface", "pyfeat"], help="instead of what the header tells")
    parser.add_argument("--missing", choices=["fail", "zero"], help="what to do about AUs without a column (fail)")
