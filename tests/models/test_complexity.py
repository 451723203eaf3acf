"""The complexity of a network is what its layers say."""

from pathlib import Path

from mien.config import Transfer
from mien.models.complexity import layer_complexity, model_complexity
from mien.models.registry import build

NO_WEIGHTS = Transfer.from_weights(input_size=32)


def test_the_complexity_of_a_network_is_the_sum_over_its_layers(tmp_path: Path) -> None:
    model = build("four_conv", 48, 7, NO_WEIGHTS)
    layers = layer_complexity(model)
    macs = 9 * 32 * 46**2 + 9 * 32 * 64 * 44**2 + 9 * 64 * 128 * 20**2 + 9 * 128 * 128 * 8**2 + 2048 * 1024 + 1024 * 7
    assert layers["macs"].sum() == macs
    assert layers["weights"].sum() == model.count_params()
    (tmp_path / "best.keras").write_bytes(b"0" * 1_500_000)
    (tmp_path / "best.onnx").write_bytes(b"0" * 500_000)
    assert model_complexity(layers, tmp_path) == {
        "weights": model.count_params(), "mega_macs": round(macs / 1e6, 2), "keras_mb": 1.5, "onnx_mb": 0.5
    }  # fmt: skip
