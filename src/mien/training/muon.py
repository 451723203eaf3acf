"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) for networks of convolutions."""

from typing import Any

from mien.models.keras_backend import keras

_ADAM_RATIO = 0.1


@keras.saving.register_keras_serializable("mien")
class Muon(keras.optimizers.Muon):
    """Keras' Muon, extended to kernels of convolutions, which Keras leaves to Adam.

    The kernel (height, width, in, out) of a convolution is treated as a matrix with height * width * in rows and out
    columns. The step of a matrix is that of SGD with Nesterov momentum 0.95, made orthogonal, times the root of rows /
    columns if there are more rows. As in Jordan's version, one learning rate then suits layers of every width. Biases,
    normalization and the last layer, `emotions`, learn by Adam at a tenth of the rate.
    """

    def __init__(self, learning_rate: Any, weight_decay: float = 0.0, **config: Any) -> None:
        config = {"adam_weight_decay": weight_decay, "adam_lr_ratio": _ADAM_RATIO} | config
        super().__init__(learning_rate, weight_decay=weight_decay, **config)

    def _should_use_adamw(self, variable: Any) -> bool:
        filters_of_single_channels = variable.shape[-1:] == (1,)
        return len(variable.shape) < 2 or filters_of_single_channels or "emotions" in variable.path

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return approximately the orthogonal matrix nearest to a kernel, in the kernel's shape."""
        return keras.ops.reshape(super().zeropower_via_newtonschulz5(_matrix(x), steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Return a step scaled by the shape of its kernel."""
        rows, columns = _matrix(x).shape
        return x * max(1.0, rows / columns) ** 0.5


def _matrix(kernel: Any) -> Any:
    return keras.ops.reshape(kernel, (-1, kernel.shape[-1]))
