"""Packages beyond the base install: a feature whose packages are missing names its extra in one line."""

from importlib.util import find_spec

from mien._io.errors import InputError


def require(extra: str, *modules: str, what: str) -> None:
    """Check, without importing them, that the modules which a feature needs are installed.

    Args:
        extra: the extra of pyproject.toml that brings them, such as "app".
        modules: top-level modules, such as "gradio".
        what: the feature, as its user calls it, such as "mien app".

    Raises:
        InputError: one of them is missing; the message names the extra.
    """
    if any(find_spec(module) is None for module in modules):
        raise InputError(f"{what} needs the extra `{extra}`: pip install 'mien[{extra}]'")
