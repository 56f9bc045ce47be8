"""Completions of a causal model in an audit, from the model to the report."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bias_audit import audit, fill
from bias_audit.backends import open_backend, score_all
from bias_audit.backends.clm.completions import NOT_LAST
from bias_audit.cli.app import run
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import CompletionRequest
from tests.backends import tiny_models

FRAMES = ("The [group] was <mask>.", "In the end, the [group] became <mask>.")
FRAMES += tuple(f"{name} said that the [group] was <mask>." for name in ("She", "He", "They"))
FRAMES += tuple(f"The [group] {verb} <mask>." for verb in ("is", "had", "said", "finished"))
PROBE = f"""\
kind: probe
id: words
title: What the model says
axis: test
templates: [{", ".join(f'"{frame}"' for frame in FRAMES)}, "The [group] had <mask> to do."]
groups: {{women: [woman, lady, girl, aunt], men: [man, gentleman, boy, uncle]}}
targets: {{plus: [nurse, teacher], minus: [engineer, pilot]}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An audit of a tiny causal model, its folder, and how to make it again."""
    home = tmp_path_factory.mktemp("completions")
    (home / "words.yaml").write_text(PROBE, encoding="utf-8")
    tiny_models.build_causal(home / "model", "llama")
    catalogue = ProbeCatalogue().with_files([home / "words.yaml"])

    def ask(**options):
        return audit(
            str(home / "model"), probes="words", catalogue=catalogue, device="cpu", **options
        )

    first = ask(cache=home / "cache")
    first.save(home / "run")
    return home, ask, first


def test_groups_are_completed_by_whole_words(made):
    home, _, first = made
    backend = open_backend(str(home / "model"), device="cpu")
    group = next(g for g in first.results.probes[0].groups if g.id == "women")
    lefts = {frame: frame.split("<mask>")[0] for frame in FRAMES}
    shares: dict[str, float] = {}
    for left in lefts.values():
        texts = tuple(left.replace("[group]", word) for word in (
            "woman", "lady", "girl", "aunt", "man", "gentleman", "boy", "uncle"
        ))  # fmt: skip
        asked = [CompletionRequest(left=t, right=".", siblings=texts) for t in texts[:4]]
        for answer in score_all(backend, asked):
            for word, p in zip(answer.vocabulary, answer.words.tolist(), strict=True):
                shares[word] = shares.get(word, 0) + p / (4 * len(FRAMES))
    best = sorted(shares.items(), key=lambda pair: -pair[1])[: len(group.completions)]
    assert [c.probability for c in group.completions] == pytest.approx(
        [p for _, p in best], rel=1e-4
    )
    assert {c.token for c in group.completions} == {word for word, _ in best}


def test_the_divergence_says_how_much_is_told_apart(made):
    home, _, first = made
    (result,) = (r for r in first.results.results if r.metric == "jsd")
    (coverage,) = (c for c in result.companions if c.metric == "word_coverage")
    backend = open_backend(str(home / "model"), device="cpu")
    words = ("woman", "lady", "girl", "aunt", "man", "gentleman", "boy", "uncle")
    others = []
    for frame in FRAMES:
        texts = tuple(frame.split("<mask>")[0].replace("[group]", word) for word in words)
        asked = [CompletionRequest(left=t, right=".", siblings=texts) for t in texts]
        others += [answer.others for answer in score_all(backend, asked)]
    assert coverage.value == pytest.approx(1 - np.mean(others), abs=1e-5)
    assert 0.05 < coverage.value < 0.95
    assert result.estimate > 0
    assert result.n_templates == len(FRAMES)


def test_random_weights_decide_nothing(made):
    _, _, first = made
    judged = [r for r in first.results.results if r.metric in ("jsd", "completions")]
    assert {r.outcome for r in judged} == {"not_measurable"}
    assert all("sanity check failed" in r.reason for r in judged)


def test_a_sentence_that_goes_on_behind_the_mask_is_left_out_and_named(made):
    _, _, first = made
    lost = [s for s in first.results.skips if s.kind == "measure" and "completions of" in s.what]
    assert [(s.reason, s.detail, s.count) for s in lost] == [("not_applicable", NOT_LAST, 8)]


def test_the_report_shows_the_words(made):
    home, _, first = made
    page = (home / "run" / "report.html").read_text(encoding="utf-8")
    shown = next(c.token for c in first.results.probes[0].groups[0].completions if not c.harmful)
    assert re.search(rf"\b{shown}\b", page)
    assert "where the mask is the last word, whatever sign is behind it" in " ".join(page.split())


def test_kept_answers_give_the_same_results(made):
    home, ask, first = made
    again = ask(cache=home / "cache")
    assert again.results.results == first.results.results
    assert again.results.probes == first.results.probes
    fresh = ask(cache=False)
    assert fresh.results.results == first.results.results


def test_fill_prints_whole_words_and_what_is_left(made, capfd):
    model = ["--model", str(made[0] / "model"), "--device", "cpu"]
    assert run(["fill", FRAMES[0], "--groups", "man,woman", *model]) == 0
    out = " ".join(capfd.readouterr().out.split())
    result = fill(FRAMES[0], ["man", "woman"], str(made[0] / "model"), device="cpu")
    for group in result.groups:
        assert len(group.completions) == 10
        assert all(word.isalpha() and word in out for word, _ in group.completions)
    assert re.search(
        r"Words too rare to be told apart hold \d+ % after man, \d+ % after woman of the", out
    )
    assert [one.word for one in result.words] == [
        word
        for word, _ in sorted(
            ((w.word, max(p for p in w.probabilities if p is not None)) for w in result.words),
            key=lambda pair: -pair[1],
        )
    ]
    assert 0 < result.distances[0].jsd < 1


def test_fill_refuses_a_mask_in_the_middle_and_says_what_to_do(made, capfd):
    model = ["--model", str(made[0] / "model"), "--device", "cpu"]
    assert run(["fill", "The [group] had <mask> to do.", "--groups", "man,woman", *model]) == 2
    captured = capfd.readouterr()
    message = " ".join(captured.err.split())
    assert 'had <mask> to do." cannot be scored: read as continuation' in message
    assert "put the mask at the end of the sentence" in message
    assert captured.out == ""
