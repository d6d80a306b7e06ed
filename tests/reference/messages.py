"""The page of the messages: what the package raises for its users, found in its source."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import townhall
from tests.reference.markdown import code

PACKAGE = Path(townhall.__file__).parent
ERRORS = {
    "ActorError",
    "BenchmarksNotRefreshedError",
    "CheckError",
    "CommandError",
    "DecisionError",
    "EmbeddedServerError",
    "InputError",
    "LookupError",
    "NotPermitted",
    "RoleNotGranted",
    "StaleDataError",
    "UnusableDataError",
}
"""The errors whose messages are for users; a TypeError or RuntimeError is a fault of a program."""

REFUSALS = {"_error", "_refusal", "_refuse", "_not_permitted"}
"""The functions that raise one of them with the message that they are given."""

REFUSED = {
    "Acting as somebody": "ReadOnlyError",
    "Declarations": "InputError",
    "The embedded server": "EmbeddedServerError",
}
"""Which one that is under each heading."""

SUBJECTS = {
    "session": "Acting as somebody",
    "roles.py": "Acting as somebody",
    "types": "Values of columns",
    "people": "A person's data",
    "domains": "Queries and values of the product",
    "pg": "Declarations",
    "migrate": "Migrations and autogenerate",
    "check": "Checking",
    "adopt": "Adopting",
    "pull": "Pulling",
    "embedded": "The embedded server",
    "testing": "Tests",
    "init": "Commands",
    "commands": "Commands",
    "pictures": "Commands",
}
"""The heading of the messages of each folder or file of the package, in the order of the page."""

_HEAD = """\
# Messages

Every message that townhall raises for its users, by subject, made from the source by
`make reference`. Search this page for the words of yours; … stands for a name or a value. A message
says what was wrong and what to do; below it stands when it is raised. What PostgreSQL says is
explained in [Errors for an application](errors.md).
"""
_LINES = re.DOTALL | re.MULTILINE
_SHORTEST = 12
_YIELDS = ("_contradictions", "_foreign_principals", "_long", "_useless", "_wrong")


@dataclass(frozen=True)
class Message:
    """A message in the source.

    Attributes:
        subject: The heading under which it is found.
        text: Its words, with … for each value.
        error: The error that it is of, where the place in the source tells.
        when: When it is raised, in the words of the docstring around it.
    """

    subject: str
    text: str
    error: str
    when: str

    @property
    def shown(self) -> str:
        """The text as code of Markdown, on one line."""
        return code(self.text)


@cache
def messages() -> list[Message]:
    """Return the messages, by subject and in their alphabetical order."""
    order = list(dict.fromkeys(SUBJECTS.values()))
    found = {each.text: each for path in sorted(PACKAGE.rglob("*.py")) for each in _in(path)}
    return sorted(found.values(), key=lambda each: (order.index(each.subject), each.text.lower()))


def page() -> str:
    """Return the text of the page."""
    lines = [_HEAD]
    subject = ""
    for each in messages():
        if each.subject != subject:
            subject = each.subject
            lines.append(f"## {subject}\n")
        lines.append(f"{each.shown}\n: {_about(each)}\n")
    return "".join(f"{line}\n" for line in lines).rstrip("\n") + "\n"


def _about(message: Message) -> str:
    error = message.error if message.error in ERRORS else REFUSED[message.subject]
    return f"`{error}`. {message.when}".strip()


def _in(path: Path) -> Iterator[Message]:
    place = path.relative_to(PACKAGE)
    subject = SUBJECTS.get(place.parts[0])
    if subject is None or place.parts[0] == "alembic":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = _constants(tree)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(function) or ""
            for error, argument in _raised(function):
                text = _words(argument, constants)
                if len(text.replace("…", "").strip()) >= _SHORTEST:
                    yield Message(subject, text, error, _when(docstring, error))


def _raised(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield each message in a function with the name of its error."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in ERRORS or name in REFUSALS:
            yield name, node.args[0]
    if getattr(function, "name", "").startswith(_YIELDS):
        for node in ast.walk(function):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.JoinedStr | ast.Constant):
                yield "InputError", node.value


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _words(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """Return the text of an expression, with … for what is not written there."""
    match node:
        case ast.Constant(value=str(text)):
            return " ".join(text.split(" "))
        case ast.JoinedStr(values=values):
            return "".join(_words(each, constants) for each in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _words(left, constants) + _words(right, constants)
        case ast.Name(id=name) if name in constants:
            return _words(constants[name], {})
        case ast.FormattedValue(value=ast.Name(id=name)) if name in constants:
            return _words(constants[name], {}) or "…"
    return "…"


def _when(docstring: str, error: str) -> str:
    """Return what a docstring says under ``Raises:`` of an error."""
    raises = re.search(r"^Raises:\n(.*)\Z", inspect.cleandoc(docstring), _LINES)
    if raises is None:
        return ""
    said = re.search(rf"^    {error}: (.*?)(?=^    [\w.]+:|^\w|\Z)", raises[1], _LINES)
    text = " ".join(said[1].split()) if said else ""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
