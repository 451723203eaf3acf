"""The small pretrained network of mien, for many faces or little hardware."""

from mien.models.blocks import classifier, conv, image_input, standardized
from mien.models.keras_backend import keras


def mien_small(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Under 10 million multiply-adds per image of 48x48. Residual blocks (He et al. 2016) with only ReLU after the sum, so
    that each batch normalization follows a convolution and ONNX Runtime can fold it. This leaves few operations, which
    matters for a single face: most of its time is spent on starting operations.
    """
    images = image_input(size)
    x = keras.layers.ReLU()(_conv_bn(standardized(images), 24, kernel=5, stride=2))
    for filters, blocks in ((32, 2), (64, 1), (128, 1)):
        for block in range(blocks):
            x = _residual_block(x, filters, stride=1 if block else 2)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.1)(x)
    return classifier(images, x, classes, "mien_small")


def _residual_block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    shortcut = x
    if stride > 1:
        shortcut = _conv_bn(keras.layers.AveragePooling2D(stride)(x), filters, kernel=1)
    y = keras.layers.ReLU()(_conv_bn(x, filters, stride=stride))
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, _conv_bn(y, filters)]))


def _conv_bn(x: keras.KerasTensor, filters: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(momentum=0.95)(conv(x, filters, kernel, stride))
