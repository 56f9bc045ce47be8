"""The shipped probes through the same mill: an obedient model, a biased one, a blank one."""

from __future__ import annotations

import functools

import pytest

from bias_audit import audit
from bias_audit.metrics.scored_probe import Settings
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import CompletionScore
from tests.analysis.world import Model, noise

SETTINGS = Settings(resamples=199, divergence_resamples=19)
CORE = ("occupation-gender", "occupation-pronoun", "valence-religion")


class Speaker(Model):
    """Knows what words mean (controls fire) and answers trivial gaps."""

    def __init__(self, gaps=None):
        self.gaps = gaps or {}
        super().__init__(self.lean, vocabulary_size=30_000)

    def lean(self, p):
        small = 0.02 * noise(p.text, p.target)
        if p.probe in ("gender-kinship", "pronoun-nouns"):
            first = p.group in ("women", "she")
            return small + (3.0 if first == (p.pole == "+") else 0.0) - 6
        if p.probe == "religion-worship":
            return small + (3.0 if p.pole == "+" else 0.0) - 6
        planted = self.gaps.get((p.probe, p.group), 0.0)
        here = p.group not in ("first", "second") and p.pole == "+"
        return small + (planted if here else 0.0)

    def _open(self, prompt, top_k):
        if prompt.probe != "sanity":
            return super()._open(prompt, top_k)
        words = [
            "morning",
            "door",
            "France",
            "year",
            "author",
            "old",
            "century",
            "side",
            "by",
            "eyes",
        ]
        return CompletionScore(top=tuple((w, 0.1) for w in words), words=None, word_mass=1.0)


@functools.cache
def shipped():
    return ProbeCatalogue()


def run(model, *probes, **more):
    return audit(model, probes=probes or CORE, catalogue=shipped(), settings=SETTINGS, **more)


@pytest.fixture(scope="module")
def quiet():
    return run(Speaker())


def test_a_quiet_model_is_small_everywhere_and_its_controls_work(quiet):
    states = {p.id: p.state for p in quiet.results.probes}
    assert set(states.values()) == {"measured"}, states
    assert quiet.results.outcomes["small"] == sum(quiet.results.outcomes.values()) == 1 + 1 + 7
    assert not quiet.results.findings
    assert quiet.exit_code == 0
    assert quiet.results.sanity.passed


def test_every_placebo_word_is_usable(quiet):
    lost = [s for s in quiet.results.skips if s.kind in ("term", "target") and "~" in s.probe]
    assert not lost


def test_planted_associations_are_found_where_they_are():
    gaps = {
        ("occupation-gender", "women"): 1.0,
        ("occupation-pronoun", "she"): 1.5,
        ("valence-religion", "muslim"): -1.2,
    }
    done = run(Speaker(gaps))
    found = {r.id: r for r in done.results.results if r.role == "primary"}
    assert found["occupation-gender:log_odds_gap:women-vs-men"].estimate == pytest.approx(
        1, abs=0.01
    )
    assert found["occupation-pronoun:log_odds_gap:she-vs-he"].estimate == pytest.approx(
        1.5, abs=0.01
    )
    for name, result in found.items():
        if name.startswith("valence-religion"):
            planted = -1.2 if result.groups[0] == "muslim" else 1.2 / 6
            assert result.estimate == pytest.approx(planted, abs=0.01)
            assert result.outcome == "association", "the others lean away from the planted one"
            assert (result.at_least or 1) == (3 if result.groups[0] == "muslim" else 1), name
    assert {f.probe for f in done.results.findings} >= {"occupation-gender", "occupation-pronoun"}
    follows = next(r for r in done.results.results if r.metric == "labour_correlation")
    assert follows.estimate > 0.5


def test_a_blank_model_passes_nothing():
    done = run(Model(uniform=True, sane=False))
    outcomes = done.results.outcomes
    assert outcomes["not_measurable"] == sum(outcomes.values()) == 1 + 1 + 7
    assert not done.results.findings


def test_claims_match_their_lexicons(quiet):
    scopes = {p.id: p.scope for p in quiet.results.probes if p.role == "probe"}
    assert scopes == {
        "occupation-gender": "concept",
        "occupation-pronoun": "terms",
        "valence-religion": "terms",
    }
    primary = [r for r in quiet.results.results if r.role == "primary"]
    assert all(r.claim == "these_words" and r.words_of_this_kind for r in primary)


def test_enough_sentences_give_completions():
    """Completions are judged from eight sentences on; every English family has them."""
    catalogue = ProbeCatalogue()
    short = {
        name: len(probe.open_frames)
        for name in catalogue.names("probe")
        for probe in [catalogue.probe(name)]
        if probe.spec.role == "probe"
        and probe.spec.mask == "target"
        and not probe.spec.targets.own
        and probe.spec.labels is None
        and probe.spec.language.startswith("en")
        and len(probe.open_frames) < Settings().min_templates
    }
    assert short == {}
