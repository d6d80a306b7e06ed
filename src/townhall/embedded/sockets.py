"""Where the socket of a server is: in its data folder, or behind a link with a short name."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from townhall.embedded.errors import EmbeddedServerError

PORT = "5432"

_MAXIMUM_LENGTH = 103  # bytes of a socket's path on macOS, which allows the fewest


def socket_directory(data: Path) -> Path:
    """Return a path of a data folder that a socket's address can hold.

    A longer path, or one with a comma, which separates hosts in a URL, gets a link. It is in a
    folder below the temporary one that only this account can write.

    Raises:
        EmbeddedServerError: That folder belongs to another account, or others can write it.
    """
    if len(os.fsencode(data / f".s.PGSQL.{PORT}")) <= _MAXIMUM_LENGTH and "," not in str(data):
        return data
    folder = _folder_of_links()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise EmbeddedServerError(
                f"The path {data} is too long for a socket, and {folder}, where a short name for it"
                " would be, is not a folder of this account alone; remove it, or set TMPDIR."
            )
        with suppress(FileExistsError):
            os.symlink(data, name, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    return folder / name


def is_socket_directory(path: Path) -> bool:
    """Tell whether a path is one of a data folder's, whose server may have stopped.

    Args:
        path: The host of a URL.
    """
    return (path / "PG_VERSION").is_file() or path.parent == _folder_of_links()


def _folder_of_links() -> Path:
    return Path(tempfile.gettempdir(), f"townhall-{os.geteuid()}")


def remove_link(data: Path) -> None:
    """Remove the link of a data folder, if it has one; the next process to join creates it anew."""
    link = socket_directory(data)
    if link != data:
        link.unlink(missing_ok=True)
