"""``examples/recompute.py``: estimate, error, df and interval from evidence alone."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from bias_audit.analysis.comparisons import compare_groups
from bias_audit.metrics.scored_probe import Settings
from bias_audit.pipeline.audit import Audit
from tests.analysis.world import controlled, job_sentences, noise, pairs, run, terms

EXAMPLE = Path(__file__).parents[2] / "examples" / "recompute.py"
SCRIPT = runpy.run_path(str(EXAMPLE))
CLUSTERS = [{"cluster": name} for name in ("one", "one", "two", "two", "two")]


def alike(words):
    """Words of which the first five are two units."""
    both = zip(words, CLUSTERS + [{}] * len(words), strict=False)
    return [word | cluster for word, cluster in both]


def frames(texts):
    return [
        {"text": text} | cluster
        for text, cluster in zip(texts, [*CLUSTERS[:3], *[{}] * len(texts)], strict=False)
    ]


def texts(count):
    verbs = ("met", "saw", "heard", "left", "found", "sold", "gave", "lost", "held", "sent")
    return [f"{verb.title()} by the [group], <mask> {verb} me." for verb in verbs[:count]]


POLES = {"plus": alike(terms("gain", 7)), "minus": alike(terms("loss", 6))}
DESIGNS = {
    "others": {
        "groups": {g: alike(terms(g * 3, n)) for g, n in zip("abc", (6, 5, 8), strict=True)},
        "frames": frames(texts(10)),
    },
    "pairs": {
        "groups": {"a": alike(pairs("ann", 7)), "b": alike(pairs("bob", 7))},
        "frames": frames(texts(10)),
    },
    "these group words": {"groups": {"a": terms("ann", 2), "b": terms("bob", 3)}},
    "masked groups": {
        "groups": {"a": terms("ann", 1), "b": terms("bob", 1)},
        "mask": "group",
        "frames": job_sentences(9),
    },
}


def rough(p):
    gap = 0.5 if (p.group, p.pole) == ("a", "+") else 0.0
    lean = 0.3 * noise(p.group, p.target) + 0.3 * noise(p.template, p.group, p.pole)
    return gap + lean + 0.4 * noise(p.term, p.pole) + 0.2 * noise(p.text, p.target)


@pytest.fixture(scope="module", params=DESIGNS, ids=str)
def done(request):
    return run(controlled(**(POLES | DESIGNS[request.param])), rough)


def test_evidence_alone_gives_both_intervals(done):
    evidence = done.evidence(full=True)
    scored = compare_groups(done.measured.scored["trial"], Settings())
    stored = [one for one in done.results.results if one.role == "primary"]
    for result, exact in zip(stored, scored, strict=True):
        rows, weights = SCRIPT["cells_of"](evidence, result.model_dump())
        random = SCRIPT["SAMPLES"][result.scope]
        for claim, sources in (
            (exact.these_words, random),
            (exact.words_of_this_kind, [*random, "target"]),
        ):
            again = SCRIPT["recompute"](rows, weights, sources)
            expected = (claim.estimate, claim.se, claim.df, *claim.interval())
            assert again == pytest.approx(expected, rel=1e-9, abs=1e-9)
        for name, columns in (
            ("templates", ["template_cluster"]),
            ("targets", ["pole", "target_cluster"]),
        ):
            assert len(rows[columns].drop_duplicates()) == result.clusters[name]
    held = done.results.results[0]
    assert held.estimate == pytest.approx(scored[0].these_words.estimate, rel=1e-7)


def test_both_intervals_have_the_confidence_that_was_asked_for():
    done = run(controlled(**POLES), rough, settings=Settings(confidence=0.8, resamples=99))
    (result,) = [one for one in done.results.results if one.role == "primary"]
    rows, weights = SCRIPT["cells_of"](done.evidence(full=True), result.model_dump())
    random = SCRIPT["SAMPLES"][result.scope]
    for claim, sources in ((result, random), (result.words_of_this_kind, [*random, "target"])):
        again = SCRIPT["recompute"](rows, weights, sources, level=0.8)
        assert again[-2:] == pytest.approx((claim.ci_low, claim.ci_high), rel=1e-6)


def test_the_script_reads_a_folder(done, tmp_path, capsys):
    folder = done.save(tmp_path / "run")
    (tmp_path / "latest").write_text("run\n", encoding="utf-8")
    result = next(one for one in Audit.load(folder).results.results if one.role == "primary")
    SCRIPT["main"](str(tmp_path / "latest"), result.id)
    out = capsys.readouterr().out
    assert (out.count("  agrees"), out.count("differs")) == (3, 0)
    lines = [line.split() for line in out.splitlines() if "stored" in line]
    intervals = 2 * ["estimate", "se", "df", "ci_low", "ci_high"]
    assert [line[0] for line in lines] == [*intervals, "p_value", "p_adjusted"]
    for name, _, stored, _, again in lines:
        assert float(again) == pytest.approx(float(stored), rel=1e-3, abs=5e-6), name


def test_the_script_says_how_far_a_changed_number_is_off(done, tmp_path, capsys):
    folder = done.save(tmp_path / "run")
    file = folder / "results.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    result = next(one for one in stored["results"] if one["role"] == "primary")
    result["se"] += 0.5
    file.write_text(json.dumps(stored), encoding="utf-8")
    SCRIPT["main"](folder, result["id"])
    out = capsys.readouterr().out
    assert (out.count("  agrees"), out.count("  differs by 0.5 (se)\n")) == (2, 1)
