"""Connects to a Ray cluster, for work on several machines. This is the only module that starts Ray.

RAY_ADDRESS names the cluster as HOST:PORT of its head node; docs/cluster.md shows how to start one. Without
RAY_ADDRESS, Ray starts on this machine alone, for as long as it is needed.
"""

import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mien
from mien._io.errors import InputError, first_line
from mien._io.extras import require

_TIMEOUT = 10  # seconds to wait for a head node's answer
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")


@contextmanager
def connect(cpus: int = 1) -> Iterator[None]:
    """Connect to the cluster at RAY_ADDRESS, or start Ray on this machine. Ray can be used within the block.

    An open connection is reused and left open. Ray prints nothing and sends no usage statistics. Workers import this
    copy of mien if they can see its folder.

    Args:
        cpus: how many CPUs the cluster must have.

    Raises:
        InputError: Ray is not installed; or no cluster can be reached at the address; or the cluster wants a token,
            runs another version of Ray or Python, or has too few CPUs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray 2.60 else announces in a warning
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
    require("scale", "ray", what="a Ray cluster")
    import ray
    from ray._private import worker

    worker.print_to_stdstream = _ignore  # it prints to stdout, among results, that a worker died
    if ray.is_initialized():
        _check_cpus(cpus)
        yield
        return
    address = os.environ.get("RAY_ADDRESS") or "local"
    _check_address(address)
    code = str(Path(mien.__file__).parents[1])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(
                address,
                runtime_env={"env_vars": {"PYTHONPATH": code}},
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except Exception as error:  # noqa: BLE001  Ray raises a bare Exception if a node does not start
        raise InputError(_failure(address, error)) from None
    try:
        _check_cpus(cpus)
        yield
    finally:
        ray.shutdown()


def _ignore(*_: object, **__: object) -> None:
    pass


def _check_address(address: str) -> None:
    """Refuse an address where nothing answers. Ray itself would retry for minutes."""
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise InputError(f"RAY_ADDRESS: found {address!r}, expected HOST:PORT of the cluster's head, such as head:6379")
    try:
        socket.create_connection((host, int(port)), _TIMEOUT).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"RAY_ADDRESS: nothing answers at {address} ({reason}), expected a Ray head node") from None


def _check_cpus(min_cpus: int) -> None:
    import ray

    cpus = int(ray.cluster_resources().get("CPU", 0))
    if cpus < min_cpus:
        raise InputError(f"the Ray cluster has {cpus} CPUs, expected at least {min_cpus}; add nodes with `ray start`")


def _failure(address: str, error: Exception) -> str:
    """Return one line that says why Ray did not start or connect."""
    causes = f"{error}\n{error.__cause__ or ''}"
    versions = _VERSIONS.findall(causes)
    if "Version mismatch" in causes and len(versions) == 2:
        (ray, python), (own_ray, own_python) = versions
        return (
            f"RAY_ADDRESS: the cluster at {address} runs Ray {ray} on Python {python}, expected Ray {own_ray} on "
            f"Python {own_python} as here"
        )
    if "InvalidAuthToken" in causes:
        return (
            f"RAY_ADDRESS: the cluster at {address} wants a token, expected RAY_AUTH_MODE=token and the "
            "~/.ray/auth_token of its head"
        )
    if address == "local":
        return f"Ray does not start here ({first_line(error)})"
    return (
        f"RAY_ADDRESS: found no way into the cluster at {address} ({first_line(error)}), expected this machine to be "
        "among its nodes"
    )
