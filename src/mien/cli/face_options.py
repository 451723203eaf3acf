"""Options of the commands that read faces: how these are found and read."""

from typing import TYPE_CHECKING

import click

from mien.cli.options import Decorator, combined, option

if TYPE_CHECKING:
    from mien.inference.priors import Prior


face_model = option(
    "--model",
    group="Model",
    metavar="NAME|FOLDER|FILE.onnx",
    show_default="mien_wild",
    help="The network for faces: mien_wild (also reads Action Units), mien (learnt from FER2013 alone), mien_small "
    "(less accurate, much faster), the folder of a trained network such as models/cnn, or an .onnx file.",
)


detector = option(
    "--detector",
    group="Input",
    type=click.Choice(["yunet", "haar", "mtcnn", "none"]),
    default="yunet",
    help="How to find faces. yunet: also tilted, turned and small ones. haar: frontal, upright ones; slower. mtcnn: "
    "also tilted and turned ones; slower, needs the extra `mtcnn`. none: each picture is one face already.",
)

tta = option(
    "--tta",
    group="Model",
    type=click.Choice(["none", "mirror", "ten"]),
    default="mirror",
    help="Test-time augmentation. none: read each face once. mirror: also read its mirror image; more accurate, takes "
    "twice as long. ten: read ten copies.",
)


def prior_option(group: str, *, em: bool = False) -> Decorator:
    """Return a decorator that adds --prior: how frequent each emotion is. em: whether EM may estimate it."""

    def parsed(_: click.Context, __: click.Parameter, text: str) -> "Prior | str":
        from mien.inference.priors import parse_prior

        return parse_prior(text)

    estimated = " em: as EM estimates from the faces, at least 50." if em else ""
    return option(
        "--prior",
        group=group,
        default="training",
        metavar=f"training|uniform|{'em|' if em else ''}EMOTION=SHARE,..",
        callback=parsed,
        help="How frequent each emotion is among the faces. training: as in the network's training. uniform: all "
        f"equally.{estimated} Or the share of each emotion.",
    )


min_confidence = option(
    "--min-confidence",
    group="Model",
    type=float,
    default=0.0,
    metavar="P",
    help='The least confidence of an emotion, 0 to 1; below it, the face is "unsure". Probabilities are kept.',
)

coverage = option(
    "--coverage",
    group="Model",
    type=float,
    metavar="P",
    help='Also tell the emotions that a face may well show ("happy or surprise"), so that the true one is among them '
    "with this probability on faces like those of training: 0.5 to 0.99.",
)

min_face = option(
    "--min-face",
    group="Input",
    type=int,
    metavar="PIXELS",
    help="Height of the smallest face to look for. By default 24 for yunet, 30 for haar, 20 for mtcnn; a larger "
    "number saves time.",
)

search_size = option(
    "--search-size",
    group="Input",
    type=int,
    metavar="PIXELS",
    help="Shrink pictures with a longer side to this size before searching for faces. yunet then also searches parts "
    "of the picture for small faces.",
)

precision = option(
    "--precision",
    group="Model",
    type=click.Choice(["auto", "fp32", "int8"]),
    default="auto",
    help="fp32: as trained. int8: 8-bit integers, about three times as fast on CPUs that multiply those fast. auto: "
    "int8 on such CPUs.",
)

aus = option(
    "--aus",
    is_flag=True,
    group="Output",
    help="Also read Action Units, 0 to 100, and name those that go with the emotion.",
)

action_names = option(
    "--actions", is_flag=True, group="Output", help="Also name an action that each person might take."
)

#: How faces are found and read, as parameters of EmotionRecognizer; --prior is apart.
face_options = combined(
    detector,
    min_face,
    search_size,
    face_model,
    tta,
    min_confidence,
    coverage,
    precision,
)
