"""The small variant of mien's network, for many faces or little hardware."""

from mien.models.keras_backend import keras
from mien.models.parts import convolution, normalized


def mien_small(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Under 10 million multiply-adds an image of 48x48. Residual blocks as of He et al. 2016, with nothing but ReLU after
    the sum: each batch normalization follows a convolution, so that ONNX Runtime folds it into that one, and the work
    on a single face, most of which goes into starting each operation, stays small.
    """
    images = keras.Input((size, size), dtype="uint8", name="images")
    x = keras.layers.ReLU()(_normalized_convolution(normalized(images), 24, kernel=5, stride=2))
    for width, blocks in ((32, 2), (64, 1), (128, 1)):
        for block in range(blocks):
            x = _block(x, width, stride=1 if block else 2)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.1)(x)
    emotions = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="emotions")(x)
    return keras.Model(images, emotions, name="mien_small")


def _block(x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    shortcut = x
    if stride > 1:
        shortcut = _normalized_convolution(keras.layers.AveragePooling2D(stride)(x), width, kernel=1)
    y = keras.layers.ReLU()(_normalized_convolution(x, width, stride=stride))
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, _normalized_convolution(y, width)]))


def _normalized_convolution(x: keras.KerasTensor, width: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(momentum=0.95)(convolution(x, width, kernel, stride))
