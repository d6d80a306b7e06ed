"""Policies, triggers, functions and views of others on tables of declared names."""

from __future__ import annotations

from tests.adopt.conftest import Found
from townhall.adopt import Finding, Weight

TABLES = """
    create table posts (id integer primary key, likes integer, changed timestamptz, author text);
    create table likes (post integer);
    create table log (post integer);
"""


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {each.name: each for each in findings}


def test_policies_of_others_are_told_with_the_rows_that_they_open_to_whom(found: Found) -> None:
    declared = TABLES + "create policy own on posts for select using (author = current_user);"
    actual = (
        TABLES
        + """
        create policy own on posts for select using (true);
        create policy "all" on posts for select using (true);
        create policy "any insert" on posts for insert to pg_monitor with check (true);
        create policy writers on posts for all to pg_monitor, pg_read_all_data
            using (author = current_user);
        create policy moves on posts for update using (author = current_user) with check (true);
        create policy floor on posts as restrictive for delete using (likes = 0);
        create policy other on pg_temp.unrelated using (true);
    """
    ).replace("create policy other", "create temp table unrelated (); create policy other")
    policies = by_name(found(declared, actual))
    assert set(policies) == {"own", '"all"', '"any insert"', "writers", "moves", "floor"}
    texts = {name: each.text.partition(";")[0] for name, each in policies.items()}
    assert texts == {
        "own": "lets every role read every row",
        '"all"': "lets every role read every row",
        '"any insert"': "lets pg_monitor insert every row",
        "writers": "lets pg_monitor, pg_read_all_data read, insert, update and delete rows where"
        " (author = CURRENT_USER)",
        "moves": "lets every role update rows where (author = CURRENT_USER), and make of them"
        " every row",
        "floor": "lets every role delete only rows where (likes = 0)",
    }
    assert policies["own"].weight is Weight.CHANGE
    assert policies['"all"'].kind == "policy that opens every row"
    assert policies["floor"].kind == "restrictive policy"
    question = policies['"any insert"'].question
    assert question is not None
    assert question.key == 'policy public.posts "any insert"'


COUNT = """
    create function {name}() returns trigger language plpgsql as $$
    begin
        -- update ghosts set seen = true
        update public.posts as p set likes = coalesce(likes, 0) + 1 where p.id = new.post;
        return null;
    end
    $$;
    create trigger {name} after insert on likes for each row execute function {name}();
"""
LOG = """
    create function {name}_inner(p integer) returns void language sql as
        'insert into log (post) values (p)';
    create function {name}() returns trigger language plpgsql as $$
    begin
        perform {name}_inner(new.post);
        return null;
    end
    $$;
    create trigger {name} after update on likes for each row execute function {name}();
"""
STAMP = """
    create function {name}() returns trigger language plpgsql as $$
    begin
        if new.likes = old.likes then
            NEW.changed = now();
        end if;
        return new;
    end
    $$;
    create trigger {name} before update on posts for each row execute function {name}();
"""


