"""A string that must not be seen. Owns hiding it from reprs, logs and tracebacks."""

from __future__ import annotations


class SecretStr:
    """Holds a secret or a token; shows nothing of it until `reveal()` is called."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself: for the wire or the seal, never for a message."""
        return self._value

    def matches(self, other: str) -> bool:
        """Compare in constant time."""
        import hmac  # noqa: PLC0415 - it loads OpenSSL, which a program that only holds a token can do without

        return hmac.compare_digest(self._value.encode(), other.encode())

    def __repr__(self) -> str:
        return "SecretStr(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self.matches(other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")
