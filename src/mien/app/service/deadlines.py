"""HTTP/1.1 by uvicorn, with deadlines for slow clients. Errors before a request are JSON, too."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Further connections are answered with 503 and closed, because each takes a file descriptor.
MAX_CONNECTIONS = 800

_FEW_PIECES, _MIN_PIECE = 1000, 64  # of a body; 1 byte alone costs the event loop as much as 1,000 bytes together
_MAX_HEAD = 64 * 1024  # bytes of a request's headers


class _Connection(h11.Connection):
    """Refuses a body in many tiny pieces, with which one client could block the event loop for all others."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, _MAX_HEAD)
        self._pieces = self._bytes = 0
        self.is_chopped = False

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._pieces = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._bytes += len(event.data)
            self.is_chopped = self._pieces > _FEW_PIECES and self._bytes < _MIN_PIECE * self._pieces
            if self.is_chopped:
                raise h11.RemoteProtocolError("many small chunks")
        return event


class _LingeringTransport:
    """A transport that is closed by a function, which may wait for what the client still sends."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport, self.close = transport, close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class DeadlineProtocol(H11Protocol):
    """A connection that is closed if a request does not arrive in time, or if a response is not fetched in time.

    By itself, uvicorn waits forever for headers, and continues to read the body of a request that was refused early.
    """

    def __init__(
        self, *args: Any, seconds: float, busy: Callable[..., Any], refused: Callable[[int], None], **options: Any
    ) -> None:
        """Start; uvicorn's arguments come first.

        Args:
            seconds: how long a request may take to arrive.
            busy: the ASGI application for connections beyond MAX_CONNECTIONS.
            refused: called with the status of a response that did not come from an application.
        """
        super().__init__(*args, **options)
        self.conn: _Connection = _Connection()
        self._seconds, self._busy, self._refused = seconds, busy, refused
        self._deadline: asyncio.TimerHandle | None = None
        self._fetch_deadline: asyncio.TimerHandle | None = None
        self._is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._transport = transport
        self.transport = cast(asyncio.Transport, _LingeringTransport(transport, self._close))
        if len(self.connections) > MAX_CONNECTIONS:
            self.app = self._busy
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_deadline()
        self._stop_fetch_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take the data, and wait for the rest of the request; drop what follows the last answer."""
        if self._is_ending:
            return
        super().data_received(data)
        self._check_deadline()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that was answered before it had arrived."""
        if not self._is_ending:
            super().on_response_complete()
            self._check_deadline()

    def pause_writing(self) -> None:
        """Wait for the client to fetch its answers; by itself, uvicorn waits forever, even when it is to stop."""
        super().pause_writing()
        self._stop_fetch_deadline()
        self._fetch_deadline = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: the client has fetched them."""
        self._stop_fetch_deadline()
        super().resume_writing()

    def shutdown(self) -> None:
        """Finish the request under way; close the connection at once if its last answer is written."""
        if self._is_ending:
            self._transport.close()
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also if its client does not fetch the response."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self._seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, or whose body comes in tiny pieces."""
        if self.conn.is_chopped:
            self._refuse(400, f"request: found a body in chunks of less than {_MIN_PIECE} bytes, expected larger ones")
        else:
            self._refuse(400, f"request: {msg.rstrip('.').lower()}, expected HTTP/1.1 with headers below 64 kB")

    def _check_deadline(self) -> None:
        if self._is_ending:
            return
        state = self.conn.their_state
        is_idle = self.timeout_keep_alive_task is not None  # uvicorn closes the connection then
        if state is not h11.SEND_BODY and (state is not h11.IDLE or is_idle):
            self._stop_deadline()
        elif self._deadline is None:
            self._start_deadline()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(self._seconds, self._at_deadline)

    def _stop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _stop_fetch_deadline(self) -> None:
        if self._fetch_deadline:
            self._fetch_deadline.cancel()
            self._fetch_deadline = None

    def _at_deadline(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE and self.cycle and not self.conn.trailing_data[0]:
            self.transport.close()
        elif self.conn.their_state is h11.IDLE:
            self._refuse(408, f"request: found no whole request after {self._seconds:g} s")
        elif self.cycle.response_complete:
            self.transport.abort()
        else:  # the application, which reads the body, is about to answer
            self._start_deadline()

    def _refuse(self, status: int, message: str) -> None:
        """Answer a request without passing it to an application, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refused(status)
            body = json.dumps({"error": message}).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle:
            self.cycle.disconnected = True  # its application must not answer as well
            self.cycle.message_event.set()
        self._linger()

    def _close(self) -> None:
        """Close the connection, after the rest of a request that was answered before it had arrived."""
        if self.conn.their_state is h11.SEND_BODY and not self._transport.is_closing():
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        """Read the rest of the request, until the client closes or its time is over.

        If data is unread when a connection is closed, the system resets it, and the client may lose the answer.
        """
        self._is_ending = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self._stop_deadline()
        self._deadline = self.loop.call_later(self._seconds, self.transport.abort)
