"""The socket that a server listens on. It is opened before anything is loaded, so that early requests wait."""

import ipaddress
import socket

from mien._io.errors import InputError

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: the address to listen on.
        port: 0 for any free one.

    Raises:
        InputError: the address cannot be listened on.
    """
    if port not in range(2**16):  # getaddrinfo would wrap around
        raise InputError(f"--port: found {port}, expected 0..{2**16 - 1}")
    try:
        # asyncio sets TCP_NODELAY only if the protocol is named; without it, each frame waits 40 ms
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = addresses[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        raise InputError(
            f"--host {host} --port {port}: cannot be listened on ({error}), expected an address of this machine and a "
            "free port; --port 0 takes any that is free"
        ) from None
    return listening


def is_loopback(host: str) -> bool:
    """Tell whether only programs on this machine can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local_name(host: str) -> bool:
    """Tell whether a Host header names this machine. Other names could be made to point here (DNS rebinding)."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in _LOCAL_NAMES


def url(host: str, listening: socket.socket) -> str:
    """Return the address that users open."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
