"""Whether a value has the type that a field is annotated with, at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Test = Callable[[Any], bool]
Result = TypeVar("Result")

_NO_MAPPINGS = {str, int, float, bool, NoneType}


def cached_by_class(of: Callable[[type[Any]], Result]) -> Callable[[type[Any]], Result]:
    """Return a function of a class that computes its result once for each class.

    It is ``functools.cache``, for which a class is not hashable to mypy.

    Args:
        of: The function.
    """
    return cast("Callable[[type[Any]], Result]", cache(of))


def wrong_fields(value: object) -> list[str]:
    """Return the fields of a dataclass whose values do not have their types.

    Args:
        value: An instance; fields that it does not have are left out.
    """
    values = vars(value)
    tests = _field_tests(type(value))
    return [
        name
        for name, classes, test in tests
        if name in values and type(values[name]) not in classes and not test(values[name])
    ]


def field_type(of: type[Any], name: str) -> Any:  # noqa: ANN401 - any annotation
    """Return the type of a dataclass's field."""
    return _hints(of)[name]


@cached_by_class
def _hints(of: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(of)


@cached_by_class
def _field_tests(of: type[Any]) -> Sequence[tuple[str, frozenset[type[Any]], Test]]:
    # With the classes that need no test: nearly all values have them, and a catalog has many.
    hints = _hints(of)
    names = [each.name for each in fields(of)]
    return [(name, _classes_in(hints[name]), _test(hints[name])) for name in names]


def _classes_in(expected: Any) -> frozenset[type[Any]]:  # noqa: ANN401 - any annotation
    alternatives = get_args(expected) if get_origin(expected) in {Union, UnionType} else (expected,)
    return frozenset(each for each in alternatives if get_origin(each) is None)


def may_be_mapping(expected: Any) -> bool:  # noqa: ANN401 - any annotation
    """Tell whether a value of a type may be a mapping.

    Args:
        expected: A type as :func:`has_type` takes it.
    """
    origin = get_origin(expected)
    if origin in {Union, UnionType}:
        return any(map(may_be_mapping, get_args(expected)))
    return origin not in {Literal, tuple} and expected not in _NO_MAPPINGS


def has_type(value: object, expected: Any) -> bool:  # noqa: ANN401 - any annotation
    """Tell whether a value has a type.

    Args:
        value: Any value.
        expected: A class, a ``Literal``, a union, ``tuple[X, ...]`` or ``Mapping[X, Y]``.
    """
    return _test(expected)(value)


@cache
def _test(expected: Any) -> Test:  # noqa: ANN401 - any annotation
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in arguments
    if origin in {Union, UnionType}:
        tests = [_test(each) for each in arguments]
        return lambda value: any(test(value) for test in tests)
    if origin is tuple:
        of_item = _test(arguments[0])
        return lambda value: isinstance(value, tuple) and all(map(of_item, value))
    if origin is Mapping:
        of_key, of_value = map(_test, arguments)
        return lambda value: (
            isinstance(value, Mapping)
            and all(map(of_key, value))
            and all(map(of_value, value.values()))
        )
    if expected is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    return lambda value: isinstance(value, expected)


def described(expected: Any) -> str:  # noqa: ANN401 - any annotation
    """Return a type in words: ``a tuple of 'insert' or 'update'``.

    Args:
        expected: A type as :func:`has_type` takes it.
    """
    *others, last = _alternatives(expected)
    return f"{', '.join(others)} or {last}" if others else last


def _alternatives(expected: Any) -> list[str]:  # noqa: ANN401 - any annotation
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return list(map(repr, arguments))
    if origin in {Union, UnionType}:
        return [word for each in arguments for word in _alternatives(each)]
    if origin is tuple:
        return [f"a tuple of {described(arguments[0])}"]
    if origin is Mapping:
        return [f"a mapping of {' to '.join(map(described, arguments))}"]
    return ["None" if expected is NoneType else expected.__name__]
