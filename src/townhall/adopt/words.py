"""Numbers and kinds of objects in the sentences of a look."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number of things: ``1 row``, ``1,204 rows``.

    Args:
        number: How many there are.
        noun: What one of them is, whose plural ends with ``s``.
    """
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def with_article(noun: str) -> str:
    """Return a kind of object as a sentence names one: ``a view``, ``an index``, ``a unique key``.

    Args:
        noun: The kind.
    """
    is_vowel = noun[0] in "aeio" or noun.startswith("unlogged")
    return f"{'an' if is_vowel else 'a'} {noun}"
