"""Which FHIR servers may be called: one on this machine's loopback, spelt plainly, and no other."""

import pytest

from cds_service.gathering.allowed_servers import find_allowed_base, parse_base_url

ALLOWED = {
    "localhost": "http://localhost",
    "localhost with port and path": "http://localhost:8080/fhir",
    "localhost over TLS": "https://localhost/fhir/R4",
    "localhost in capitals": "HTTP://LOCALHOST:8080/fhir",
    "IPv4": "http://127.0.0.1/fhir",
    "IPv4 with port": "https://127.0.0.1:8443",
    "IPv4, another loopback address": "http://127.8.9.10/fhir",
    "IPv6": "http://[::1]/fhir",
    "IPv6 with port": "http://[::1]:8080/fhir",
    "space around it": "  http://localhost/fhir ",
    "a slash at the end": "http://localhost/fhir/",
}
REFUSED = {
    "empty": "",
    "blank": "   ",
    "another host": "https://ehr.example.org/fhir",
    "localhost as a part of a name": "http://localhost.evil.example/fhir",
    "localhost at the end of a name": "http://evil.example.localhost.example",
    "a subdomain of localhost": "http://evil.localhost/fhir",
    "a name that begins so": "http://localhostevil/fhir",
    "a name that begins with the address": "http://127.0.0.1.evil.example/fhir",
    "localhost with a dot": "http://localhost./fhir",
    "user": "http://user@localhost/fhir",
    "user and password": "http://user:secret@127.0.0.1/fhir",
    "empty user": "http://@localhost/fhir",
    "localhost as the user": "http://localhost@evil.example/fhir",
    "localhost as user and password": "http://localhost:80@evil.example/fhir",
    "backslash": "http://evil.example\\@localhost/fhir",
    "backslash after the host": "http://localhost\\.evil.example/fhir",
    "decimal": "http://2130706433/fhir",
    "hexadecimal": "http://0x7f000001/fhir",
    "hexadecimal by parts": "http://0x7f.0.0.1/fhir",
    "octal": "http://0177.0.0.1/fhir",
    "short": "http://127.1/fhir",
    "leading zeros": "http://127.000.000.001/fhir",
    "percent": "http://%6c%6f%63alhost/fhir",
    "full width letters": "http://ｌｏｃａｌｈｏｓｔ/fhir",
    "full width digits": "http://１２７.0.0.1/fhir",
    "any address": "http://0.0.0.0/fhir",
    "any address, IPv6": "http://[::]/fhir",
    "link-local, where clouds keep credentials": "http://169.254.169.254/latest/meta-data",
    "link-local, IPv6": "http://[fe80::1]/fhir",
    "private": "http://10.0.0.1/fhir",
    "private, 192.168": "http://192.168.0.1/fhir",
    "IPv4 within IPv6": "http://[::ffff:127.0.0.1]/fhir",
    "IPv4 within IPv6, link-local": "http://[::ffff:169.254.169.254]/fhir",
    "IPv6 with a zone": "http://[::1%25lo]/fhir",
    "IPv6 not closed": "http://[::1/fhir",
    "IPv6 without brackets": "http://::1/fhir",
    "ftp": "ftp://localhost/fhir",
    "file": "file:///etc/passwd",
    "file on localhost": "file://localhost/etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/",
    "javascript": "javascript://localhost/%0aalert(1)",
    "no scheme": "localhost:8080/fhir",
    "no scheme but slashes": "//localhost/fhir",
    "a path only": "/fhir",
    "no slashes": "http:localhost/fhir",
    "no host": "http:///localhost/fhir",
    "a scheme only": "http://",
    "port beyond 65535": "http://localhost:65536/fhir",
    "port in words": "http://localhost:http/fhir",
    "port negative": "http://localhost:-80/fhir",
    "two ports": "http://localhost:80:80/fhir",
    "port in full width digits": "http://localhost:８０/fhir",
    "query": "http://localhost/fhir?next=http://evil.example",
    "fragment": "http://localhost/fhir#@evil.example",
    "fragment before the host": "http://evil.example#@localhost/fhir",
    "query before the host": "http://evil.example?@localhost/fhir",
    "space in the host": "http://local host/fhir",
    "space after the host": "http://localhost /fhir",
    "line break in the host": "http://local\nhost/fhir",
    "tab in the scheme": "ht\ttp://localhost/fhir",
    "line break before a header": "http://localhost/fhir\r\nX-Evil: 1",
    "null character": "http://localhost\x00.evil.example/fhir",
}


@pytest.mark.parametrize("url", ALLOWED.values(), ids=ALLOWED)
def test_a_server_on_loopback_may_be_called(url: str) -> None:
    assert find_allowed_base(url, None) is not None


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_any_other_server_and_any_other_spelling_may_not_be_called(url: str) -> None:
    assert find_allowed_base(url, None) is None


@pytest.mark.parametrize("url", [*ALLOWED.values(), *REFUSED.values()], ids=[*ALLOWED, *REFUSED])
def test_none_may_be_called_where_the_setting_forbids_loopback(url: str) -> None:
    assert find_allowed_base(url, ()) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1]x:9361/",
        "http://x[::1]:9361/",
        "http://[::1]x/",
        "http://[::1][::1]/",
        "https://a[::1]/",
        "http://[]/",
    ],
)
def test_an_address_in_brackets_has_nothing_beside_it_but_a_port(url: str) -> None:
    assert parse_base_url(url) is None
    assert parse_base_url("http://[::1]:9361/fhir") is not None
