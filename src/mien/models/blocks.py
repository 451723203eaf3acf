"""What plain CNNs are made of: grey pixels scaled to 0..1, convolutions with batch norm, blocks that halve the size."""

from collections.abc import Sequence

from mien.models.keras_backend import keras


def pixels(size: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input, uint8 (N, size, size), and the same as float32 (N, size, size, 1), 0..1."""
    images = keras.Input((size, size), dtype="uint8", name="images")
    return images, keras.layers.Rescaling(1 / 255)(keras.layers.Reshape((size, size, 1))(images))


def block(x: keras.KerasTensor, filters: Sequence[int], dropout: float) -> keras.KerasTensor:
    """Return 3x3 convolutions with batch norm and ReLU, one for each of `filters`, then 2x2 pooling and dropout."""
    for width in filters:
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    return keras.layers.Dropout(dropout)(keras.layers.MaxPooling2D()(x))


def classifier(images: keras.KerasTensor, features: keras.KerasTensor, classes: int, name: str) -> keras.Model:
    """Return the model that ends in probabilities of the classes, from features (N, width)."""
    emotions = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="emotions")(features)
    return keras.Model(images, emotions, name=name)
