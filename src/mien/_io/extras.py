"""Optional packages: if a feature's packages are missing, one line names the extra to install."""

from importlib.util import find_spec

from mien._io.errors import InputError


def require(extra: str, *modules: str, what: str) -> None:
    """Check that the modules a feature needs are installed, without importing them.

    Args:
        extra: the extra of pyproject.toml that installs them, such as "app".
        modules: top-level modules, such as "gradio".
        what: the feature as users call it, such as "mien app".

    Raises:
        InputError: one of them is missing; the message names the extra.
    """
    if any(find_spec(module) is None for module in modules):
        raise InputError(f"{what} needs the extra `{extra}`: pip install '.[{extra}]' in a clone of mien")
