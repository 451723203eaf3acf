"""Building blocks of the CNNs: input of grey images, convolutions, blocks that halve the size, a softmax head."""

from collections.abc import Sequence

from mien.models.keras_backend import keras

#: The name of the last layer, which gives a probability per class.
HEAD = "emotions"
#: Added to the variance of an image of 0..1 that is standardized.
EPSILON = 1e-3


def image_input(size: int) -> keras.KerasTensor:
    """Return the input of a network: uint8 (N, size, size)."""
    return keras.Input((size, size), dtype="uint8", name="images")


def rescaled(images: keras.KerasTensor) -> keras.KerasTensor:
    """Return uint8 (N, size, size) images as float32 (N, size, size, 1), 0..1."""
    # reshaped last: ONNX Runtime takes four times as long to scale values whose last dimension is 1
    return keras.layers.Reshape((*images.shape[1:], 1))(keras.layers.Rescaling(1 / 255)(images))


def standardized(images: keras.KerasTensor) -> keras.KerasTensor:
    """Return uint8 (N, size, size) images as float32 (N, size, size, 1), each of mean 0 and variance 1."""
    layer = keras.layers.LayerNormalization(axis=(1, 2), epsilon=EPSILON, center=False, scale=False)
    return layer(rescaled(images))


def conv(x: keras.KerasTensor, filters: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    """Return a convolution without bias, because the following batch normalization would cancel a bias.

    Kernels are initialized as by He et al. (2015).
    """
    layer = keras.layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return layer(x)


def conv_block(x: keras.KerasTensor, filters: Sequence[int], dropout: float) -> keras.KerasTensor:
    """Return 3x3 convolutions with batch norm and ReLU, one per entry of `filters`, then 2x2 pooling and dropout."""
    for width in filters:
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return keras.layers.Dropout(dropout)(keras.layers.MaxPooling2D()(x))


def classifier(images: keras.KerasTensor, features: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    """Return the model from images to probabilities, float32 (N, classes): a softmax layer on features (N, width)."""
    emotions = keras.layers.Dense(classes, activation="softmax", dtype="float32", name=HEAD)(features)
    return keras.Model(images, emotions, name=name)
