"""What both faces share below their formats: reading a body, and giving no answer at all."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from migrator.simulator.errors import ArmError

LARGEST_BODY = 4 * 1024 * 1024


async def read_body(request: Request) -> bytes:
    """The whole body. Raises ArmError 413 above LARGEST_BODY bytes, 400 when the request ends early."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > LARGEST_BODY:
                text = f"The request body is larger than {LARGEST_BODY} bytes."
                raise ArmError(413, "RequestContentTooLarge", text)
            chunks.append(chunk)
    except ClientDisconnect:
        raise ArmError(400, "InvalidRequestContent", "The request ended early.") from None
    return b"".join(chunks)


class Dropped(Response):
    """No answer: the connection closes with not one byte sent. (A response that begins and never goes on is closed
    by the server.)"""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"1")]})
