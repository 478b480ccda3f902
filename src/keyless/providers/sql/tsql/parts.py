"""Nothing of a tree is left out: each argument of each node has to be taken by whoever writes it.

Owns the record of what was taken, and the error for what was not. What is written, it must not know. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp

from keyless.providers.sql.tsql.plan import kind_of, unsupported

# what the parser notes for itself, or for another database: it stands for no word of the statement
_NOTES: dict[type[exp.Expr], frozenset[str]] = {
    exp.Identifier: frozenset({"quoted"}),
    exp.Div: frozenset({"typed", "safe"}),
    exp.Mod: frozenset({"typed", "safe"}),
    exp.Ordered: frozenset({"nulls_first"}),
    exp.Cast: frozenset({"safe"}),
    exp.TryCast: frozenset({"safe"}),
    exp.HexString: frozenset({"is_integer"}),
    exp.Window: frozenset({"over"}),
    exp.DataType: frozenset({"nested"}),
    exp.Literal: frozenset({"is_string"}),
}
_NOTHING: frozenset[str] = frozenset()


class Ledger:
    """What was taken of the trees of one statement."""

    def __init__(self) -> None:
        # the node is kept with its keys, so that its id is not given to another one
        self._taken: dict[int, tuple[exp.Expr, set[str]]] = {}

    def parts(self, node: exp.Expr) -> Parts:
        """A node's parts, to be taken."""
        return Parts(node, self)

    def take(self, node: exp.Expr, key: str) -> Any:
        """One argument, which the caller writes."""
        self._taken.setdefault(id(node), (node, set()))[1].add(key)
        return node.args.get(key)

    def settle(self, root: exp.Expr) -> None:
        """Raise the error for the first argument in a tree that nobody has taken."""
        for node in root.walk():
            _, taken = self._taken.get(id(node), (node, _NOTHING))
            notes = _NOTES.get(type(node), _NOTHING)
            for key, value in node.args.items():
                if value and key not in taken and key not in notes:
                    raise unsupported(f"{kind_of(node)} with {key.strip('_').upper().replace('_', ' ')}")


class Parts:
    """One node: reading an argument takes it."""

    def __init__(self, node: exp.Expr, ledger: Ledger) -> None:
        self.node = node
        self.args = _Arguments(node, ledger)
        self._ledger = ledger

    @property
    def this(self) -> Any:
        """The first argument."""
        return self.args.get("this")

    @property
    def expression(self) -> Any:
        """The second argument."""
        return self.args.get("expression")

    @property
    def expressions(self) -> list[exp.Expr]:
        """The list."""
        return self.args.get("expressions") or []

    @property
    def name(self) -> str:
        """The name that the first argument is."""
        return self.text("this")

    @property
    def alias(self) -> str:
        """The name of the alias."""
        return self.text("alias")

    def text(self, key: str) -> str:
        """An argument that is a name or a word, '' where it is not there; nothing else may hang on it."""
        value = self.args.get(key)
        while isinstance(value, exp.Expr):
            if not isinstance(value, (exp.Identifier, exp.Literal, exp.Var, exp.TableAlias, exp.Star, exp.National)):
                raise unsupported(kind_of(value))
            value = "*" if isinstance(value, exp.Star) else self._ledger.take(value, "this")
        return value or ""


class _Arguments(Mapping[str, Any]):
    """A node's arguments."""

    def __init__(self, node: exp.Expr, ledger: Ledger) -> None:
        self._node = node
        self._ledger = ledger

    def __getitem__(self, key: str) -> Any:
        if key not in self._node.args:
            raise KeyError(key)
        return self._ledger.take(self._node, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._node.args)

    def __len__(self) -> int:
        return len(self._node.args)
