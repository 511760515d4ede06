"""`cds-service keygen`: a key pair for a client."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cds_service.auth.key_pairs import KeyAlgorithm, new_key_pair


def keygen(
    out: Annotated[Path, typer.Option(help="File for the private key, which must not exist yet.")],
    alg: Annotated[KeyAlgorithm, typer.Option(help="Algorithm of the tokens that the key signs.")] = "ES384",
    kid: Annotated[str, typer.Option(help="Id of the key. Default: its thumbprint.")] = "",
    toml: Annotated[bool, typer.Option("--toml", help="Print a [[client.key]] table instead of a key set.")] = False,
) -> None:
    """Make a key pair: print the public key as a JWK set, and write the private key to a file that only you can read.

    For a client that is to call this service. A file that exists is never overwritten.
    """
    pem, jwk = new_key_pair(alg, kid)
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    if toml:
        lines = (f"{name} = {msgspec.json.encode(value).decode()}" for name, value in jwk.items())
        typer.echo("\n".join(["[[client.key]]", *lines]))
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode({"keys": [jwk]}), indent=2).decode())
