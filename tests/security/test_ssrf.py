"""Nobody makes this service call an address that it may not: sockets on loopback count who comes, and nobody does.

The addresses come from where they could come from: `fhirServer`, `next` links, redirects, references, ids of patients,
names that resolve to something else than they seem to, proxies of the environment.
"""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from cds_service.fhir.queries import FOR_ORDERS
from cds_service.gathering.allowed_servers import find_allowed_base
from cds_service.gathering.failures import Failure
from cds_service.gathering.fetching import Limits
from cds_service.gathering.http import GuardedResolver, may_call, new_http_client
from cds_service.gathering.server import FhirServer
from cds_service.settings import Settings
from tests.loopback import Asked, Behave, Loopback, http_answer, running
from tests.support import CONTENT, Body, new_client, post, request_for

ALMA = "alma-glutamate-high"
TOKEN = "a-token-for-nobody-else"
NOTHING_ASKED = dict.fromkeys(FOR_ORDERS)


class Trap:
    """Sockets on one port of several loopback addresses. Whoever connects is counted, and never answered."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.sockets: list[socket.socket] = []
        self.port = 0
        for address in addresses:
            one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            one.bind((address, self.port))
            one.listen()
            one.setblocking(False)
            self.port = one.getsockname()[1]
            self.sockets.append(one)

    def caught(self) -> int:
        """How many connections came since the last look: they wait in the socket, so none is missed."""
        count = 0
        for one in self.sockets:
            while True:
                try:
                    connection, _ = one.accept()
                except BlockingIOError:
                    break
                connection.close()
                count += 1
        return count

    def close(self) -> None:
        """Closes the sockets."""
        for one in self.sockets:
            one.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    """A trap on 127.0.0.1, on another address of loopback, and on ::1."""
    one = Trap(["127.0.0.1", "127.0.0.2", "::1"])
    yield one
    assert one.caught() == 0, "the service connected to an address that it may not call"
    one.close()


@pytest.fixture
def own() -> Iterator[Loopback]:
    """The FHIR server that may be called."""

    async def behave(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(b'{"resourceType":"Bundle","type":"searchset"}'))

    with running(Loopback(behave)) as server:
        yield server


def complete(
    fhir_server: str, listed: Sequence[str] | None, prefetch: Any = (), client: httpx.AsyncClient | None = None
) -> dict[str, Any]:
    """What comes of a call that names this server: nothing, where it may not be called."""

    async def scene() -> dict[str, Any]:
        base = find_allowed_base(fhir_server, listed)
        if base is None:
            return {}
        async with client or new_http_client() as http:
            server = FhirServer(http, base, TOKEN, CONTENT.vocabulary.code_lists, Limits(deadline=5, timeout=5))
            return await server.complete_prefetch(dict(prefetch), ALMA, "R4")

    return asyncio.run(scene())


def posted(body: Body, **settings: Any) -> httpx.Response:
    """The answer of the whole service."""
    with new_client(Settings(**settings)) as client:
        return post(client, body)


def test_the_trap_catches(trap: Trap) -> None:
    """Otherwise all of this would prove nothing."""
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        socket.create_connection((host, trap.port)).close()
    assert trap.caught() == 3


def test_the_server_that_may_be_called_is_called(trap: Trap, own: Loopback) -> None:
    answers = complete(own.base, [own.base])
    assert len(own.asked) == len(FOR_ORDERS)
    assert not any(isinstance(answer, Failure) for answer in answers.values())


# ---------------------------------------------------------------- fhirServer

# {trap}: the port that counts; {own}: the port of the one server that is listed, at http://127.0.0.1:{own}/fhir
SERVERS = {
    "another port": "http://127.0.0.1:{trap}/fhir",
    "another port by name": "http://localhost:{trap}/fhir",
    "another address of loopback": "http://127.0.0.2:{trap}/fhir",
    "another scheme": "https://127.0.0.1:{own}/fhir",
    "IPv6 loopback": "http://[::1]:{trap}/fhir",
    "IPv6 loopback, long": "http://[0:0:0:0:0:0:0:1]:{trap}/fhir",
    "IPv4 in IPv6": "http://[::ffff:127.0.0.1]:{trap}/fhir",
    "IPv4 in IPv6, hexadecimal": "http://[::ffff:7f00:1]:{trap}/fhir",
    "IPv6 with a zone": "http://[::1%25lo]:{trap}/fhir",
    "decimal": "http://2130706433:{trap}/fhir",
    "hexadecimal": "http://0x7f000001:{trap}/fhir",
    "hexadecimal in parts": "http://0x7f.0x0.0x0.0x1:{trap}/fhir",
    "octal": "http://0177.0.0.1:{trap}/fhir",
    "octal in full": "http://017700000001:{trap}/fhir",
    "short": "http://127.1:{trap}/fhir",
    "shorter": "http://0:{trap}/fhir",
    "any address": "http://0.0.0.0:{trap}/fhir",
    "any address, IPv6": "http://[::]:{trap}/fhir",
    "a dot at the end": "http://127.0.0.1.:{trap}/fhir",
    "localhost with a dot": "http://localhost.:{trap}/fhir",
    "below localhost": "http://fhir.localhost:{trap}/fhir",
    "full width digits": "http://１２７.０.０.１:{trap}/fhir",
    "ideographic dots": "http://127。0。0。1:{trap}/fhir",
    "circled digits": "http://①②⑦.⓪.⓪.①:{trap}/fhir",
    "percent": "http://%31%32%37.0.0.1:{trap}/fhir",
    "the listed one as user": "http://127.0.0.1:{own}@127.0.0.1:{trap}/fhir",
    "the listed one as user, with its path": "http://127.0.0.1:{own}/fhir@127.0.0.1:{trap}/",
    "the listed one as a name before a user": "http://user:secret@127.0.0.1:{own}/fhir",
    "the listed one in the fragment": "http://127.0.0.1:{trap}/fhir#http://127.0.0.1:{own}/fhir",
    "the listed one in the query": "http://127.0.0.1:{trap}/fhir?http://127.0.0.1:{own}/fhir",
    "a fragment before the host": "http://127.0.0.1:{trap}#@127.0.0.1:{own}/fhir",
    "a backslash before the host": "http://127.0.0.1:{trap}\\@127.0.0.1:{own}/fhir",
    "a backslash after the host": "http://127.0.0.1:{trap}\\.127.0.0.1:{own}/fhir",
    "a tab in the host": "http://127.0.0.1:\t{trap}/fhir",
    "a line break and another host": "http://127.0.0.1:{own}/fhir\r\nHost: 127.0.0.1:{trap}\r\n\r\n",
    "a space and another host": "http://127.0.0.1:{own} 127.0.0.1:{trap}/fhir",
    "three slashes": "http:///127.0.0.1:{trap}/fhir",
    "one slash": "http:/127.0.0.1:{trap}/fhir",
    "no scheme": "//127.0.0.1:{trap}/fhir",
    "gopher": "gopher://127.0.0.1:{trap}/_GET",
    "ftp": "ftp://127.0.0.1:{trap}/fhir",
    "web socket": "ws://127.0.0.1:{trap}/fhir",
    "a listed address in front": "http://127.0.0.1:{own}/fhir,http://127.0.0.1:{trap}/fhir",
}
BESIDE_THE_BASE = {
    "up": "/fhir/..",
    "up and away": "/fhir/../admin",
    "up, encoded": "/fhir/%2e%2e/admin",
    "up, half encoded": "/fhir/.%2e/admin",
    "up, encoded twice": "/fhir/%252e%252e/admin",
    "up by an encoded slash": "/fhir/..%2fadmin",
    "up by a backslash": "/fhir/..\\admin",
    "up with a parameter": "/fhir/..;/admin",
    "a name that begins like it": "/fhir-admin",
    "in capitals": "/FHIR/admin",
    "above": "/",
    "two slashes": "//fhir",
    "two slashes inside": "/fhir//admin",
    "a step that stays": "/./fhir",
    "a null": "/fhir/\x00/admin",
    "a query": "/fhir?_format=json&x=",
    "a fragment": "/fhir#/admin",
}


def test_the_tables_are_as_long_as_they_are_meant_to_be() -> None:
    assert len(SERVERS) + len(BESIDE_THE_BASE) + len(NEXT_LINKS) >= 60


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_server_that_is_not_the_listed_one_is_not_called(trap: Trap, own: Loopback, server: str) -> None:
    assert complete(server.format(trap=trap.port, own=own.port), [own.base]) == {}
    assert (own.connections, trap.caught()) == (0, 0)


@pytest.mark.parametrize("path", BESIDE_THE_BASE.values(), ids=BESIDE_THE_BASE)
def test_nothing_beside_the_base_of_the_listed_server_is_called(own: Loopback, path: str) -> None:
    assert complete(f"http://127.0.0.1:{own.port}{path}", [own.base]) == {}
    assert own.connections == 0


DISGUISED = [name for name, url in SERVERS.items() if find_allowed_base(url.format(trap=1, own=2), None) is None]


@pytest.mark.parametrize("name", DISGUISED)
def test_without_a_list_no_disguise_of_loopback_is_called_by_the_whole_service(
    trap: Trap, own: Loopback, name: str
) -> None:
    body = {**request_for(ALMA, prefetch={}), "fhirServer": SERVERS[name].format(trap=trap.port, own=own.port)}
    assert posted(body).status_code == 412
    assert (own.connections, trap.caught()) == (0, 0)


def test_most_of_the_table_is_disguise() -> None:
    assert len(DISGUISED) >= 30


def test_where_loopback_is_forbidden_by_the_setting_not_even_a_plain_address_is_called(own: Loopback) -> None:
    body = {**request_for(ALMA, prefetch={}), "fhirServer": own.base}
    assert posted(body, fhir_loopback=False).status_code == 412
    assert own.connections == 0


def test_for_an_order_for_something_else_no_server_is_called_at_all(own: Loopback) -> None:
    body = {**request_for(ALMA, "amoxicillin", prefetch={}), "fhirServer": own.base}
    assert posted(body).json() == {"cards": []}
    assert own.connections == 0


# ---------------------------------------------------------------- links, redirects, references, ids

NEXT_LINKS = {
    **{f"server: {name}": url for name, url in SERVERS.items()},
    **{
        f"beside: {name}": f"http://127.0.0.1:{{own}}{path}"
        for name, path in BESIDE_THE_BASE.items()
        if name != "a query"
    },
    "relative, another host": "//127.0.0.1:{trap}/fhir?page=2",
    "relative, up": "../admin?page=2",
    "relative, root": "/admin?page=2",
    "relative, far up": "a/b/../../../admin?page=2",
    "a line break in the query": "http://127.0.0.1:{own}/fhir?page=2\r\nHost: 127.0.0.1:{trap}",
    "a space in the query": "http://127.0.0.1:{own}/fhir?page=2 HTTP/1.1",
    "a fragment after the query": "http://127.0.0.1:{own}/fhir?page=2#@127.0.0.1:{trap}",
    "a script": "javascript:fetch('http://127.0.0.1:{trap}')",
    "a file": "file:///etc/passwd",
    "data": "data:application/json,{{}}",
    "nothing": "",
}


def paged(link: str) -> dict[str, Any]:
    """A prefetched page with a link to the next."""
    page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": link}], "entry": []}
    return {**NOTHING_ASKED, "problemList": page}


@pytest.mark.parametrize("link", NEXT_LINKS.values(), ids=NEXT_LINKS)
def test_a_next_link_that_leads_elsewhere_is_not_followed(trap: Trap, own: Loopback, link: str) -> None:
    prefetch = paged(link.format(trap=trap.port, own=own.port))
    outside = [one for one in _targets(own, prefetch) if not one.startswith(("/fhir/", "/fhir?")) and one != "/fhir"]
    assert outside == []
    assert trap.caught() == 0
    assert own.tokens <= {f"Bearer {TOKEN}"}


def _targets(own: Loopback, prefetch: Any) -> list[str]:
    complete(own.base, [own.base], prefetch)
    return [one.target for one in own.asked]


def test_a_next_link_below_the_base_is_followed(own: Loopback) -> None:
    assert _targets(own, paged(f"{own.base}/Condition?page=2")) == ["/fhir/Condition?page=2"]
    assert _targets(own, paged("Condition?page=3"))[1:] == ["/fhir/Condition?page=3"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://127.0.0.1:{trap}/fhir", "//127.0.0.1:{trap}/fhir", "http://[::1]:{trap}/"])
def test_a_redirect_is_not_followed(trap: Trap, status: int, where: str) -> None:
    location = where.format(trap=trap.port)

    async def redirect(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(b"{}", status, Location=location, Refresh=f"0; url={location}"))

    with running(Loopback(redirect)) as server:
        answers = complete(server.base, [server.base])
    assert all(
        answer == Failure(f"the FHIR server answered with status {status}", "status", status)
        for answer in answers.values()
    )
    assert (len(server.asked), trap.caught()) == (len(FOR_ORDERS), 0)


REFERENCES = [
    "http://127.0.0.1:{trap}/fhir/Medication/1",
    "//127.0.0.1:{trap}/Medication/1",
    "http://127.0.0.1:{own}@127.0.0.1:{trap}/fhir/Medication/1",
    "http://127.0.0.1:{own}/fhir/../Medication/1",
    "../Medication/1",
    "/Medication/1",
    "Medication/..",
    "Medication/.",
    "http://127.0.0.1:{own}/fhir/Medication/1?x=http://127.0.0.1:{trap}",
    "http://127.0.0.1:{own}/fhir/Medication/1/../../Patient/other",
    "Patient/other",
    "Patient/other?/Medication/1",
    "Medication/1\r\nX-More: 1",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_a_medication_leads_nowhere_else(trap: Trap, own: Loopback, reference: str) -> None:
    order = {
        "resourceType": "MedicationRequest",
        "id": "one",
        "medicationReference": {"reference": reference.format(trap=trap.port, own=own.port)},
    }
    body = request_for(ALMA)
    body["context"]["draftOrders"]["entry"] = [{"resource": order}]
    posted({**body, "fhirServer": own.base}, fhir_deadline_ms=5000)
    assert [one.target for one in own.asked] == []
    assert trap.caught() == 0


@pytest.mark.parametrize(
    "patient", ["..", ".", "a?b", "a#b", "a%2fb", "a b", "a\\b", "a&patient=b", "a\r\nb", "x" * 65]
)
def test_an_id_of_a_patient_that_is_none_is_not_asked_for(own: Loopback, patient: str) -> None:
    """Nothing is prefetched and nothing can be asked for: the data are missing. The order names nobody: it is ours."""
    body = request_for(ALMA, prefetch={})
    body["context"]["patientId"] = patient
    del body["context"]["draftOrders"]["entry"][0]["resource"]["subject"]
    answered = posted({**body, "fhirServer": own.base})
    assert answered.status_code == 412
    assert "the id of the patient is not one that a FHIR server can have" in answered.text
    assert own.connections == 0


# ---------------------------------------------------------------- names

FORBIDDEN = {
    "loopback": ["127.0.0.1"],
    "another loopback": ["127.9.9.9"],
    "loopback, IPv6": ["::1"],
    "loopback in IPv6": ["::ffff:127.0.0.1"],
    "any address": ["0.0.0.0"],
    "any address, IPv6": ["::"],
    "link-local, with the credentials of clouds": ["169.254.169.254"],
    "link-local, IPv6": ["fe80::1"],
    "link-local with a zone": ["fe80::1%eth0"],
    "link-local in IPv6": ["::ffff:169.254.169.254"],
    "credentials of a cloud": ["100.100.100.200"],
    "credentials of a cloud, IPv6": ["fd00:ec2::254"],
    "the host of a cloud": ["168.63.129.16"],
    "multicast": ["224.0.0.1"],
    "multicast, IPv6": ["ff02::1"],
    "broadcast": ["255.255.255.255"],
    "loopback by 6to4": ["2002:7f00:1::"],
    "loopback by NAT64": ["64:ff9b::7f00:1"],
    "loopback, IPv4-compatible": ["::127.0.0.1"],
    "loopback by Teredo": ["2001:0:7f00:1::1"],
    "a good address and loopback": ["192.0.2.1", "127.0.0.1"],
    "loopback after a good address of each kind": ["192.0.2.1", "2001:db8::1", "::1"],
    "no address": [],
}


class Names:
    """Resolves every name to the same addresses, and counts who asks."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses, self.asked = addresses, list[str]()

    async def resolve(self, name: str, _port: int) -> list[str]:
        """The addresses."""
        self.asked.append(name)
        return self.addresses


