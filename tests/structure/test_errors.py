"""A value that was given and can't be used is told from a fault of the program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import townhall
from townhall.input_error import InputError
from townhall.termination import FAILED, run_to_end

PACKAGE = Path(townhall.__file__).parent


def raised(path: Path) -> set[str]:
    """Return the names of what a file raises."""
    raises = (
        each for each in ast.walk(ast.parse(path.read_bytes())) if isinstance(each, ast.Raise)
    )
    calls = (each.exc.func if isinstance(each.exc, ast.Call) else each.exc for each in raises)
    return {each.id for each in calls if isinstance(each, ast.Name)}


def test_package_raises_no_value_error_but_that_for_input() -> None:
    assert [path for path in PACKAGE.rglob("*.py") if "ValueError" in raised(path)] == []


@pytest.mark.parametrize("error", [InputError, ValueError])
def test_command_prints_an_input_error_alone_and_another_with_its_traceback(
    error: type[ValueError], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error("the port is no number")

    assert run_to_end(fail) == FAILED
    told = capsys.readouterr().err
    if error is InputError:
        assert told == "townhall: the port is no number\n"
    else:
        assert "Traceback" in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError(13, "Permission denied", "shop/models.py"),
            (
                "shop/models.py can't be read or written: the permissions of the file or of its"
                " folder do not allow it"
            ),
        ),
        (
            OSError(28, "No space left on device"),
            "a file can't be read or written: No space left on device",
        ),
    ],
)
def test_command_prints_an_error_of_a_file_in_one_paragraph(
    error: OSError, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert run_to_end(fail) == FAILED
    assert capsys.readouterr().err == f"townhall: {told}\n"
