"""New key pairs for whoever calls this service, so that a first call needs no other tool."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

KeyAlgorithm = Literal["ES384", "RS384"]
_RSA_BITS, _RSA_EXPONENT = 3072, 65537
_THUMBPRINT = ("crv", "e", "kty", "n", "x", "y")  # of RFC 7638, in the order of their names


def new_key_pair(alg: KeyAlgorithm, kid: str = "") -> tuple[bytes, dict[str, str]]:
    """The private key in PEM, not encrypted, and the public one as a JWK. Its `kid` is its thumbprint by default."""
    private: Any
    if alg == "ES384":
        private = ec.generate_private_key(ec.SECP384R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        private = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    jwk = {name: str(value) for name, value in public.items() if name in _THUMBPRINT}
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, {**jwk, "kid": kid or thumbprint(jwk), "alg": alg, "use": "sig"}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The thumbprint of a public key (RFC 7638)."""
    digest = sha256(msgspec.json.encode({name: jwk[name] for name in _THUMBPRINT if name in jwk})).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
