"""`keygen`: a key pair with which a first call is signed, and a private key that nobody else reads."""

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cds_service.auth.key_pairs import thumbprint
from cds_service.auth.keys import read_key
from tests.command import run_command
from tests.signing import ISSUER, SERVICE, Trusting, bearer, client_toml, good_claims, good_header
from tests.support import request_for, to_bytes

# The example of RFC 7638, section 3.1.
RFC_7638 = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
}


def made(folder: Path, *arguments: str) -> tuple[Any, Path]:
    out = folder / "private.pem"
    done = run_command("keygen", "--out", str(out), *arguments)
    assert done.exit_code == 0, done.output
    return done, out


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_a_token_that_the_key_signs_is_accepted(tmp_path: Path, alg: str) -> None:
    done, out = made(tmp_path, "--alg", alg, "--kid", "first", "--toml")
    (key,) = tomllib.loads(done.stdout.replace("client.key", "key"))["key"]
    service = Trusting(tmp_path, client_toml("mine", ISSUER, done.stdout))
    private: Any = load_pem_private_key(out.read_bytes(), None)
    token = jwt.encode(good_claims(), private, alg, headers=good_header(alg=alg, kid="first", jku=...))
    response = service.client.post(SERVICE, content=to_bytes(request_for("ines-allergic")), headers=bearer(token))
    assert (response.status_code, key["kid"], key["alg"]) == (200, "first", alg)


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_what_is_printed_is_a_set_of_one_public_key(tmp_path: Path, alg: str) -> None:
    done, out = made(tmp_path, "--alg", alg)
    (key,) = json.loads(done.stdout)["keys"]
    assert read_key(key).fits(alg)
    assert key["kid"] == thumbprint(key)
    assert "PRIVATE" in out.read_text()
    assert "PRIVATE" not in done.output


def test_only_its_owner_may_read_the_private_key(tmp_path: Path) -> None:
    _, out = made(tmp_path)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    _, out = made(tmp_path)
    before = out.read_bytes()
    again = run_command("keygen", "--out", str(out))
    assert (again.exit_code, out.read_bytes(), again.stdout) == (1, before, "")
    assert "File exists" in again.output


def test_the_thumbprint_is_that_of_the_specification() -> None:
    assert thumbprint(RFC_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
