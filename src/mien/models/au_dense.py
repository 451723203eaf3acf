"""The dense network that reads an emotion from Action Unit intensities."""

from collections.abc import Sequence

from mien.models.keras_backend import keras


def au_dense(aus: int, classes: int, units: Sequence[int], dropout: float) -> keras.Model:
    """Return the network. Input: intensities 0..100, float32 (N, aus). Output: probabilities (N, classes).

    It has one dense layer per entry of `units`, each with batch norm, LeakyReLU and dropout.
    """
    intensities = keras.Input((aus,), name="intensities")
    x = keras.layers.Rescaling(1 / 100)(intensities)
    for width in units:
        x = keras.layers.Dense(width, use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.LeakyReLU()(x)
        x = keras.layers.Dropout(dropout)(x)
    emotions = keras.layers.Dense(classes, activation="softmax", name="emotions")(x)
    return keras.Model(intensities, emotions, name="au_dense")
