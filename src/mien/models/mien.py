"""The pretrained network of mien, sized for two CPU cores."""

from mien.models.blocks import classifier, conv, image_input, standardized
from mien.models.keras_backend import keras

_STAGES = ((32, 32), (64, 64), (128, 128), (256, 256, 256))


def mien(size: int, classes: int) -> keras.Model:
    """Return the network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    139 million multiply-adds per image of 48x48, 1.8 million weights. Plain 3x3 convolutions from full resolution on
    (Simonyan & Zisserman 2015), without their dense layers. Pooling comes before batch normalization, which then has to
    normalize only a quarter of the values.
    """
    images = image_input(size)
    x = standardized(images)
    for stage, widths in enumerate(_STAGES):
        for number, filters in enumerate(widths, start=1):
            x = conv(x, filters)
            if number == len(widths) and stage < len(_STAGES) - 1:
                x = keras.layers.MaxPooling2D()(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))
    x = keras.layers.Dropout(0.3)(keras.layers.GlobalAveragePooling2D()(x))
    return classifier(images, x, classes, "mien")