@pytest.mark.parametrize("addresses", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_listed_name_that_leads_to_a_forbidden_address_is_not_called(trap: Trap, addresses: list[str]) -> None:
    base, names = f"http://ehr.example.org:{trap.port}/fhir", Names(addresses)
    answers = complete(base, [base], client=new_http_client(resolve=names.resolve))
    assert {answer.reason for answer in answers.values()} == {"the FHIR server could not be reached"}
    assert trap.caught() == 0
    assert {*names.asked} == {"ehr.example.org"}


@pytest.mark.parametrize("address", [address for addresses in FORBIDDEN.values() for address in addresses])
def test_the_address_is_looked_at_where_the_connection_is_opened_too(trap: Trap, address: str) -> None:
    """As if the resolver had let it through: a listed literal address never goes through one."""
    base = f"http://{f'[{address}]' if ':' in address else address}:{trap.port}/fhir"
    names = Names([])
    answers = complete(base, [base], client=new_http_client(resolve=names.resolve, may_call=lambda host, _: False))
    assert {answer.reason for answer in answers.values()} <= {"the FHIR server could not be reached"}
    assert (trap.caught(), names.asked) == (0, [])


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.7", "172.16.0.1", "192.0.2.1", "fd12::1", "2001:db8::1"])
def test_a_listed_name_may_lead_to_a_private_address(address: str) -> None:
    """That is where a hospital's FHIR server is, and somebody has listed its name."""
    resolver = GuardedResolver(Names([address]).resolve, may_call)
    assert [found["host"] for found in asyncio.run(resolver.resolve("ehr.example.org", 443))] == [address]


def test_a_listed_name_is_called_at_the_very_address_that_was_looked_at(own: Loopback) -> None:
    """The name leads elsewhere each time that it is resolved; what was looked at last is where the token goes."""
    looked_at, names = list[tuple[str, str]](), Names(["127.0.0.1"])

    def look(host: str, address: str) -> bool:
        looked_at.append((host, address))
        names.addresses = ["127.0.0.2"]  # from now on
        return True

    base = f"http://ehr.example.org:{own.port}/fhir"
    complete(base, [base], client=new_http_client(resolve=names.resolve, may_call=look))
    assert {*looked_at} == {("ehr.example.org", "127.0.0.1")}
    assert len(own.asked) == len(FOR_ORDERS)
    assert {asked.headers["host"] for asked in own.asked} == {f"ehr.example.org:{own.port}"}


def test_a_name_that_is_not_listed_is_not_even_resolved() -> None:
    names = Names(["192.0.2.1"])
    client = new_http_client(resolve=names.resolve)
    assert complete("http://evil.example/fhir", ["http://ehr.example.org/fhir"], client=client) == {}
    assert names.asked == []


# ---------------------------------------------------------------- the client itself


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used(
    trap: Trap, own: Loopback, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    complete(own.base, [own.base])
    assert (len(own.asked), trap.caught()) == (len(FOR_ORDERS), 0)


def test_a_cookie_of_one_answer_is_not_sent_with_the_next_call() -> None:
    behave: Behave = _with_cookie

    async def scene(server: Loopback) -> None:
        async with new_http_client() as http:
            for _ in range(2):
                base = find_allowed_base(server.base, [server.base])
                assert base is not None
                fhir = FhirServer(http, base, TOKEN, CONTENT.vocabulary.code_lists, Limits(deadline=5, timeout=5))
                await fhir.complete_prefetch({}, ALMA, "R4")

    with running(Loopback(behave)) as server:
        asyncio.run(scene(server))
    assert len(server.asked) == 2 * len(FOR_ORDERS)
    assert [one for one in server.asked if "cookie" in one.headers] == []


async def _with_cookie(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(http_answer(json.dumps({"resourceType": "Bundle"}).encode(), Set_Cookie="session=of-alma; Path=/"))
