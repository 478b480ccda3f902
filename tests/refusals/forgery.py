"""Tokens that must not count: every way we know to make one.

Owns the making. The worst adversary here holds a real signing key (`signed`), so that each claim's check is seen
to work on its own, and not only because the signature fails first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Json = Mapping[str, Any]


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """And back."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims, signature."""
    header, payload, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload)), unb64(signature)


def unsigned(header: Json, claims: Json) -> str:
    """The signing input."""
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


_PADDINGS: dict[str, Any] = {
    "RS256": (padding.PKCS1v15(), hashes.SHA256()),
    "RS384": (padding.PKCS1v15(), hashes.SHA384()),
    "RS512": (padding.PKCS1v15(), hashes.SHA512()),
    "PS256": (padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
}


def rsa_signed(header: Json, claims: Json, key: rsa.RSAPrivateKey, algorithm: str = "") -> str:
    """A token signed with an RSA key, by the algorithm that the header names unless told otherwise."""
    text = unsigned(header, claims)
    scheme = _PADDINGS[algorithm or header["alg"]]
    return f"{text}.{b64(key.sign(text.encode(), *scheme))}"


def hmac_signed(header: Json, claims: Json, secret: bytes) -> str:
    """A token signed with HS256."""
    text = unsigned(header, claims)
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


@dataclass(frozen=True)
class Forger:
    """Makes bad tokens from a good one. `key` is the real signing key, `tokens` are good ones for other audiences."""

    good: str
    key: rsa.RSAPrivateKey
    jwk: Mapping[str, str]
    now: int
    issuer: str
    foreign: str
    tokens: Mapping[str, str]

    ATTACKER: ClassVar[rsa.RSAPrivateKey] = rsa.generate_private_key(65537, 2048)

    def all(self) -> dict[str, str]:
        """By what is wrong with it, the token."""
        found: dict[str, str] = {}
        for family in (self.form, self.algorithms, self.keys, self.claims, self.tampering):
            for name, token in family().items():
                assert name not in found, name
                assert token.strip() != self.good, name
                found[name] = token
        return found

    def signed(self, **changed: object) -> str:
        """A token with these claims changed (None: left out), really signed by the authority's key."""
        header, claims, _signature = parts_of(self.good)
        return rsa_signed(header, {k: v for k, v in (claims | changed).items() if v is not None}, self.key)

    def form(self) -> dict[str, str]:
        """What is no token at all."""
        header, payload, signature = self.good.split(".")
        return {
            "a word": "token",
            "dots": "..",
            "two parts": f"{header}.{payload}",
            "four parts": f"{self.good}.{signature}",
            "five parts": f"{header}.{payload}.{signature}.{payload}.{signature}",
            "leading dot": f".{self.good}",
            "trailing dot": f"{self.good}.",
            "padded": ".".join(part + "=" * (-len(part) % 4) for part in self.good.split(".")) + "=",
            "quoted": f'"{self.good}"',
            "with a blank inside": f"{header}. {payload}.{signature}",
            "two tokens": f"{self.good}, {self.good}",
            "two bearers": f"{self.good}, Bearer {self.good}",
            "upper case": self.good.upper(),
            "too long": self.good + "A" * 17_000,
            "long header": f"{b64(json.dumps({'alg': 'RS256', 'x': 'y' * 2000}).encode())}.{payload}.{signature}",
            "header is a list": f"{b64(b'[]')}.{payload}.{signature}",
            "header is deep": f"{b64(b'[' * 700)}.{payload}.{signature}",
            "header is not UTF-8": f"{b64(bytes([255, 254]))}.{payload}.{signature}",
            "header without alg": f"{b64(b'{}')}.{payload}.{signature}",
            "standard base64": base64.b64encode(b'{"alg":"RS256"}??>>').decode() + f".{payload}.{signature}",
        }

    def algorithms(self) -> dict[str, str]:
        """Algorithms other than the one."""
        header, claims, signature = parts_of(self.good)
        public = self.key.public_key()
        spki, pkcs1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
        pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
        secrets = {
            "PEM": public.public_bytes(pem, spki),
            "PEM without its end of line": public.public_bytes(pem, spki).strip(),
            "PEM, PKCS#1": public.public_bytes(pem, pkcs1),
            "DER": public.public_bytes(der, spki),
            "DER, PKCS#1": public.public_bytes(der, pkcs1),
            "JWK n": self.jwk["n"].encode(),
            "JWK n, decoded": unb64(self.jwk["n"]),
            "JWK": json.dumps(dict(self.jwk)).encode(),
            "kid": self.jwk["kid"].encode(),
            "empty": b"",
        }
        found = {
            f"HS256 with {name}": hmac_signed({**header, "alg": "HS256"}, claims, s) for name, s in secrets.items()
        }
        for none in ("none", "None", "NONE", "nOnE", ""):
            text = unsigned({**header, "alg": none}, claims)
            found[f"alg {none!r}"] = f"{text}."
            found[f"alg {none!r}, signature kept"] = f"{text}.{b64(signature)}"
        found["alg null"] = f"{unsigned({**header, 'alg': None}, claims)}.{b64(signature)}"
        found["alg as a list"] = f"{unsigned({**header, 'alg': ['RS256']}, claims)}.{b64(signature)}"
        for other in ("RS384", "RS512", "PS256"):
            found[f"{other} with the real key"] = rsa_signed({**header, "alg": other}, claims, self.key)
        found["rs256 in lower case"] = rsa_signed({**header, "alg": "rs256"}, claims, self.key, "RS256")
        found["says RS256, is PS256"] = rsa_signed(header, claims, self.key, "PS256")
        return found

    def keys(self) -> dict[str, str]:
        """Keys that the token brings along or points at, and keys that are not there."""
        header, claims, _signature = parts_of(self.good)
        numbers = self.ATTACKER.public_key().public_numbers()
        own = {
            "kty": "RSA",
            "e": "AQAB",
            "n": b64(numbers.n.to_bytes(256, "big")),
            "kid": header["kid"],
            "alg": "RS256",
        }
        tricks: dict[str, Json] = {
            "its own jwk": {"jwk": own},
            "its own jwk and no kid": {"jwk": own, "kid": ""},
            "jku": {"jku": "https://127.0.0.1:1/keys"},
            "x5u": {"x5u": "https://127.0.0.1:1/cert"},
            "x5c": {"x5c": [base64.b64encode(b"certificate").decode()]},
            "another kid": {"kid": b64(b"k" * 32)},
            "kid as a path": {"kid": "../../../../dev/null"},
            "kid as SQL": {"kid": "' OR 1=1 --"},
            "kid as a list": {"kid": [header["kid"]]},
            "kid as null": {"kid": None},
            "the real kid": {},
        }
        found = {
            f"attacker's key, {name}": rsa_signed({**header, **t}, claims, self.ATTACKER) for name, t in tricks.items()
        }
        found["real key, unknown kid"] = rsa_signed({**header, "kid": b64(b"k" * 32)}, claims, self.key)
        found["real key, kid in upper case"] = rsa_signed({**header, "kid": header["kid"].upper()}, claims, self.key)
        found["real key, no kid"] = rsa_signed({k: v for k, v in header.items() if k != "kid"}, claims, self.key)
        found["real key, crit"] = rsa_signed({**header, "crit": ["exp"]}, claims, self.key)
        found["real key, b64 false"] = rsa_signed({**header, "b64": False, "crit": ["b64"]}, claims, self.key)
        # RSA has no room for it, but a check that compares too little would let these through
        found["signature of nothing but zeros"] = f"{unsigned(header, claims)}.{b64(bytes(256))}"
        found["signature of one"] = f"{unsigned(header, claims)}.{b64(bytes(255) + bytes([1]))}"
        return found

    def claims(self) -> dict[str, str]:
        """Claims that are wrong, under a signature that is right."""
        guid = str(uuid4())
        client = parts_of(self.good)[1]["appid"]
        wrong: dict[str, Json] = {
            "another issuer": {"iss": "https://sts.windows.net/" + guid},
            "issuer with a slash": {"iss": self.issuer + "/"},
            "issuer in upper case": {"iss": self.issuer.upper()},
            "issuer as a list": {"iss": [self.issuer]},
            "no issuer": {"iss": None},
            "another tenant": {"tid": guid},
            "no tenant": {"tid": None},
            "expired a second ago": {"exp": self.now - 1},
            "expires now": {"exp": self.now},
            "expired in 1970": {"exp": 0},
            "expires before 1970": {"exp": -(2**63)},
            "no expiry": {"exp": None},
            "expiry as text": {"exp": str(self.now + 999)},
            "expiry as a list": {"exp": [self.now + 999]},
            "not yet valid": {"nbf": self.now + 2},
            "valid in the far future": {"nbf": 2**60, "exp": 2**61},
            "no beginning": {"nbf": None},
            "beginning as text": {"nbf": str(self.now)},
            "no principal": {"oid": None},
            "an unknown principal": {"oid": guid},
            "an empty principal": {"oid": ""},
            "principal as a list": {"oid": [guid]},
            "the client ID as principal": {"oid": client},
        }
        audiences: dict[str, object] = {
            "the issuer": self.issuer,
            "the token endpoint": self.issuer + "/oauth2/v2.0/token",
            "a GUID": guid,
            "nothing": "",
            "none": None,
            "a list of all": ["https://vault.azure.net", "https://storage.azure.com", "https://management.azure.com"],
            "old graph": "https://graph.windows.net",
            "SQL": "https://database.windows.net/",
            "plain http": "http://vault.azure.net",
            "no scheme": "vault.azure.net",
            "longer names": "https://vault.azure.net.example.org",
            "a name before": "https://notvault.azure.net",
            "user info": "https://example.org@vault.azure.net",
            "a path": "https://vault.azure.net/x",
            "a query": "https://vault.azure.net?x",
            "an end of line": "https://vault.azure.net\n",
            "blanks": " https://vault.azure.net ",
            "any": "*",
        }
        found = {name: self.signed(**change) for name, change in wrong.items()}
        found |= {f"audience: {name}": self._for(value) for name, value in audiences.items()}
        return found | {f"real token for {name}": token for name, token in self.tokens.items()} | {
            "another instance's token": self.foreign,
            "claims are a list": self._raw(b"[]"),
            "claims are not JSON": self._raw(b"oid"),
            "claims are empty": self._raw(b"{}"),
            "claims are not UTF-8": self._raw(b'{"oid":"\xff"}'),
        }  # fmt: skip

    def _for(self, audience: object) -> str:
        return self.signed(aud=audience)

    def _raw(self, payload: bytes) -> str:
        text = f"{self.good.split('.')[0]}.{b64(payload)}"
        return f"{text}.{b64(self.key.sign(text.encode(), *_PADDINGS['RS256']))}"

    def tampering(self) -> dict[str, str]:
        """The good token, changed a little: at the first, a middle and the last place of each part."""
        header, claims, signature = parts_of(self.good)
        texts = self.good.split(".")
        found: dict[str, str] = {}
        for index, part in enumerate(("header", "payload", "signature")):
            text = texts[index]
            for place, at in {"first": 0, "middle": len(text) // 2, "last": len(text) - 1}.items():
                found[f"{part}: {place} character changed"] = self._with(
                    index, text[:at] + _other(text[at]) + text[at + 1 :]
                )
                found[f"{part}: {place} character left out"] = self._with(index, text[:at] + text[at + 1 :])
                found[f"{part}: a character before the {place} one"] = self._with(index, text[:at] + "A" + text[at:])
            found[f"{part}: empty"] = self._with(index, "")
            found[f"{part}: half"] = self._with(index, text[: len(text) // 2])
            found[f"{part}: a character after the end"] = self._with(index, text + "A")
        found["signature: spare bits set"] = self._with(2, texts[2][:-1] + _spare_bits(texts[2][-1]))
        found["signature: reversed"] = self._with(2, b64(signature[::-1]))
        found["signature: longer"] = self._with(2, b64(b"\x00" + signature))
        found["signature: shorter"] = self._with(2, b64(signature[1:]))
        other = b64(json.dumps(claims | {"exp": claims["exp"] + 1}).encode())
        found["payload: lives longer"] = self._with(1, other)
        found["payload: written otherwise"] = self._with(1, b64(json.dumps(claims, indent=1).encode()))
        found["header: written otherwise"] = self._with(0, b64(json.dumps(header, indent=1).encode()))
        found["payload: of the other instance"] = self._with(1, self.foreign.split(".")[1])
        found["signature: of the other instance"] = self._with(2, self.foreign.split(".")[2])
        return found

    def _with(self, index: int, text: str) -> str:
        texts = self.good.split(".")
        texts[index] = text
        return ".".join(texts)


def _other(character: str) -> str:
    return "A" if character != "A" else "B"


def _spare_bits(last: str) -> str:
    """The last character of a signature of 256 bytes carries two bits only; this one says the same and more."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(last) ^ 1]


Credential = Callable[[str], str | bytes | None]

#: Authorization headers that hold no bearer token, whatever the token is.
NOT_BEARER: dict[str, Credential] = {
    "no header": lambda _token: None,
    "an empty header": lambda _token: "",
    "a scheme alone": lambda _token: "Bearer",
    "a scheme and blanks": lambda _token: "Bearer   ",
    "the token alone": lambda token: token,
    "Basic": lambda token: "Basic " + base64.b64encode(f"user:{token}".encode()).decode(),
    "SharedKey": lambda _token: "SharedKey acca:c2lnbmF0dXJl",
    "Negotiate": lambda token: f"Negotiate {token}",
    "Bearer without a blank": lambda token: f"Bearer{token}",
    "Bearer with a colon": lambda token: f"Bearer: {token}",
    "a tab for a blank": lambda token: f"Bearer\t{token}",
    "PoP": lambda token: f"PoP {token}",
    "Latin letters": lambda token: f"Bearer {token}é".encode("latin-1"),
    "bytes": lambda token: b"Bearer \xff\xfe" + token.encode(),
}
