"""SHA256SUMS of a folder, in the form of `sha256sum`: damage is found before a file is used.

File formats do not reveal damage: a network with one wrong weight still loads and answers, and DVC trusts its cache.
"""

from hashlib import file_digest
from pathlib import Path

from mien._io.errors import InputError

FILE = "SHA256SUMS"

_DIGITS = 12  # characters of a digest
_REMEDY = (
    "delete it and get it again (`dvc checkout`, before that `python tools/repair_dvc.py --cache` if it comes back so; "
    f"`git checkout` where Git has it), or delete {FILE} to use it as it is"
)


def save_checksums(folder: Path, pattern: str = "*") -> None:
    """Write the digests of the other files in a folder into its SHA256SUMS. Same files give the same bytes.

    pattern: of the names of these files.
    """
    paths = sorted(path for path in folder.glob(pattern) if path.is_file() and path.name != FILE)
    (folder / FILE).write_text("".join(f"{sha256_of(path)}  {path.name}\n" for path in paths), encoding="utf-8")


def checked(path: Path) -> Path:
    """Return `path` if its bytes match SHA256SUMS beside it, or if there is no SHA256SUMS.

    Raises:
        InputError: they do not match, or SHA256SUMS does not name the file.
        OSError: the file cannot be read.
    """
    sums = path.with_name(FILE)
    if not sums.exists():
        return path
    lines = sums.read_text(encoding="utf-8", errors="replace").splitlines()
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if path.name not in expected:
        raise InputError(f"{path}: is not named in {sums}; {_REMEDY}")
    digest = sha256_of(path)
    if digest != expected[path.name]:
        raise InputError(
            f"{path}: found SHA-256 {digest[:_DIGITS]}, expected {expected[path.name][:_DIGITS]} as in {sums}: it is "
            f"damaged, or was changed since; {_REMEDY}"
        )
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
