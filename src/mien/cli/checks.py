"""The checks of `mien doctor`: what is installed, and what is damaged."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

import mien
from mien._io.checksums import FILE, checked
from mien._io.errors import InputError
from mien._io.yaml import read_yaml
from mien.experiments.dvc_damage import damaged_in_cache, truncated

_EXTRA = re.compile(r"extra == ['\"](\w+)['\"]")
_NAME = re.compile(r"[\w.-]+")


class Finding(NamedTuple):
    """The result of one check."""

    subject: str
    text: str
    broken: bool = False


def findings(cache: bool) -> Iterator[Finding]:
    """Yield the result of each check. cache: also read each file of DVC's cache."""
    yield from _versions()
    yield _window()
    yield from _packages()
    yield _networks()
    yield from _dvc_files(cache)


def _versions() -> Iterator[Finding]:
    yield Finding("mien", metadata.version("mien"))
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("platform", platform.platform())
    for name, module in (("ONNX Runtime", "onnxruntime"), ("OpenCV", "cv2")):
        try:
            yield Finding(name, import_module(module).__version__)
        except ImportError as error:
            yield Finding(name, f"cannot be imported ({error})", broken=True)


def _window() -> Finding:
    try:
        from mien.inference.video.window import why_no_window
    except ImportError:
        return Finding("windows", "cannot open without OpenCV")
    reason = why_no_window()
    return Finding("windows", "can open" if reason is None else f"cannot open: {reason}")


def _packages() -> Iterator[Finding]:
    """Check that the packages of the base install and of each extra are installed, in any version."""
    needed: dict[str, list[str]] = {"": []}
    for extra in metadata.metadata("mien").get_all("Provides-Extra", []):
        needed[extra] = []
    for requirement in metadata.requires("mien") or []:
        extra = _EXTRA.search(requirement)
        package = _NAME.match(requirement)
        if package:
            needed[extra[1] if extra else ""].append(package[0])
    for name, packages in needed.items():
        missing = ", ".join(package for package in packages if not _is_installed(package))
        if not name:
            yield Finding("base install", f"lacks {missing}" if missing else "complete", bool(missing))
        elif missing:
            yield Finding(f"extra {name}", f"lacks {missing}: pip install '.[{name}]' in a clone of mien")
        else:
            yield Finding(f"extra {name}", "complete")


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _networks() -> Finding:
    """Check the SHA-256 of the pretrained networks."""
    folder = Path(mien.__file__).parent / "inference/weights"
    paths = [
        manifest.with_name(line.partition("  ")[2])
        for manifest in sorted(folder.rglob(FILE))
        for line in manifest.read_text(encoding="utf-8").splitlines()
    ]
    damaged = []
    for path in paths:
        try:
            checked(path)
        except (InputError, OSError):
            damaged.append(str(path))
    if damaged or not paths:
        text = f"damaged: {', '.join(damaged) or folder}; install mien again"
        return Finding("pretrained networks", text, broken=True)
    return Finding("pretrained networks", f"undamaged ({len(paths)} files)")


def _dvc_files(cache: bool) -> Iterator[Finding]:
    """Check DVC's files in the repository around the working folder, if there is one."""
    root = next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / ".dvc").is_dir()), None)
    if root is None:
        yield Finding("DVC", "no repository here")
        return
    if not str(root.resolve()).isascii():
        yield Finding("repository", f"{root}: DVC runs nothing with --temp or --queue here, expected a path in ASCII")
    repair = "; run: python tools/repair_dvc.py"
    bad = [str(path.relative_to(root)) for path in truncated(root)]
    if not bad and (fault := _fault_of_lock(root / "dvc.lock")):
        yield Finding("DVC's files", f"{fault}; restore it: git checkout dvc.lock", broken=True)
    else:
        yield Finding("DVC's files", f"damaged: {', '.join(bad)}{repair}" if bad else "undamaged", bool(bad))
    if cache:
        bad = [str(path.relative_to(root)) for path in damaged_in_cache(root)]
        text = f"damaged: {', '.join(bad)}{repair} --cache" if bad else "undamaged"
        yield Finding("DVC's cache", text, bool(bad))


def _fault_of_lock(path: Path) -> str:
    """Return what is wrong with dvc.lock; empty if nothing is wrong or it does not exist."""
    if not path.exists():
        return ""
    try:
        content = read_yaml(path)
    except InputError as error:
        return str(error).replace(f"{path}: ", "dvc.lock: ")
    return "" if isinstance(content, dict) and "schema" in content else "dvc.lock: is not what DVC writes"
