"""``python -m townhall``."""

from __future__ import annotations

import sys

from townhall.cli import main

sys.exit(main())