def test_trigger_that_does_the_same_as_a_declared_one_is_told(found: Found) -> None:
    declared = TABLES + "".join(each.format(name="ours") for each in (COUNT, STAMP))
    declared = declared.replace("ours", "ours_count", 3).replace("ours()", "ours_stamp()")
    declared = declared.replace("trigger ours ", "trigger ours_stamp ")
    declared += LOG.format(name="ours_log")
    actual = TABLES + COUNT.format(name="count_likes") + LOG.format(name="audit")
    actual += STAMP.format(name="stamp")
    actual += """
        create function hidden() returns trigger language plpgsql as $$
        begin
            execute 'delete from ' || tg_argv[0];
            return null;
        end
        $$;
        create trigger hidden after delete on likes for each row execute function hidden('log');
        create trigger off after delete on likes for each row execute function hidden('log');
        alter table likes disable trigger off;
    """
    triggers = by_name(found(declared, actual))
    assert triggers["count_likes"].text == (
        "after insert calls public.count_likes(), which seems to write public.posts.likes; the"
        " declared trigger ours_count writes public.posts.likes too: it would be counted twice"
    )
    assert triggers["audit"].text == (
        "after update calls public.audit(), which seems to write public.log; the declared trigger"
        " ours_log writes public.log too: each change would leave two rows"
    )
    assert triggers["stamp"].text == (
        "before update calls public.stamp(), which seems to write public.posts.changed; the"
        " declared trigger ours_stamp writes public.posts.changed too"
    )
    assert triggers["hidden"].text == (
        "after delete calls public.hidden(), which runs SQL that it puts together: what it writes"
        " can't be seen"
    )
    assert triggers["off"].text.startswith("is disabled; after delete calls public.hidden()")
    assert {each.weight for each in triggers.values() if each.object.startswith("trigger")} == {
        Weight.DECIDE
    }


def test_trigger_elsewhere_that_writes_a_declared_table_is_told(found: Found) -> None:
    actual = TABLES + "create table theirs (post integer);"
    actual += COUNT.format(name="theirs_count").replace("insert on likes", "insert on theirs")
    trigger = by_name(found(TABLES, actual))["theirs_count"]
    assert trigger.weight is Weight.NOTE
    assert trigger.text == "calls public.theirs_count(), which seems to write public.posts"


def test_views_and_functions_that_use_what_changes_are_told(found: Found) -> None:
    actual = TABLES.replace("author text", "author varchar(20)")
    actual += """
        create view authors as select author from posts;
        create materialized view totals as select sum(likes) from posts;
        create policy mine on posts for select using (author = current_user);
        create function latest() returns setof posts language sql as 'select * from posts';
        create function unrelated() returns text language sql as $$select 'posts'$$;
    """
    findings = found(TABLES, actual)
    texts = {each.kind: each.text for each in findings}
    assert texts["uses of a converted column"] == (
        "is used by policy public.posts mine and view public.authors"
    )
    assert texts["views that use it"] == "these views read it: public.authors"
    assert texts["materialized views that use it"] == (
        "these materialized views read it: public.totals"
    )
    assert texts["functions that use it"] == "these functions seem to use it: public.latest()"


def test_names_of_something_else_are_told(found: Found) -> None:
    declared = (
        TABLES
        + """
        create index ix_posts on posts (author);
        create view totals as select sum(likes) as likes from posts;
        create view same as select 1 as one;
        create type mood as enum ('a');
        create table rooms (id integer);
        create function other_result() returns integer language sql as 'select 1';
        create function other_body() returns integer language sql as 'select 1';
        create function same() returns integer language sql as 'select 1';
    """
    )
    actual = """
        create table theirs (author text);
        create index ix_posts on theirs (author);
        create table totals (id integer);
        create view same as select 1 as one;
        create domain mood as text;
        create domain rooms as text;
        create function other_result() returns text language sql as $$select '1'$$;
        create function other_body() returns integer language sql as 'select 2';
        create function same() returns integer language sql as 'select 1';
    """
    findings = found(declared, actual)
    stops = {each.object: each.text for each in findings if each.weight is Weight.STOP}
    assert stops == {
        "index public.ix_posts": "is here, and an index of public.posts is declared with this name",
        "table public.totals": "is here, and a view is declared with this name",
        "domain public.mood": "is here, and an enum is declared with this name",
        "domain public.rooms": "is here, and a table is declared with this name",
    }
    decided = {each.object: each.text for each in findings if each.weight is Weight.DECIDE}
    assert decided == {
        "function public.other_result()": "is here, and one with another result (integer) is"
        " declared with this name",
    }
    changes = {each.object: each.plan for each in findings if each.weight is Weight.CHANGE}
    assert changes == {
        "function public.other_body()": "it is replaced by the declared one, for all that call it"
    }
