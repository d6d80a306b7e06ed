"""A value that was given and can't be used is told from a fault of the program."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest
from alembic.config import CommandLine
from alembic.util import CommandError

import townhall
from townhall.adopt.errors import DecisionError
from townhall.check.errors import CheckError
from townhall.embedded import EmbeddedServerError
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
    ("statement", "told"),
    [
        ('pg.Function(name="", returns="integer", body="select 1")', "function public."),
        ('pg.Domain(name="", base="text")', "domain"),
        ('embedded.start("/dev/null")', "/dev/null"),
        ('raise errors.CheckError("the roles are those of others")', "of others"),
    ],
)
def test_alembic_prints_an_error_of_an_env_py_alone(
    statement: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "env.py").write_text(
        f"from townhall import embedded, pg\nfrom townhall.check import errors\n{statement}\n"
    )
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    with pytest.raises(SystemExit):
        CommandLine().main(["-c", str(tmp_path / "alembic.ini"), "current"])
    printed = "".join(capsys.readouterr())
    assert printed.lstrip().startswith("FAILED: ")
    assert told in printed


@pytest.mark.parametrize("error", [CheckError, DecisionError, EmbeddedServerError, InputError])
def test_error_of_ours_is_one_of_alembics_and_keeps_its_class_in_another_process(
    error: type[Exception],
) -> None:
    raised_here = error("the port is no number")
    assert isinstance(raised_here, CommandError)
    assert repr(raised_here) == f"{error.__name__}('the port is no number')"
    again = pickle.loads(pickle.dumps(raised_here))  # noqa: S301 - our own
    assert type(again) is type(raised_here)
    assert str(again) == "the port is no number"


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
