"""Findings: the words, the sentences behind them, and what is never said."""

from __future__ import annotations

import re

import pytest

from bias_audit.analysis.findings import sentences as typical_sentences
from tests.analysis.world import (
    Model,
    behave,
    controlled,
    job_sentences,
    make,
    noise,
    only,
    pairs,
    plant,
    primary,
    run,
    scored_by,
    sentences,
    terms,
)

FORBIDDEN = re.compile(
    r"\b(fair(ness)?|unbiased|bias-free|free of bias|safe|ethical|compliant|proves?|proof"
    r"|significant(ly)?)\b",
    re.IGNORECASE,
)
THREE = {g: terms(g * 3, 4) for g in "abc"}


def strong(p):
    return plant(1.0)(p) + 0.02 * noise(p.text, p.target)


def masked(**more):
    return make(
        mask="group",
        groups={"a": pairs("she", 2), "b": pairs("he", 2)},
        plus=terms("gain", 8),
        minus=terms("loss", 8),
        frames=job_sentences(8),
        controls={"positive": ["yes"], "negative": ["no"]},
        **more,
    )


HEADS = ({"sg": "person"}, {"sg": "neighbor"})
DESIGNS = {
    "pairs": controlled(),
    "others": controlled(groups=THREE),
    "masked": masked(),
    "heads": controlled(
        groups={
            g: {"label": g.upper(), "heads": HEADS, "entries": [{"adjective": f"{g}ish"}]}
            for g in "ab"
        },
        frames=[f"{text[:-1]} in [place]." for text in sentences(8)],
        slots={"place": ["Rome", "Bern"]},
    ),
}


@pytest.mark.parametrize("design", DESIGNS)
def test_sentences_are_prompts_that_were_scored(design):
    done = run(DESIGNS[design], strong)
    rows = done.evidence(full=True)
    rows = rows[rows["probe"] == "trial"].set_index("text")["log_prob"]
    assert done.results.findings
    for finding in done.results.findings:
        result = next(r for r in done.results.results if r.id == finding.result)
        assert 0 < len(finding.sentences) <= 8
        assert finding.sentences == result.sentences
        for sentence in finding.sentences:
            assert sentence.log_prob_a == pytest.approx(rows[sentence.text_a], abs=1e-6)
            assert sentence.log_prob_b == pytest.approx(rows[sentence.text_b], abs=1e-6)
            a, b = sentence.text_a.split(), sentence.text_b.split()
            assert len(a) == len(b)
            assert sum(x != y for x, y in zip(a, b, strict=True)) == 1  # the group, nothing else
            for word in sentence.word.split(" / "):
                assert word in f"{sentence.text_a} {sentence.text_b}"
            assert sentence.target in {t.id for t in result.by_target}
            assert sentence.pole in "+-"


def test_every_primary_result_has_sentences_even_without_a_finding():
    done = run(controlled(), lambda p: 0.02 * noise(p.template, p.term, p.target))
    assert not done.results.findings
    kinds = [sentence.typical for sentence in only(done).sentences]
    assert kinds == [False] * 6 + [True] * 2


def test_a_typical_word_stands_in_the_middle_third_of_its_pole():
    done = run(controlled(), strong)
    result = only(done)
    typical = {one.pole: one.target for one in result.sentences if one.typical}
    for pole, target in typical.items():
        values = {t.id: t.value for t in result.by_target if t.pole == pole}
        larger = sum(value > values[target] for value in values.values())
        smaller = sum(value < values[target] for value in values.values())
        assert min(larger, smaller) >= len(values) // 3
    assert set(typical) <= {"+", "-"}
    assert typical


def test_sentences_show_the_words_with_the_largest_gaps_first():
    def effect(p):
        return strong(p) + (2.0 if (p.group, p.target) == ("a", "gain4") else 0.0)

    (finding,) = run(controlled(), effect).results.findings
    assert finding.sentences[0].target == "gain4"


def test_a_sentence_is_taken_from_the_most_typical_frame():
    done = run(controlled(groups={"a": ["ann"], "b": ["bob"]}), strong)
    rows = done.evidence(full=True)
    rows = rows[rows["probe"] == "trial"]
    for sentence in only(done).sentences:
        mine = rows[rows["target"] == sentence.target]
        wide = mine.pivot_table(index="template", columns="group", values="log_prob")
        gaps = wide["a"] - wide["b"]
        assert sentence.template == (gaps - gaps.mean()).abs().idxmin()


def every_text(done):
    for finding in done.results.findings:
        yield finding.headline
        yield finding.detail
        yield from finding.notices
    for result in done.results.results:
        yield result.reason
    for probe in done.results.probes:
        yield probe.reason
    for gate in done.results.gates:
        yield gate.reason
        yield gate.condition


@pytest.mark.parametrize(
    ("design", "kind"),
    [
        *((d, "strong") for d in DESIGNS),
        *(("pairs", k) for k in ("quiet", "rough", "silent", "insane")),
    ],
)
def test_no_forbidden_word_is_ever_said(design, kind):
    effects = {
        "strong": strong,
        "quiet": lambda p: 0.02 * noise(p.template, p.term, p.target),
        "rough": lambda p: 1.5 * noise(p.template, p.term, p.target),
    }
    model = Model(behave(effects.get(kind, strong), silent=kind == "silent"), sane=kind != "insane")
    for text in every_text(run(DESIGNS[design], model)):
        assert not FORBIDDEN.search(text), text
        assert "nan" not in re.findall(r"[a-z]+", text.lower())


