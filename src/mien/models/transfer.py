"""Networks of keras.applications for grey faces. The preprocessing that each needs is part of the model."""

from collections.abc import Callable, Sequence

from mien._io.errors import InputError, first_line
from mien.models.blocks import classifier, image_input
from mien.models.keras_backend import keras


def transfer(
    size: int,
    classes: int,
    name: str,
    backbone: Callable[..., keras.Model],
    scale: float,
    offset: float | Sequence[float],
    weights: str,
    input_size: int,
) -> keras.Model:
    """Return a network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    The grey face is resized, copied to three channels, and scaled as the backbone expects. Global average pooling,
    dropout and one dense layer follow the backbone (on transfer: Yosinski et al. 2014).

    Args:
        size: width and height of the images, in pixels.
        classes: how many there are.
        name: of the network.
        backbone: builds the network of keras.applications.
        scale: factor for grey levels 0..255.
        offset: added afterwards, one value for all channels or one per channel.
        weights: "imagenet", "none" or the path of a weights file for the backbone without its top.
        input_size: width and height to which faces are resized for the backbone, in pixels.

    Raises:
        InputError: the weights are not available or do not fit.
    """
    images = image_input(size)
    x = keras.layers.Reshape((size, size, 1))(images)
    x = keras.layers.Rescaling(1.0)(x)  # to float32
    if input_size != size:  # without this argument, Keras 3.15 exports the following layers in training mode
        x = keras.layers.Resizing(input_size, input_size)(x, training=False)
    x = keras.layers.Concatenate()([x, x, x])
    x = keras.layers.Rescaling(scale, offset, name="preprocessed")(x)
    body = _load(backbone, (input_size, input_size, 3), name, weights)
    body.name = "backbone"
    x = keras.layers.GlobalAveragePooling2D()(body(x))
    return classifier(images, keras.layers.Dropout(0.3)(x), classes, name)


def _load(backbone: Callable[..., keras.Model], shape: tuple[int, int, int], name: str, weights: str) -> keras.Model:
    try:
        return backbone(include_top=False, weights=None if weights == "none" else weights, input_shape=shape)
    except Exception as error:  # whatever a download or a damaged file raises
        if weights == "none":
            raise
        raise InputError(
            f"train_cnn.transfer: {weights} weights of {name} cannot be loaded ({first_line(error)}); "
            "name a file that was downloaded elsewhere (a ..._notop.h5 of keras.applications), or none to start anew"
        ) from None
