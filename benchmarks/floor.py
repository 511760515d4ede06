"""The floor: the least that a CDS service can do, which is to parse the whole body and return no cards."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def call(request: Request) -> Response:
    orjson.loads(await request.body())
    return Response(b'{"cards":[]}', media_type="application/json")


app = Starlette(routes=[Route("/cds-services/{service_id}", call, methods=["POST"])])