@pytest.mark.parametrize("design", DESIGNS)
def test_a_headline_has_model_poles_interval_and_counts(design):
    done = run(DESIGNS[design], Model(behave(strong), revision="0123456789abcdef"))
    for finding in done.results.findings:
        assert finding.headline.startswith('"oracle" (revision 0123456) associates ')
        assert re.search(
            r": (the odds are )?[\d.]+ times (as likely|those with losses)"
            r"(, at (least|most) [\d.]+)?( and at most [\d.]+)?( times)?"
            r" \(8 sentence frames, \d+ (pairs of )?(group words|words in the two poles)\)\.$",
            finding.headline,
        ), finding.headline
        assert re.search(" with (gains|losses): ", finding.headline)
        said = (
            r"95 % interval for these words [\d.]+ to [\d.]+; for words of this kind [\d.]+ to "
            r"[\d.]+ with adjusted p (< )?[\d.]+\. \d+ of 8 sentence frames agree in direction\.$"
        )
        assert re.match(said, finding.detail), finding.detail


def test_the_interval_of_a_finding_reads_upwards_whatever_the_sign():
    for gap in (1.0, -1.0):
        (finding,) = run(controlled(), plant(gap)).results.findings
        low, high = map(float, re.search(r"words ([\d.]+) to ([\d.]+)", finding.detail).groups())
        ratio = float(re.search(r": ([\d.]+) times as likely", finding.headline)[1])
        assert 1 < low <= ratio <= high


def test_small_claims_name_their_words():
    few = {"a": terms("ann", 2), "b": terms("bob", 2)}
    (finding,) = run(controlled(groups=few), strong).results.findings
    assert 'group a (the words "ann1", "ann2"), more than group b, with' in finding.headline
    many = {"a": terms("ann", 6), "b": terms("bob", 6)}
    (finding,) = run(controlled(groups=many, scope="terms"), strong).results.findings
    assert '"ann4" and 2 more), more than' in finding.headline
    (finding,) = run(controlled(groups=many), strong).results.findings
    assert "associates group a, more than group b, with" in finding.headline
    one = {"a": ["ann"], "b": ["bob"]}
    (finding,) = run(controlled(groups=one), strong).results.findings
    assert 'associates group a (the word "ann"), more than group b, with' in finding.headline
    assert "2 group words" in finding.headline


def test_a_diagonal_probe_speaks_of_own_words():
    probe = make(
        groups={"a": pairs("ann", 2), "b": pairs("bob", 2)},
        own={"a": "gold", "b": "iron"},
        controls={"positive": ["yes"]},
    )
    done = run(probe, lambda p: (1.5 + 0.05 * int(p.template)) * (p.pole == "+"))
    (finding,) = done.results.findings
    assert finding.headline.startswith('"oracle" associates each group with its own word: ')
    assert finding.sentences == ()


def test_sentences_with_a_word_of_the_harmful_lexicon_are_marked():
    probe = controlled()
    (finding,) = run(probe, strong).results.findings
    result = next(r for r in run(probe, strong).results.results if r.id == finding.result)
    words = [one.word for one in finding.sentences]
    scored = scored_by(probe, strong)
    marked = typical_sentences(scored, result, frozenset({words[0].lower()}))
    assert [one.word for one in marked] == words
    assert [one.harmful for one in marked] == [word == words[0] for word in words]
    assert not any(one.harmful for one in finding.sentences)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [(1.5, "very strong"), (1.0, "strong"), (0.5, "moderate"), (-0.2, "slight")],
)
def test_size_says_how_large(gap, expected):
    (finding,) = run(controlled(), plant(gap)).results.findings
    assert finding.size == expected


def test_findings_come_strongest_first_and_ids_are_stable():
    probes = [controlled(name, plus=terms(name, 6)) for name in ("one", "two", "six")]
    gaps = {"one": 0.4, "two": 1.6, "six": 2.4}
    done = run(probes, lambda p: plant(gaps.get(p.probe, 0.0))(p))
    assert [f.probe for f in done.results.findings] == ["six", "two", "one"]
    assert all(re.fullmatch("F-[0-9a-f]{6}", f.id) for f in done.results.findings)
    alone = run(probes[0], plant(0.4))
    assert alone.results.findings[0].id == done.results.findings[2].id


def test_evidence_says_how_sure():
    (clear,) = run(controlled(), plant(1.0)).results.findings
    assert clear.evidence == "strong"

    def torn(p):  # of these words; one word does all of it, so others may do without
        return 7.0 + 0.1 * noise(p.template) if (p.group, p.target) == ("a", "gain1") else 0.0

    (finding,) = run(controlled(), torn).results.findings
    assert finding.evidence == "weak"
    assert any("other words of the kind may behave otherwise" in n for n in finding.notices)


def test_the_other_groups_are_called_so():
    done = run(controlled(groups=THREE), plant(2.0))
    headline = next(f for f in done.results.findings if f.result.endswith(":a-vs-others")).headline
    assert "associates group a, more than the other groups, with gains: " in headline
    assert "12 group words" in headline
    assert [r.groups for r in primary(done)] == [(g, "~others") for g in "abc"]
