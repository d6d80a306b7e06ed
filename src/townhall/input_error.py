"""What is raised for a value that a caller or a user gave and that can't be used."""

from __future__ import annotations

from townhall.printed_error import PrintedError


class InputError(PrintedError, ValueError):
    """An argument, a declaration or a setting can't be used; the message says why.

    A command prints the message alone. Any other :class:`ValueError` is a fault of the program,
    which keeps its traceback.

    Attributes:
        column: The column that refuses a value, as ``table.column``; None for anything else.
    """

    column: str | None = None


def file_error(error: OSError | ValueError) -> str:
    """Return why a file can't be read or written, as a part of a sentence.

    Args:
        error: What opening or parsing it raised.
    """
    match error:
        case FileNotFoundError():
            return "there is no such file or folder"
        case IsADirectoryError() | NotADirectoryError():
            return "a file and a folder are confused in its path"
        case PermissionError():
            return "the permissions of the file or of its folder do not allow it"
        case OSError(strerror=str(reason)):
            return reason
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case _:
            return str(error)
