"""What the code reads each fact by: followed from the expression that makes the fact to every name in its reach.

The code is parsed and never run, so that what no fixture reaches is followed too. Functions are followed by their
names, methods by their names alone, variables and parameters by what they are given. A name that is put together, such
as f"{kind}-lowest", counts where its beginning stands somewhere in reach.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TypeVar

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.vocabulary import CODE_LISTS, NAME_LISTS, THRESHOLDS
from tests.support import ROOT

NUMBERS = "the numbers of every list"
FACT = "fact "  # before the name of a fact that another is worked out from
_NAMES = {*CODE_LISTS, *NAME_LISTS, *THRESHOLDS}
_OF_FACTS = {"facts", "patient_facts"}  # variables that hold facts by name: followed by the name of the fact instead
_WHOLE = {*_OF_FACTS, "order_facts", "vocabulary", "chart", "now", "orders"}  # given whole, read by name
_OTHER_OWNERS = {"Order.name", "Egfr.describe"}  # attributes of results have these names too; reached otherwise, if so
_NOT_READING = {"facts_of_another_patients_order", "is_antidote_drafted"}  # their facts go into no fact that is read
Node = TypeVar("Node", bound=ast.AST)
Place = tuple[str, str]  # a module, and a function, method or constant in it


def read_by() -> dict[str, set[str]]:
    """What each fact is read by: names of lists and thresholds, `NUMBERS`, and facts after `FACT`."""
    found: dict[str, set[str]] = {}
    for module, tree in _TREES.items():
        for function in _of_type(tree, ast.FunctionDef):
            if function.name not in _NOT_READING:
                for fact, made in _facts_made(function):
                    found.setdefault(fact, set()).update(_follow(module, function, made, set()))
    return {fact: _put_together(said) - {FACT + fact} for fact, said in found.items()}


def _facts_made(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """Each fact that a function puts into a dictionary under its name, and the expression that makes it."""
    for node in _of_type(function, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in CATALOGUE:
                yield str(key.value), value
    for assigned in _of_type(function, ast.Assign):
        for target in _of_type(assigned.targets[0], ast.Subscript):
            if isinstance(target.slice, ast.Constant) and target.slice.value in CATALOGUE:
                yield str(target.slice.value), assigned.value


def _put_together(said: set[str]) -> set[str]:
    """The names among what was said; those that are put together only where their beginning was said too."""
    beginnings = {text[1:] for text in said if text.startswith("=")}
    whole = {text for text in said if text[0] not in "=?"}
    parts = (text[1:].split("?") for text in said if text.startswith("?"))
    return whole | {name for name, beginning in parts if beginning in beginnings}


def _follow(module: str, function: ast.FunctionDef, made: ast.AST, seen: set[Place]) -> set[str]:
    """Everything said in an expression of a function, in what it calls, and in what its variables were given."""
    said = _said_in(made)
    for place in _places(module, made):
        said |= _in_reach_of(place)
    for name in _of_type(made, ast.Name):
        place = (f"{module}.{function.name}", name.id)
        if name.id in _WHOLE or not isinstance(name.ctx, ast.Load) or place in seen:
            continue
        seen.add(place)
        for value in _values_of(function, name.id):
            said |= _follow(module, function, value, seen)
        for caller, calling, argument in _arguments_for(module, function, name.id):
            said |= _follow(caller, calling, argument, seen)
    return said


@cache
def _in_reach_of(start: Place) -> frozenset[str]:
    """Everything said in a function, and in all that it names, and so on."""
    seen: set[Place] = set()
    said: set[str] = set()
    to_do = [start]
    while to_do:
        place = to_do.pop()
        if place not in seen:
            seen.add(place)
            said |= _said_in(_MEMBERS[place])
            to_do += _places(place[0], _MEMBERS[place])
    return frozenset(said)


def _said_in(tree: ast.AST) -> set[str]:
    """Names of lists and thresholds, pieces of such names, facts taken by name, and the use of all lists."""
    said = {f"{FACT}{name}" for name in _facts_taken(tree)}
    for text in _of_type(tree, ast.Constant):
        if isinstance(text.value, str):
            said |= {text.value} & _NAMES | {"=" + text.value.lower().replace(" ", "-")}
    for pieces in _of_type(tree, ast.JoinedStr):
        ending = pieces.values[-1]
        if isinstance(ending, ast.Constant) and re.fullmatch(r"(-[a-z]+)+", str(ending.value)):
            end = str(ending.value)
            said |= {f"?{name}?{name.removesuffix(end)}" for name in _NAMES if name.endswith(end)}
    if any(ast.unparse(node).endswith("code_lists.values") for node in _of_type(tree, ast.Attribute)):
        said.add(NUMBERS)
    return said


def _facts_taken(tree: ast.AST) -> Iterator[str]:
    for node in _of_type(tree, ast.Subscript):
        of_facts = isinstance(node.value, ast.Name) and node.value.id in _OF_FACTS and isinstance(node.ctx, ast.Load)
        if of_facts and isinstance(node.slice, ast.Constant) and node.slice.value in CATALOGUE:
            yield str(node.slice.value)


def _places(module: str, tree: ast.AST) -> Iterator[Place]:
    """The functions, methods and constants that are named in a tree."""
    for name in _of_type(tree, ast.Name):
        yield from _known([(module, name.id), _IMPORTS[module].get(name.id, ("", ""))])
    for attribute in _of_type(tree, ast.Attribute):
        owner = attribute.value.id if isinstance(attribute.value, ast.Name) else ""
        package, imported = _IMPORTS[module].get(owner, ("", ""))
        in_module = list(_known([(f"{package}.{imported}", attribute.attr)]))
        yield from in_module or _METHODS.get(attribute.attr, [])


def _known(places: Iterable[Place]) -> Iterator[Place]:
    return (place for place in places if place in _MEMBERS)


def _values_of(function: ast.FunctionDef, name: str) -> Iterator[ast.AST]:
    """What a variable of a function is given."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield from _bound(node.targets[0], node.value, name)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            yield from _bound(node.target, node.value, name)
        elif isinstance(node, ast.For | ast.comprehension):
            yield from _bound(node.target, node.iter, name)


