"""The residual network of mien in any size, and what its parts share with the small one."""

from collections.abc import Sequence

from mien.engine import keras


def residual(
    size: int, classes: int, name: str, stem: int, stages: Sequence[tuple[int, int]], dropout: float
) -> keras.Model:
    """Return a network: uint8 (N, size, size) grey images in, (N, classes) probabilities out.

    Each image is brought to mean 0 and variance 1. A 5x5 convolution of stride 2 starts it; residual blocks with
    pre-activation (He et al. 2016) and squeeze-excitation (Hu et al. 2018) follow, then global average pooling and
    dropout.

    Args:
        stem: channels of the first convolution.
        stages: (channels, blocks) of each stage; all but the first begin with stride 2.
    """
    images = keras.Input((size, size), dtype="uint8", name="images")
    x = convolution(normalized(images), stem, kernel=5, stride=2)
    for stage, (width, blocks) in enumerate(stages):
        for block in range(blocks):
            x = _residual_block(x, width, stride=2 if stage and not block else 1)
    x = _activate(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(dropout)(x)
    emotions = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="emotions")(x)
    return keras.Model(images, emotions, name=name)


def normalized(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bring each image, uint8 (N, size, size), to mean 0 and variance 1: float32 (N, size, size, 1)."""
    x = keras.layers.Reshape((*images.shape[1:], 1))(images)
    x = keras.layers.Rescaling(1 / 255)(x)
    return keras.layers.LayerNormalization(axis=(1, 2), center=False, scale=False)(x)


def convolution(x: keras.KerasTensor, width: int, kernel: int = 3, stride: int = 1) -> keras.KerasTensor:
    """Return a convolution without bias, which a batch normalization before or after it makes idle."""
    layer = keras.layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )
    return layer(x)


def _activate(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))


def _residual_block(x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    active = _activate(x)
    shortcut = x
    if stride > 1 or x.shape[-1] != width:
        pooled = keras.layers.AveragePooling2D(stride)(active) if stride > 1 else active
        shortcut = convolution(pooled, width, kernel=1)
    y = convolution(active, width, stride=stride)
    y = convolution(_activate(y), width)
    return keras.layers.Add()([shortcut, _squeeze_excite(y)])


def _squeeze_excite(x: keras.KerasTensor) -> keras.KerasTensor:
    width = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = keras.layers.Conv2D(width // 8, 1, activation="relu")(gate)
    gate = keras.layers.Conv2D(width, 1, activation="sigmoid")(gate)
    return keras.layers.Multiply()([x, gate])
