"""Reading a request body up to a limit: a larger one is refused before it is held in memory."""

from starlette.requests import Request

from cds_service.errors import BodyTooLarge


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, in bytes. Raises `BodyTooLarge` by the declared length or by what really comes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit)
        parts.append(part)
    return b"".join(parts)
