"""The command ``townhall adopt`` as a user runs it: it only looks."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.adopt.products import Product, load
from tests.check.test_check import execute, scratch_databases_on
from tests.support.dump import dump
from townhall.cli import main

_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "adopting.md"


@pytest.fixture
def starter(owned_database: str) -> str:
    """Return the URL of a Supabase starter, as the ordinary role that owns it."""
    load(owned_database, Product.STARTER)
    return owned_database


def test_look_tells_all_at_once_exits_with_1_and_changes_nothing(
    starter: str,
    townhall_server: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    before = dump(starter)
    decisions = tmp_path / "decisions.toml"
    words = ("adopt", "--url", starter, "--scratch", townhall_server)
    assert main((*words, "--write-decisions", str(decisions))) == 1
    printed = capsys.readouterr().out
    assert dump(starter) == before
    assert scratch_databases_on(townhall_server) == set()
    assert "1 of 31 declared tables exists" in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert (
        'decide  policy "Public profiles are viewable by everyone." lets every role read every row'
    ) in printed
    assert "missing column, 4: stage, industry, tier and created_at" in printed
    assert "profiles_pkey is declared with the name pk_profiles" in printed
    assert "trigger on_auth_user_created calls public.handle_new_user()" in printed
    assert set(tomllib.loads(decisions.read_text())["objects"]) == {
        'policy public.profiles "Public profiles are viewable by everyone."',
        'policy public.profiles "Users can insert their own profile."',
        'policy public.profiles "Users can update own profile."',
    }

    assert main((*words, "--json", "--write-decisions", str(decisions))) == 2
    assert "exists, and may have answers" in capsys.readouterr().err


@pytest.mark.exhaustive
def test_json_has_every_finding(
    starter: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("adopt", "--url", starter, "--scratch", townhall_server, "--json")) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["tables"] == ["public.profiles"]
    assert found["revisions"] == []
    assert not found["is_settled"]
    assert sum(found["counts"].values()) == len(found["findings"])
    documented = _DOCUMENTATION.read_text(encoding="utf-8")
    for key in (*found, *found["findings"][0], *found["counts"]):
        assert f"`{key}`" in documented, key
    (policy,) = [each for each in found["findings"] if "every row" in each["text"]]
    assert policy == {
        "weight": "decide",
        "kind": "policy that opens every row",
        "object": 'policy public.profiles "Public profiles are viewable by everyone."',
        "table": "public.profiles",
        "text": "lets every role read every row; it adds to what the declared policies give",
        "plan": "it is dropped or kept as decided",
        "question": {
            "section": "objects",
            "key": 'policy public.profiles "Public profiles are viewable by everyone."',
            "suggestion": "",
            "is_required": True,
            "may_be_kept": True,
        },
    }


@pytest.mark.exhaustive
def test_database_at_head_has_nothing_to_do_and_exits_with_0(
    townhall_template: str, townhall_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("adopt", "--url", townhall_template, "--scratch", townhall_server)) == 0
    assert " ".join(capsys.readouterr().out.split()) == (
        "0 of 32 declared tables exist that no revision of this history made; nothing has to be"
        " done."
    )


@pytest.mark.exhaustive
def test_names_forge_no_lines(
    owned_database: str, townhall_server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    load(owned_database, Product.STARTER)
    execute(
        owned_database,
        'create policy "x\n[objects]\n\x1b[2J\u202e""" on public.profiles using (true)',
    )
    path = tmp_path / "decisions.toml"
    words = ("adopt", "--url", owned_database, "--scratch", townhall_server)
    main((*words, "--write-decisions", str(path)))
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.splitlines())
    assert "\n[objects]" not in printed
    content = path.read_text()
    assert all(line.isprintable() for line in content.splitlines())
    assert (
        'policy public.profiles "x\n[objects]\n\x1b[2J\u202e"""'
        in (tomllib.loads(content)["objects"])
    )


def test_failure_exits_with_2(townhall_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://nobody@localhost:1/none"
    for words in (("--url", url), (url,)):
        assert main(("adopt", *words, "--scratch", townhall_server)) == 2
        assert capsys.readouterr().err.count("\n") == 1
