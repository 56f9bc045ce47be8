"""Numbers of stored runs, computed again from their scores, for every design."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bias_audit.analysis.recompute import Recomputation, require_numbers
from bias_audit.errors import UsageError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results import StoredRun
from tests.analysis.world import controlled, pairs, run, terms
from tests.gates.runs import edit_results, rough, store

LEXICON = """\
kind: lexicon
id: words
title: Words
sets:
  jobs:
    population: 4
    entries: [nurse, teacher, cook]
"""
PROBE = """\
kind: probe
id: share
title: A share of all words
axis: test
templates: ["The [group] is a <mask>.", "A [group] became a <mask>.", "My [group] is the <mask>."]
groups: {women: [woman, lady], men: [man, gentleman]}
targets: {plus: {lexicon: words, set: jobs}, minus: [engineer, pilot, smith]}
"""


def recomputed(stored: StoredRun) -> Recomputation:
    again = Recomputation(stored)
    assert list(map(str, again.mismatches())) == []
    return again


@pytest.mark.parametrize(
    "groups",
    [
        {"a": pairs("ann", 4), "b": pairs("bob", 4)},
        {"a": terms("ann", 5), "b": terms("bob", 3)},
        {"a": terms("ann", 3), "b": terms("bob", 3), "c": terms("cat", 4)},
    ],
    ids=["pairs", "two groups", "several groups"],
)
def test_every_design_gives_its_stored_numbers(groups: dict[str, object], tmp_path: Path) -> None:
    done = run(controlled(groups=groups), rough)
    again = recomputed(store(done, tmp_path))
    gaps = [r for r in done.results.results if r.metric in ("log_odds_gap", "diagonal_log_odds")]
    assert again.tally["comparisons"] == len(gaps)
    sentences = sum(len(result.by_template) for result in gaps)
    words = sum(len(result.by_target) for result in gaps)
    assert (again.tally["sentence effects"], again.tally["word effects"]) == (sentences, words)


def test_words_that_are_a_share_of_their_kind(tmp_path: Path) -> None:
    """The claim about other words of the kind is narrower then, and its share is in the record."""
    from bias_audit.backends.fake import FakeBackend
    from bias_audit.pipeline.run import audit

    folder = tmp_path / "templates" / "lexicons"
    folder.mkdir(parents=True)
    (folder / "words.yaml").write_text(LEXICON, encoding="utf-8")

    (tmp_path / "share.yaml").write_text(PROBE, encoding="utf-8")
    done = audit(FakeBackend(), probes="share", catalogue=ProbeCatalogue([tmp_path]))
    assert done.results.probes[0].sampled == (0.75, 0.0)
    stored = store(done, tmp_path / "run")
    recomputed(stored)
    require_numbers(stored, stored.results.results)
    forgotten = edit_results(
        tmp_path / "run", lambda content: content["probes"][0].update(sampled=[0.0, 0.0])
    )
    found = [one.number for one in Recomputation(forgotten).mismatches()]
    assert {"p_value", "p_adjusted", "words_of_this_kind df"} <= set(found)


def test_numbers_that_differ_by_the_decimals_of_the_scores_are_equal(tmp_path: Path) -> None:
    done = run(controlled(), rough)
    store(done, tmp_path)

    def nudge(by: float) -> StoredRun:
        content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
        (result,) = (r for r in content["results"] if r["role"] == "primary")
        result["by_template"][0]["value"] += by
        (tmp_path / "results.json").write_text(json.dumps(content), encoding="utf-8")
        return StoredRun.open(tmp_path)

    assert list(Recomputation(nudge(1e-7)).mismatches()) == []
    (one,) = Recomputation(nudge(1e-4)).mismatches()
    assert one.number.startswith("by_template ")


def test_judging_refuses_an_edited_error(tmp_path: Path) -> None:
    done = run(controlled(), rough)
    store(done, tmp_path)

    def soften(content: dict[str, object]) -> None:
        (result,) = (r for r in content["results"] if r["role"] == "primary")  # type: ignore[attr-defined]
        result["n_targets"] += 1

    stored = edit_results(tmp_path, soften)
    with pytest.raises(UsageError, match="n_targets of 'trial:log_odds_gap:a-vs-b' is "):
        require_numbers(stored, [r for r in stored.results.results if r.role == "primary"])
