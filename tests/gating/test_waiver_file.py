"""The waiver file: mistakes with their places, and edits that keep what people wrote."""

# ruff: noqa: E501 - tables of cases read better in one line each

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bias_audit import waivers
from bias_audit.errors import FileError, UsageError
from tests.probes.helpers import edited, save, unmarked

TODAY = date(2026, 3, 1)
FULL = """\
# Reviewed on the first Monday of the month.
version: 1

waivers:
  # The board knows.
  - finding: F-7c31a9   # occupations
    reason: 'Fixed in the next release'
    owner: ana
    created: 2026-01-05
    expires: 2026-03-31
    up_to: 0.9
  - finding: "jobs:*"
    reason: Old model
    owner: bo
    created: 2026-02-01
    expires: 2026-04-01
# The end.
"""


def read(folder, text, today=TODAY):
    return waivers.read(save(folder, text, "bias-audit-waivers.yaml"), today)


def new(finding="g:*", **more):
    values = {"until": "2026-05-01", "reason": "known", "owner": "cy"} | more
    return waivers.make(finding, TODAY, **values)


def test_a_full_file(tmp_path):
    first, second = read(tmp_path, FULL)
    assert (first.waiver.finding, first.waiver.up_to) == ("F-7c31a9", 0.9)
    assert (first.waiver.created, first.waiver.expires) == (date(2026, 1, 5), date(2026, 3, 31))
    assert (first.file, first.line) == ("bias-audit-waivers.yaml", 6)
    assert (second.waiver.finding, second.waiver.up_to, second.line) == ("jobs:*", None, 12)
    assert read(tmp_path, "version: 1\n") == read(tmp_path, "version: 1\nwaivers: []\n") == ()


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("2026-03-31", "§2026-07-05", "'expires' is 181 days after 'created', 180 is the most", "2026-07-04 at the latest"),
        ("2026-03-31", "§2026-01-04", "'expires' is 1 day before 'created'", "remove the waiver"),
        ("2026-03-31", "§2026-02-30", "expected a day such as 2026-01-31, got '2026-02-30'", ""),
        ("2026-03-31", "§never", "expected a day such as 2026-01-31, got 'never'", ""),
        ("2026-03-31", "§2026-03-31 12:00:00", "expected a day such as 2026-01-31", ""),
        ("2026-03-31", "§20260331", "expected a day such as 2026-01-31, got '20260331'", ""),
        ("2026-02-01", "§2026-03-03", "'created' is 2026-03-03, and today is 2026-03-01", "put the day on which it was made"),
        ("owner: ana", "§ownr: ana", "unknown key 'ownr'", "did you mean 'owner'?"),
        ("    owner: bo\n", "", "the key 'owner' is missing", ""),
        ("up_to: 0.9", "up_to: §-1", "expected a number above 0, got the number -1", ""),
        ("up_to: 0.9", "up_to: §'0.9'", "expected a number, got '0.9'", ""),
        ('"jobs:*"', "§F-7c31a9", "the finding 'F-7c31a9' is here twice", "keep one of the two waivers"),
        ("    owner: bo\n", "    owner: bo\n    §owner: cy\n", "the key 'owner' is here twice", ""),
        ("owner: bo", "owner: §*ana", "an alias (*name) came", "write the value out"),
        ("version: 1", "version: §2", "expected 1, got the number 2", ""),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path, old, new, message, hint):
    text = edited(FULL, (old, new))
    text, place = unmarked(text) if "§" in new else (text, None)
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    found = next(p for p in caught.value.problems if message in p.message)
    assert hint in found.hint
    assert place is None or (found.line, found.column) == place, str(found)


def test_a_day_that_begins_earlier_elsewhere_is_no_mistake(tmp_path):
    text = FULL.replace("2026-02-01", "2026-03-02")
    assert len(read(tmp_path, text)) == 2


