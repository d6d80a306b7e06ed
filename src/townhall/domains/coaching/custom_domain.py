"""The canonical form of domains: one text for each domain, however it was written."""

from __future__ import annotations

import re

import idna

from townhall.input_error import InputError

LONGEST_DOMAIN = 253
"""The number of characters that DNS allows for a name."""

LONGEST_HOST = LONGEST_DOMAIN + len(".:65535")
"""The number of characters of a name with a dot at its end and a port."""

# A hyphen at both the third and the fourth place marks an encoding, of which "xn" is the only one.
_LABEL_START = "(?!(?!xn)..--)"
_LABEL_REST = "([a-z0-9-]{0,61}[a-z0-9])?"

# For PostgreSQL and Python alike. The last label of an IPv4 address starts with a digit.
CANONICAL_PATTERN = f"^({_LABEL_START}[a-z0-9]{_LABEL_REST}[.])+{_LABEL_START}[a-z]{_LABEL_REST}$"
"""The pattern of a canonical domain: two or more labels, in lower-case ASCII."""

_PORT = re.compile(r":[0-9]*\Z")


def canonical_domain(host: str) -> str:
    """Return the canonical form of a domain, in which it is stored and compared.

    Letters become lower case, other scripts Punycode as browsers encode them (IDNA 2008 after the
    mapping of UTS 46); a dot at the end and a port are removed.

    Args:
        host: A domain, such as the value of the header ``Host``: ``"BÜCHER.example:443"``.

    Returns:
        Labels of lower-case ASCII with at least one dot: ``"xn--bcher-kva.example"``.

    Raises:
        InputError: It is no domain: an address, a name without a dot such as ``localhost``, a URL,
            or a name with characters that domains can't have.
    """
    try:
        if len(host) > LONGEST_HOST:
            raise idna.IDNAError("it is too long")
        encoded = idna.encode(_PORT.sub("", host), uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError as error:
        raise InputError(f"{host[:LONGEST_HOST]!r} is no domain: {error}") from error
    domain = encoded.removesuffix(".")
    if len(domain) > LONGEST_DOMAIN or not re.search(CANONICAL_PATTERN, domain):
        raise InputError(
            f"{host!r} is no domain with a dot and a name at its end; give one such as"
            " coach.example, without a scheme, a path and blanks"
        )
    return domain
