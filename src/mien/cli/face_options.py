"""Options of the commands that read faces: how faces are found and read."""

from typing import TYPE_CHECKING

import click

from mien.cli.numbers import NUMBER
from mien.cli.options import Decorator, combined, option

if TYPE_CHECKING:
    from mien.inference.networks.priors import Prior


face_model = option(
    "--model",
    group="Model",
    metavar="NAME|FOLDER|FILE.onnx",
    show_default="mien_wild",
    help="The network for faces: mien_wild (also reads Action Units), mien (trained on FER2013 alone), mien_small "
    "(less accurate, much faster), the folder of a trained network such as models/cnn, or an .onnx file.",
)


detector = option(
    "--detector",
    group="Input",
    type=click.Choice(["yunet", "haar", "mtcnn", "none"]),
    default="yunet",
    help="How to find faces. yunet: also tilted, turned and small faces. haar: frontal, upright faces; slower. mtcnn: "
    "also tilted and turned faces; slower, needs the extra `mtcnn`. none: each picture is one face already.",
)

tta = option(
    "--tta",
    group="Model",
    type=click.Choice(["none", "mirror", "ten"]),
    default="mirror",
    help="Test-time augmentation. none: read each face once. mirror: also read its mirror image; more accurate, but "
    "takes twice as long. ten: read ten copies.",
)


def prior_option(group: str, *, em: bool = False) -> Decorator:
    """Return a decorator that adds --prior: how frequent each emotion is. em: whether EM may estimate it."""

    def parsed(_: click.Context, __: click.Parameter, text: str) -> "Prior | str":
        from mien.inference.networks.priors import parse_prior

        return parse_prior(text)

    estimated = " em: estimated from the faces by EM; needs at least 50." if em else ""
    return option(
        "--prior",
        group=group,
        default="training",
        metavar=f"training|uniform|{'em|' if em else ''}EMOTION=SHARE,..",
        callback=parsed,
        help="How frequent each emotion is among the faces (logit adjustment). training: as in the training data. "
        f"uniform: all equally frequent.{estimated} Or give the share of each emotion.",
    )


min_confidence = option(
    "--min-confidence",
    group="Model",
    type=NUMBER,
    default=0.0,
    metavar="P",
    help='Call a face "unsure" if its confidence is below this, 0 to 1. Its probabilities are kept.',
)

coverage = option(
    "--coverage",
    group="Model",
    type=NUMBER,
    metavar="P",
    help='Also give a prediction set ("happy or surprise"): on faces like the training data, it contains the true '
    "emotion with this probability, 0.5 to 0.99 (conformal prediction).",
)

min_face = option(
    "--min-face",
    group="Input",
    type=int,
    metavar="PIXELS",
    help="Height of the smallest face to look for; a larger number saves time. By default 24 for yunet, 30 for haar, "
    "20 for mtcnn.",
)

search_size = option(
    "--search-size",
    group="Input",
    type=int,
    metavar="PIXELS",
    help="Shrink larger pictures to this size before searching for faces. yunet then also searches parts of the "
    "picture for small faces.",
)

precision = option(
    "--precision",
    group="Model",
    type=click.Choice(["auto", "fp32", "int8"]),
    default="auto",
    help="fp32: as trained. int8: 8-bit integers, about three times as fast on CPUs with fast integer arithmetic. "
    "auto: int8 on such CPUs.",
)

aus = option(
    "--aus",
    is_flag=True,
    group="Output",
    help="Also read Action Units (AUs), 0 to 100, and name those that go with the emotion.",
)

action_names = option("--actions", is_flag=True, group="Output", help="Also suggest an action for each person.")

_FINDING = (detector, min_face, search_size, face_model, tta, min_confidence)
#: Options that become parameters of EmotionRecognizer, without --prior.
face_options = combined(*_FINDING, coverage, precision)
#: The same without prediction sets.
measuring_options = combined(*_FINDING, precision)
