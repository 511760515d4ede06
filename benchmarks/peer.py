"""The peer: HealthChain, the most similar open-source server, with an order-sign handler that returns no cards."""

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import CDSResponse

app = HealthChainAPI()
service = CDSHooksService()


@service.hook("order-sign", id="acetylcysteine-order-sign")
def order_sign(request: CDSRequest) -> CDSResponse:
    """Ignores the request, which HealthChain has already parsed and validated."""
    return CDSResponse(cards=[])


app.register_service(service)