def _bound(target: ast.AST, value: ast.AST, name: str) -> Iterator[ast.AST]:
    """What of a value a name gets: of `a, b = c, d` and of `for a, b in zip(c, d)` its own part."""
    parts: list[ast.expr] = []
    if isinstance(value, ast.Tuple | ast.List):
        parts = value.elts
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "zip":
        parts = value.args
    if isinstance(target, ast.Tuple) and len(parts) == len(target.elts):
        for inner, part in zip(target.elts, parts, strict=True):
            yield from _bound(inner, part, name)
    elif any(found.id == name for found in _of_type(target, ast.Name)):
        yield value


def _arguments_for(module: str, function: ast.FunctionDef, name: str) -> Iterator[tuple[str, ast.FunctionDef, ast.AST]]:
    """What a parameter of a function is given, wherever the function is called."""
    names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    if name not in names:
        return
    for caller, calling, call in _CALLS.get((module, function.name), []):
        by_position = call.args[names.index(name) :][:1]
        for argument in by_position or [keyword.value for keyword in call.keywords if keyword.arg == name]:
            yield caller, calling, argument


def _of_type(tree: ast.AST, kind: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def _members(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """The functions, methods and constants of a module, by name."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{name}", method) for name, method in _members(node.body))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield from ((name.id, node.value) for name in _of_type(target, ast.Name))


def _read_trees() -> dict[str, ast.Module]:
    paths = (ROOT / "cds_service" / "clinical").rglob("*.py")
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}
    return {
        name: ast.parse(path.read_text(encoding="utf-8"))
        for name, path in named.items()
        if "catalogue" not in name and not name.endswith("vocabulary")
    }


def _imports_of(tree: ast.Module) -> dict[str, Place]:
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in _of_type(tree, ast.ImportFrom)
        for alias in node.names
    }


def _calls() -> dict[Place, list[tuple[str, ast.FunctionDef, ast.Call]]]:
    """The calls of each function, with the function and module that they stand in."""
    calls: dict[Place, list[tuple[str, ast.FunctionDef, ast.Call]]] = {}
    for module, tree in _TREES.items():
        for function in _of_type(tree, ast.FunctionDef):
            if function.name not in _NOT_READING:
                for call in _of_type(function, ast.Call):
                    for place in _places(module, call.func):
                        calls.setdefault(place, []).append((module, function, call))
    return calls


_TREES = _read_trees()
_IMPORTS = {name: _imports_of(tree) for name, tree in _TREES.items()}
_MEMBERS: dict[Place, ast.AST] = {
    (module, name): node for module, tree in _TREES.items() for name, node in _members(tree.body)
}
_METHODS: dict[str, list[Place]] = {}
for _module, _member in _MEMBERS:
    if "." in _member and _member not in _OTHER_OWNERS:
        _METHODS.setdefault(_member.rpartition(".")[2], []).append((_module, _member))
_CALLS = _calls()