def test_adding_keeps_every_other_byte(tmp_path):
    path = save(tmp_path, FULL, "w.yaml")
    assert waivers.put(path, new(up_to=0.5), TODAY) is False
    text = path.read_text("utf-8")
    kept = [line for line in FULL.splitlines() if line in text.splitlines()]
    assert kept == FULL.splitlines(), text
    found = waivers.read(path, TODAY)
    assert [p.waiver.finding for p in found] == ["F-7c31a9", "jobs:*", "g:*"]
    assert found[2].waiver == new(up_to=0.5)
    assert found[2].waiver.created == TODAY


def test_replacing_keeps_place_and_comments(tmp_path):
    path = save(tmp_path, FULL, "w.yaml")
    assert waivers.put(path, new("F-7c31a9", reason="Moved again"), TODAY) is True
    text = path.read_text("utf-8")
    for comment in ("# Reviewed", "# The board knows.", "# occupations", "# The end."):
        assert comment in text
    first, second = waivers.read(path, TODAY)
    assert first.waiver == new("F-7c31a9", reason="Moved again")
    assert first.waiver.up_to is None, "a ceiling of the old waiver does not stay"
    assert second.waiver == read(tmp_path, FULL)[1].waiver
    assert 'finding: "jobs:*"' in text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "version: 1\n",
        "version: 1\nwaivers: []\n",
        "version: 1\nwaivers:\n",
        "# only this\nversion: 1\nwaivers:   # none yet\n",
        "version: 1\nwaivers:\n- finding: a\n  reason: r\n  owner: o\n  created: 2026-02-01\n  expires: 2026-03-01\n# end\n",
        "version: 1\nwaivers: [{finding: a, reason: r, owner: o, created: 2026-02-01, expires: 2026-03-01}]\n",
        "{version: 1, waivers: []}\n",
    ],
)  # fmt: skip
def test_any_shape_of_file_can_be_added_to(tmp_path, text):
    path = tmp_path / "w.yaml"
    before = []
    if text is not None:
        path.write_text(text, "utf-8")
        before = [placed.waiver for placed in waivers.read(path, TODAY)]
    second = new("second", reason='He said "no": wait #1')
    waivers.put(path, new("first"), TODAY)
    waivers.put(path, second, TODAY)
    assert [p.waiver for p in waivers.read(path, TODAY)] == [*before, new("first"), second]
    kept = path.read_text("utf-8")
    assert all(
        comment in kept
        for comment in ("# only this", "# none yet", "# end")
        if text and comment in text
    )
    if text and "- finding: a" in text:
        assert kept.startswith(text.removesuffix("# end\n"))


def test_a_file_with_mistakes_is_left_alone(tmp_path):
    for text in (FULL.replace("ana", "*x"), FULL.replace("2026-03-31", "2027-03-31"), "a: ["):
        path = save(tmp_path, text, "w.yaml")
        with pytest.raises(FileError):
            waivers.put(path, new(), TODAY)
        assert path.read_text("utf-8") == text


def test_an_edit_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = save(tmp_path, FULL, "w.yaml")
    monkeypatch.setattr(waivers, "_edited", lambda *_: FULL.replace("ana", "eve"))
    with pytest.raises(UsageError, match="cannot be edited safely"):
        waivers.put(path, new(), TODAY)
    assert path.read_text("utf-8") == FULL


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ({"until": "2026-08-29"}, "--until: 'expires' is 181 days after", "2026-08-28 at the latest"),
        ({"until": "soon"}, "--until: expected a day such as 2026-01-31, got 'soon'", ""),
        ({"until": "2026-02-28"}, "--until: 'expires' is 1 day before 'created'", ""),
        ({"up_to": -1.0}, "--up-to: expected a number above 0, got the number -1", ""),
        ({"up_to": float("nan")}, "--up-to: expected a finite number", ""),
        ({"reason": "two\nlines"}, "--reason: ", ""),
        ({"owner": ""}, "--owner: ", ""),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used(more, message, hint):
    with pytest.raises(UsageError) as caught:
        new(**more)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_until_the_last_day_that_is_allowed():
    assert new(until=str(TODAY + timedelta(days=180))).expires == date(2026, 8, 28)
    assert new(until=str(TODAY)).expires == TODAY
