"""What the networks of mien's own are made of: grey levels brought to one scale, convolutions without bias."""

from mien.models.keras_backend import keras


def normalized(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bring each image, uint8 (N, size, size), to mean 0 and variance 1: float32 (N, size, size, 1)."""
    x = keras.layers.Reshape((*images.shape[1:], 1))(images)
    x = keras.layers.Rescaling(1 / 255)(x)
    return keras.layers.LayerNormalization(axis=(1, 2), center=False, scale=False)(x)


def convolution(x: keras.KerasTensor, width: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    """Return a convolution without bias, which the batch normalization that follows makes idle."""
    layer = keras.layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return layer(x)
