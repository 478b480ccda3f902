"""EXEC, and INSERT … EXEC.

Owns their grammar. Which procedure is meant is known when it is called. No I/O.
Source: Transact-SQL reference, "EXECUTE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import certain, variables
from keyless.providers.sql.tsql.blocks import Argument, Execute, ExecuteText, Expression, Statement
from keyless.providers.sql.tsql.plan import Action, unsupported
from keyless.providers.sql.types import Kind, SqlType

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_MOST = 2100
_LONGEST = 4000
_CONSTANTS = {
    TokenType.STRING,
    TokenType.NATIONAL_STRING,
    TokenType.NUMBER,
    TokenType.DASH,
    TokenType.PLUS,
    TokenType.HEX_STRING,
}


def execute(reader: Reader) -> list[Statement]:
    """EXEC …"""
    return [call(reader)]


def call(reader: Reader) -> Execute | ExecuteText:
    """EXEC or EXECUTE and what follows."""
    line = reader.line
    if not (reader.word("EXEC") or reader.word("EXECUTE")):
        raise reader.error()
    if reader.ahead() == "AS":
        raise unsupported("EXECUTE AS")
    if reader.ahead() == "(":
        return _text(reader, line)
    status = ""
    if reader.ahead() == "@":
        first = variables.name(reader)
        if not reader.word("="):
            return Execute("", _scalar(reader, first), _arguments(reader), "", line)
        status = _scalar(reader, first)
        if reader.ahead() == "@":
            return Execute("", _scalar(reader, variables.name(reader)), _arguments(reader), status, line)
    return Execute(_name(reader), "", _arguments(reader), status, line)


def bare(reader: Reader) -> list[Statement]:
    """A procedure's name at the beginning of a batch stands for EXEC."""
    return [Execute(_name(reader), "", _arguments(reader), "", reader.line)]


def _text(reader: Reader, line: int) -> ExecuteText:
    reader.need("(")
    found = variables.text(reader)
    reader.need(")")
    if reader.ahead() in {"AT", "AS"}:
        raise unsupported(f"EXECUTE (…) {reader.ahead()}")
    return ExecuteText(found, line)


def _scalar(reader: Reader, name: str) -> str:
    variables.type_of(reader, name)
    return name.lower()


def _name(reader: Reader) -> str:
    start = reader.parser._index
    reader.name()
    while reader.word("."):
        if reader.ahead() != ".":
            reader.name()
    found = reader.text_from(start)
    if reader.word(";"):
        if reader.parser._curr and reader.parser._curr.token_type is TokenType.NUMBER:
            raise unsupported("The number of a procedure")
        reader.parser._retreat(reader.parser._index - 1)
    return found


def _arguments(reader: Reader) -> tuple[Argument, ...]:
    found: list[Argument] = []
    if not reader.ends():
        found.append(_argument(reader))
        while reader.word(","):
            found.append(_argument(reader))
            if len(found) > _MOST:
                raise SqlError(180, f"There are too many parameters; the most are {_MOST}.", severity=15)
    if reader.word("WITH") and not reader.word("RECOMPILE"):
        raise unsupported(f"EXECUTE … WITH {reader.ahead()}")
    names = [bool(argument.name) for argument in found]
    if False in names[names.index(True) :] if True in names else False:
        raise SqlError(
            119,
            "Must pass parameter number and subsequent parameters as '@name = value'.",
            severity=15,
            line=reader.line,
        )
    return tuple(found)


def _argument(reader: Reader) -> Argument:
    name = ""
    if reader.ahead() == "@":
        first = variables.name(reader)
        if not reader.word("="):
            return _variable(reader, "", first)
        name = first.lower()
        if reader.ahead() == "@":
            following = reader.parser._next.text if reader.parser._next else ""
            if following != "@":
                return _variable(reader, name, variables.name(reader))
    if reader.word("DEFAULT"):
        return Argument(name, None, SqlType(Kind.INT))
    return constant(reader, name)


def _variable(reader: Reader, name: str, variable: str) -> Argument:
    if variable.lower() in reader.declared.tables:
        raise unsupported("A table variable as a parameter")
    declared = variables.type_of(reader, variable)
    output = reader.word("OUTPUT") or reader.word("OUT")
    node = exp.Parameter(this=exp.Var(this=variable[1:]))
    value = Expression(variables.typed(reader, node, declared).step, lambda look: look(variable.lower()))
    return Argument(name, value, declared, variable.lower() if output else "")


def constant(reader: Reader, name: str) -> Argument:
    """A constant; a bare word is a text, and nothing is computed."""
    current = reader.parser._curr
    if current is None:
        raise reader.error()
    if current.text.upper() != "NULL" and current.token_type not in _CONSTANTS and current.text != "@":
        word = reader.name()
        node: exp.Expr = exp.Literal.string(word)
    else:
        node = reader.whole(reader.parser._parse_unary) or exp.Null()
    bare = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(bare, (exp.Literal, exp.National, exp.Null, exp.Parameter, exp.HexString)):
        raise reader.error()
    type_ = constant_type(node)
    writer = reader.writer()
    step = reader.step(Action.QUERY, f"SELECT {writer(node)}", writer)
    if type_.kind is Kind.INT:
        return Argument(name, Expression(step, certain.number(node, reader.declared)), type_)
    return Argument(name, Expression(step, certain.value(node, type_, reader.declared)), type_)


def constant_type(node: exp.Expr) -> SqlType:
    """The type that a constant has."""
    bare = node.this if isinstance(node, exp.Neg) else node
    if isinstance(bare, exp.HexString):
        return SqlType(Kind.VARBINARY)
    if isinstance(bare, (exp.Null, exp.Parameter)):
        return SqlType(Kind.INT)
    if isinstance(bare, exp.National) or (isinstance(bare, exp.Literal) and bare.is_string):
        length = len(bare.name)
        return SqlType(Kind.NVARCHAR, max(length, 1) if length <= _LONGEST else None)
    digits = bare.name
    if "e" in digits.lower():
        return SqlType(Kind.FLOAT)
    if "." in digits:
        whole, _, rest = digits.partition(".")
        return SqlType(Kind.DECIMAL, precision=max(1, len(whole.lstrip("0")) + len(rest)), scale=len(rest))
    if int(digits) < 2**31:
        return SqlType(Kind.INT)
    return SqlType(Kind.BIGINT) if int(digits) < 2**63 else SqlType(Kind.DECIMAL, precision=38)
