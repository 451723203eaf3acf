"""Named arrays in one .npz file, without pickles, so that reading it runs no code."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mien._io.checksums import checked
from mien._io.errors import InputError

_MAX_BYTES = 2**28  # bytes of all arrays, unpacked; those of EMOTIC and MPII need a hundredth


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray | str]) -> None:
    """Write arrays. Equal arrays give equal bytes. `path` must end with .npz.

    `numpy.savez_compressed` asks for ZIP64, which Python 3.11.2 and 3.11.7 write in different bytes.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), stream.getvalue(), zipfile.ZIP_DEFLATED)


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read arrays that `write_arrays` wrote.

    Raises:
        InputError: the file is missing, damaged or far too large, or lacks a name.
    """
    try:
        with checked(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if sum(entry.file_size for entry in arrays.zip.infolist()) > _MAX_BYTES:
                raise ValueError(f"would unpack to more than {_MAX_BYTES:,} bytes")
            return {name: arrays[name] for name in names}
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - what a damaged file makes NumPy and zipfile raise is open
        raise InputError(f"{path}: cannot be read ({error}), expected the output of action_map") from None
