"""Make the 8-bit form of a network for faces: `python -m tools.quantize mien ../shared/datasets/fer2013/fer2013.zip`.

`train_cnn` does this for each network that it trains; this script is for pretrained networks, with training images of
any source. A head for Action Units stays in 32-bit floats. Writes NAME_int8.onnx beside NAME.onnx, and SHA256SUMS.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from mien._io.checksums import save_checksums
from mien._io.errors import reports_input_errors
from mien._io.urls import locate
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.pretrained import FACE_NETWORKS
from mien.models.quantization import quantize


@reports_input_errors
def main() -> None:
    """Quantize the network that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=FACE_NETWORKS, help="of the pretrained network")
    parser.add_argument("source", type=locate, help="labelled images, of which the split train is taken")
    arguments = parser.parse_args()
    path = FACE_NETWORKS[arguments.name]
    model = OnnxModel.load(path, threads=1)
    with tempfile.TemporaryDirectory() as folder, PixelFile(Path(folder, "pixels"), model.shape[0]) as pixels:
        with open_source(arguments.source) as source:
            index = read_images(source, pixels)
        rows = np.flatnonzero((index["split"].fillna("train") == "train") & (index["hash"] != ""))
        quantize(path, path.with_name(f"{path.stem}_int8.onnx"), pixels.memmap()[rows], model.metadata)
    save_checksums(path.parent, "*.onnx")


if __name__ == "__main__":
    main()
