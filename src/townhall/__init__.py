"""The PostgreSQL data layer for products that bring people together.

The mapped classes, their enums, ``Base`` and ``metadata`` are here, and so are the session
factories and ``entities``. Each name is loaded when it is first asked for; ``__init__.pyi`` is the
table of names.
"""

from __future__ import annotations

from townhall.lazy_names import names_of_stub

__getattr__, __dir__ = names_of_stub(__name__)
