"""The page in headless Chromium, as researchers and their enemies would use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bias_audit import fill
from bias_audit.cli.app import run
from bias_audit.reports.text import percent
from tests.reports.chromium import broken_rules

from .conftest import (
    Served,
    choose,
    field_of,
    needs_extra,
    serving,
    settle,
    tables,
    visit,
    write,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, needs_extra]
HOSTILE = (
    '<script>window.x = 1</script><img src="http://evil.example/i.png" onerror="window.x = 1">'
)


@pytest.fixture
def tab(browser: Browser, served: Served) -> Iterator[Page]:
    page = visit(browser, served)
    settle(page)
    yield page
    page.context.close()


def typed(tab: Page, groups: str) -> None:
    choose(tab, "Groups from", "words that I type")
    write(tab, "Groups", groups)


def test_what_is_typed_is_answered_as_fill_answers(tab: Page) -> None:
    typed(tab, "women=woman|lady,men=man")
    write(tab, "Sentence", "Today the [group] met a <mask>.")
    write(tab, "Words to ask for", "nurse, engineer")
    made = fill(
        "Today the [group] met a <mask>.",
        {"women": ["woman", "lady"], "men": "man"},
        "fake",
        ["nurse", "engineer"],
    )
    women, men, apart, named = tables(tab, 4)
    for shown, group in zip((women, men), made.groups, strict=True):
        assert shown[0] == [group.name, "per cent"]
        assert [row[0] for row in shown[1:]] == [word for word, _ in group.completions]
        values = [float(row[1]) for row in shown[1:]]
        assert values == pytest.approx([100 * p for _, p in group.completions])
    (gap,) = made.distances
    assert f"How far apart: women and men, {gap.jsd:.3f} bits" in tab.inner_text("body")
    behind = [*gap.towards_a, *gap.towards_b]
    assert [row[:3] for row in apart[1:]] == [[w, percent(p), percent(q)] for w, p, q in behind]
    for row, (_, p, q) in zip(apart[1:], behind, strict=True):
        name, size, _sign = row[3].split()
        assert name == ("women" if p > q else "men")
        assert float(size) == pytest.approx(max(p, q) / min(p, q), rel=0.06)
    assert named[1:] == made.table()[1:]
    assert "One sentence is an anecdote" in tab.inner_text("body")


def test_other_sentences_of_the_set_are_scored_in_the_same_way(tab: Page) -> None:
    choose(tab, "Groups from", "religion")
    choose(tab, "Set of sentences", "worship")
    first = field_of(tab, "Sentence").input_value()
    tab.get_by_text(re.compile(r"Score the \d+ other sentences of this set")).click()
    tab.get_by_text(re.compile(r"Divergence over 10 sentences: from .* bits")).wait_for()
    settle(tab)
    rows = tables(tab, 4)[-1]
    assert rows[0] == ["sentence", "bits", "Christian", "Muslim"]
    assert rows[1][0] == first
    assert len(rows) == 1 + 10
    assert len({row[0] for row in rows[1:]}) == 10
    assert all(float(row[1]) > 0 for row in rows[1:])


def fill_in(tab: Page, sentences: str = "The [group] is a <mask>.") -> None:
    """Write a probe by hand, which is quicker than to collect it."""
    tab.get_by_role("tab", name="Probe file").click()
    settle(tab)
    write(tab, "Sentences, one in each line", sentences)
    write(tab, "The words of the first kind, with commas", "nurse, teacher")
    write(tab, "The words of the second kind, with commas", "engineer")


def collect(tab: Page) -> None:
    choose(tab, "Set of sentences", "occupation")
    write(tab, "Words to ask for", "nurse, teacher, engineer, pilot")
    tab.get_by_role("button", name="All sentences of this set").click()
    settle(tab)
    for kind, words in (("first", ("nurse", "teacher")), ("second", ("engineer", "pilot"))):
        for word in words:
            choose(tab, "Words to collect", word)
        tab.keyboard.press("Escape")
        tab.get_by_role("button", name=f"As words of the {kind} kind").click()
        settle(tab)
    tab.get_by_role("tab", name="Probe file").click()
    settle(tab)


def test_what_is_collected_is_a_probe_that_can_be_checked_and_run(
    tab: Page, served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    collect(tab)
    save = tab.get_by_role("button", name=re.compile("Save into"))
    write(tab, "Id, and name of the file", "who-works")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "who-works.yaml"
    loaded = Path(download.value.path()).read_text(encoding="utf-8")
    save.click()
    tab.get_by_text("Saved as").wait_for()
    path = served.folder / "mine" / "who-works.yaml"
    written = path.read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if "yaml-language-server" not in line] == (
        loaded.splitlines()
    )
    assert run(["probes", "check", str(path)]) == 0
    assert "who-works: 16 sentences, 16 group words, 4 targets" in capfd.readouterr().out
    output = str(served.folder / "of-collected")
    assert (
        run(["run", "fake", "-p", "who-works", "--probe-path", str(path), "-q", "-o", output]) == 0
    )
    save.click()
    tab.get_by_text("is there already").wait_for()
    assert path.read_text(encoding="utf-8") == written


def test_a_name_writes_nowhere_else_and_replaces_nothing(tab: Page, served: Served) -> None:
    before = sorted(served.folder.parent.rglob("*"))
    fill_in(tab)
    for name in ("../out", "/etc/out", "a/b", "..", "C:\\x", "who\u202e", "x" * 79 + "/"):
        write(tab, "Id, and name of the file", name)
        tab.get_by_text("cannot be an id").wait_for()
        assert tab.get_by_role("button", name=re.compile("Save into")).count() == 0
    write(tab, "Id, and name of the file", "occupation-gender")
    tab.get_by_role("button", name=re.compile("Save into")).click()
    tab.get_by_text("is taken").wait_for()
    assert sorted(served.folder.parent.rglob("*")) == before


def test_mistakes_of_the_probe_are_shown_with_their_place(tab: Page) -> None:
    fill_in(tab, "The [group] works.\nThe [grup] is a <mask>.")
    said = tab.get_by_role("alert").inner_text()
    assert "my-probe.yaml:10:5: " in said
    assert "my-probe.yaml:11:5: the template '02' has the unknown slot [grup]" in said
    assert "/my-probe.yaml" not in said


def test_hostile_texts_are_shown_and_not_obeyed(tab: Page, served: Served) -> None:
    typed(tab, f"{HOSTILE}=man,![b](http://evil.example/b.png)\u202e=woman")
    write(tab, "Sentence", f"{HOSTILE} **b** :material/home: [group] was <mask>.")
    write(tab, "Words to ask for", "<script>window.x</script>, $x$, <b>bold</b>")
    body = tab.inner_text("body")
    assert "Error" not in body
    shown = "".join(text for table in tables(tab, 4) for row in table for text in row)
    assert "![b](http://evil.example/b.png)\\u202e" in shown
    assert "<b>bold</b>" in shown
    tab.get_by_role("button", name="This sentence").click()
    settle(tab)
    tab.get_by_role("tab", name="Probe file").click()
    for kind in ("first", "second"):
        write(tab, f"The words of the {kind} kind, with commas", f"{HOSTILE} {kind}")
    write(tab, "Title", HOSTILE)
    assert tab.evaluate("typeof window.x") == "undefined"
    assert tab.locator("img[src*=evil], script:text('window.x')").count() == 0
    assert not [url for url in served.asked if "evil" in url]


def test_sentences_that_cannot_be_used_are_one_message(tab: Page) -> None:
    for text in ("", "   ", "[group]", "<mask>", "[group] \x00 <mask>", "\u202e"):
        write(tab, "Sentence", text)
        assert tab.get_by_role("alert").count() == 1, text
        assert "Traceback" not in tab.inner_text("body")


def test_a_very_long_text_leaves_the_page_as_it_was(tab: Page) -> None:
    write(tab, "Sentence", f"The [group] saw <mask>. {'x' * 10_000}")
    assert len(field_of(tab, "Sentence").input_value()) <= 1_000
    assert tables(tab)


def test_two_visitors_see_nothing_of_each_other(browser: Browser, served: Served) -> None:
    one, two = visit(browser, served), visit(browser, served)
    write(one, "Sentence", "The [group] bought a secret <mask>.")
    one.get_by_role("button", name="This sentence").click()
    settle(one)
    write(two, "Sentence", "The [group] sold a <mask>.")
    for tab, mine, others in ((one, "bought", "sold"), (two, "sold", "bought")):
        assert mine in field_of(tab, "Sentence").input_value()
        tab.get_by_role("tab", name="Probe file").click()
        settle(tab)
        collected = field_of(tab, "Sentences, one in each line").input_value()
        assert others not in collected + tab.inner_text("body")
    assert "secret" in field_of(one, "Sentences, one in each line").input_value()
    assert collected == ""
    one.context.close()
    two.context.close()


def open_audit(tab: Page, name: str) -> None:
    tab.get_by_role("tab", name="Stored audits").click()
    tab.get_by_text("Every score behind it").wait_for()
    if tab.get_by_role("combobox", name="Audit").input_value() != name:
        choose(tab, "Audit", name)


def test_a_stored_audit_is_browsed_down_to_its_sentences(tab: Page) -> None:
    open_audit(tab, "audit-runs/whole")
    assert re.search(r"Associations: \d of 1 comparison", tab.inner_text("body"))
    comparisons, frames, words, scores = tables(tab, 4)
    assert len(comparisons) == 2
    assert [row[0] for row in frames[1:]] != []
    assert {row[0] for row in words[1:]} == {"nurse", "teacher", "engineer", "pilot"}
    assert "32 scores" in tab.inner_text("body")
    write(tab, "Sentences that hold", "lady worked as a pilot")
    assert "1 score" in tab.inner_text("body")
    for _ in range(100):  # the table is drawn after the text above it
        (scores,) = tables(tab)[3:]
        if len(scores) == 2:
            break
        tab.wait_for_timeout(100)
    assert scores[1][0] == "The lady worked as a pilot."
    assert 0 < float(scores[1][2]) < 100


def test_an_audit_without_its_scores_says_so(tab: Page) -> None:
    open_audit(tab, "audit-runs/bare")
    tab.get_by_text("no evidence at").wait_for()
    assert len(tables(tab, 3)) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_everybody_can_read_it(browser: Browser, served: Served, scheme: str, width: int) -> None:
    """On a telephone all of it is there, and axe finds nothing, Streamlit's own parts included."""
    tab = visit(browser, served, viewport={"width": width, "height": 800}, color_scheme=scheme)
    tables(tab, 3)
    back = tab.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", back)[:3])) > 3 * 128
    assert light == (scheme == "light")
    for name in ("Sentence", "Probe file", "Stored audits"):
        tab.get_by_role("tab", name=name).click()
        settle(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert broken_rules(tab) == [], name
    tab.context.close()


def test_the_model_is_loaded_while_the_page_is_there(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, "reference") as page:
        tab = visit(browser, page)
        tab.get_by_text(re.compile("Loading the model reference, [0-9]+ MB")).wait_for()
        assert field_of(tab, "Sentence").is_enabled()
        tab.get_by_text("How far apart").wait_for(timeout=120_000)
        assert "read as mask" in tab.inner_text("body")
        assert page.peers() <= {"127.0.0.1"}
        tab.context.close()


def test_nothing_left_the_machine(tab: Page, served: Served) -> None:
    """Ask for all that the tests above made browsers ask, and for the server's connections."""
    own = (f"{served.address}/", served.address.replace("http", "ws") + "/", "data:", "blob:")
    assert len(served.asked) > 50
    assert [url for url in served.asked if not url.startswith(own)] == []
    assert served.console == []
    assert served.peers() <= {"127.0.0.1"}
    assert "Traceback" not in served.log.read_text(encoding="utf-8")
