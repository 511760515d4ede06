"""The peer most like this service: HealthChain, with an order-sign handler that answers that there are no cards."""

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import CDSResponse

app = HealthChainAPI()
service = CDSHooksService()


@service.hook("order-sign", id="acetylcysteine-order-sign")
def order_sign(request: CDSRequest) -> CDSResponse:
    """Does nothing with the request, which HealthChain has parsed and validated."""
    return CDSResponse(cards=[])


app.register_service(service)
