"""Measures and checks on request, from a plan to the results, on planted worlds."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bias_audit.backends import FakeBackend
from bias_audit.errors import UsageError
from bias_audit.metrics.base import spread_targets
from bias_audit.metrics.registry import OPTIONAL
from bias_audit.metrics.surface_form import VARIANTS
from bias_audit.pipeline.audit import Audit
from bias_audit.records import (
    CompletionRequest,
    Embedding,
    EmbeddingRequest,
    FillRequest,
    Prompt,
    Request,
    SentenceRequest,
    SentenceScore,
    SpanRequest,
    SpanScore,
)
from tests.analysis.world import (
    Model,
    behave,
    controlled,
    flat,
    job_sentences,
    noise,
    only,
    pairs,
    plant,
    run,
    terms,
)

PRIORS = {"she1": -3.0, "he1": -2.0, "they1": -4.0}


class Sentences(FakeBackend):
    """A stand-in whose answers a test may change."""

    def score(
        self, requests: Sequence[Request[Any]], *, skip: Container[int] = (), progress: Any = None
    ) -> Iterator[tuple[int, Any]]:
        for number, answer in super().score(requests, skip=skip, progress=progress):
            yield number, self.change(requests[number], answer)

    def change(self, request: Any, answer: Any) -> Any:
        return answer


class Speaker(Model):
    """A planted world that scores sentences too."""

    supports = FakeBackend().supports

    def __init__(self, effect: Any = flat, *, scorer: Any = None, **more: Any) -> None:
        super().__init__(behave(effect), **more)
        self.scorer = scorer or Sentences()

    def score(
        self, requests: Sequence[Request[Any]], *, skip: Container[int] = (), progress: Any = None
    ) -> Iterator[tuple[int, Any]]:
        wanted = {n: request for n, request in enumerate(requests) if n not in skip}
        words = {n for n, r in wanted.items() if self._of_words(r)}
        for model, mine in ((super(), words), (self.scorer, wanted.keys() - words)):
            if mine:
                left_out = set(range(len(requests))) - mine
                yield from model.score(requests, skip=left_out)

    @staticmethod
    def _of_words(request: Any) -> bool:
        """Whether the planted world answers: words, completions, and the sanity check."""
        kinds = (FillRequest, CompletionRequest)
        return isinstance(request, kinds) or getattr(request, "variant", "") == "original"


class Priors(Sentences):
    """Priors by the group word alone; a word of two pieces where it is asked for."""

    def __init__(self, pieces: int = 1) -> None:
        super().__init__()
        self.pieces_ = pieces
        self.asked: list[SpanRequest] = []

    def change(self, request: Any, answer: Any) -> Any:
        if not isinstance(request, SpanRequest):
            return answer
        self.asked.append(request)
        word = request.text[slice(*request.word)]
        value = PRIORS.get(word.lower(), -5.0) - (0.0 if request.hidden else 1.0)
        return SpanScore(log_prob=value, outer=2 * value, pieces=self.pieces_)


def pronouns(*groups: str, **more: Any) -> Any:
    """A probe that scores the group word."""
    named = groups or ("she", "he")
    made = {name: [{"sg": f"{name}1"}] for name in named}
    return controlled(mask="group", frames=job_sentences(8), groups=made, **more)


def leaning(prompt: Prompt) -> float:
    """The first group is raised by 1.5 nats by gains, and by 0.25 by losses."""
    raised = {"+": 1.5, "-": 0.25}.get(prompt.pole, 0.0) if prompt.group == "she" else 0.0
    return raised + 0.1 * noise(prompt.template, prompt.target, prompt.group)


def found(done: Audit, metric: str) -> list[Any]:
    return [r for r in done.results.results if r.metric == metric]


def test_a_prior_that_no_target_moves_leaves_the_contrast_as_it_is():
    """Where the prior does not depend on the target, LPBS of the poles is the log-odds gap."""
    done = run(pronouns(), Speaker(leaning, scorer=Priors()), measures=["lpbs"])
    gap = only(done)
    both, plus, minus = found(done, "lpbs")
    kind = gap.words_of_this_kind
    assert both.estimate == pytest.approx(gap.estimate, abs=1e-9)
    assert (both.ci_low, both.ci_high) == pytest.approx((kind.ci_low, kind.ci_high), abs=1e-9)
    assert both.estimate == pytest.approx(plus.estimate - minus.estimate)
    assert (plus.target, minus.target) == ("gains", "losses")
    skew = next(r for r in done.results.results if r.metric == "skew")
    assert (plus.estimate + minus.estimate) / 2 == pytest.approx(skew.estimate - (-3.0 - -2.0))
    assert [item.id for item in both.by_target] == [t.id for t in gap.by_target]
    assert len({r.p_adjusted for r in (both, plus, minus)} - {None}) >= 1


def test_priors_hide_the_target_and_nothing_else():
    scorer = Priors()
    done = run(pronouns(), Speaker(leaning, scorer=scorer), measures=["cbs", "lpbs"])
    hidden = [q.text[slice(*span)] for q in scorer.asked for span in q.hidden]
    assert set(hidden) == {f"{stem}{i}" for stem in ("gain", "loss") for i in range(1, 7)}
    assert {q.text[slice(*q.word)] for q in scorer.asked} == {"she1", "he1"}
    assert len(scorer.asked) == 8 * 12 * 2, "asked once for both measures"
    evidence = done.evidence(full=True)
    mine = evidence[evidence["probe"] == "trial"]
    assert (mine["prior_log_prob"] == mine["group"].map({"she": -3.0, "he": -2.0})).all()
    assert evidence[evidence["probe"] != "trial"]["prior_log_prob"].isna().all()


def test_the_spread_over_groups_names_the_one_that_makes_it():
    def one_apart(prompt: Prompt) -> float:
        apart = 3.0 if prompt.group == "they" else 0.0
        own = PRIORS.get((prompt.filler or "").lower(), 0.0)
        return apart + own + 0.1 * noise(prompt.text)

    probe = pronouns("she", "he", "they")
    model = Speaker(one_apart, scorer=Priors())
    (spread,) = found(run(probe, model, measures=["cbs"]), "cbs")
    assert spread.groups == ("she", "he", "they")
    assert spread.p_value is None
    assert 0 <= spread.ci_low < spread.estimate
    assert spread.effect_size == pytest.approx(math.sqrt(spread.estimate))
    assert "group they make" in spread.reason


def test_published_code_counts_every_piece_at_every_place():
    model = Speaker(leaning, scorer=Priors(pieces=2))
    done = run(pronouns(), model, measures=["cbs"])
    (outer,) = found(done, "cbs_outer")
    assert outer.estimate == pytest.approx(0.0, abs=1e-12), "twice -1 nat for both words"
    assert found(done, "cbs")[0].estimate > 0.1
    assert not found(
        run(pronouns(), Speaker(leaning, scorer=Priors()), measures=["cbs"]), "cbs_outer"
    )


class Surprised(Sentences):
    """Sentences about one group cost more, a word; the group word itself costs a lot."""

    def __init__(self, more: float) -> None:
        super().__init__()
        self.more = more

    def change(self, request: Any, answer: Any) -> Any:
        if not isinstance(request, SentenceRequest):
            return answer
        text = request.text
        spans = [m.span() for m in re.finditer(r"\S+", text)]
        own = [text[s:e].startswith(("ann", "bob")) for s, e in spans]
        base = -2.0 - (self.more if "ann" in text else 0.0)
        extra = 0.01 * noise(text)
        values = [base + extra - (4.0 if here and "ann" in text else 0.0) for here in own]
        return SentenceScore(
            log_probs=np.array(values), words=np.arange(len(spans)), spans=np.array(spans)
        )


def test_the_perplexity_gap_leaves_the_group_word_out():
    done = run(controlled(), Speaker(scorer=Surprised(0.5)), measures=["perplexity_gap"])
    (shared,), (raw,) = found(done, "perplexity_gap"), found(done, "perplexity_gap_raw")
    assert shared.estimate == pytest.approx(0.5, abs=0.02)
    assert raw.estimate > shared.estimate + 0.3
    assert (shared.unit, shared.n_terms, shared.scope) == ("nats a word", 6, "concept")
    assert shared.p_value < 0.01
    assert shared.p_adjusted >= shared.p_value


def test_the_perplexity_gap_says_what_is_left_between_words_of_equal_length():
    words = {
        name: [{"sg": f"{stem}{i}{'x' * (i % 4)}"} for i in range(8)]
        for name, stem in (("a", "ann"), ("b", "bob"))
    }
    model = Speaker(scorer=Surprised(0.5))
    (shared,) = found(
        run(controlled(groups=words), model, measures=["perplexity_gap"]), "perplexity_gap"
    )
    left, text = shared.reason.split(maxsplit=1)
    assert float(left) == pytest.approx(0.5, abs=0.05)
    assert text.startswith("nats a word at equal ")


@pytest.mark.parametrize(("more", "held"), [(0.0, True), (1.5, False)])
def test_sentences_of_one_group_that_are_less_natural_are_noticed(more: float, held: bool):
    done = run(controlled(), Speaker(plant(0.1), scorer=Surprised(more)), checks=["naturalness"])
    result = only(done)
    (check,) = [c for c in result.checks if c.id == "R12"]
    assert (check.state == "held") is held
    assert ("less_natural" in result.statuses) is not held
    assert "group a" in check.note
    record = next(p for p in done.results.probes if p.id == "trial")
    assert ("less_natural" in record.statuses) is not held


def test_a_gap_that_a_full_stop_moves_is_noticed():
    def stops(prompt: Prompt) -> float:
        ends = prompt.right.endswith(".")
        return plant(1.0 if ends else -1.0)(prompt)

    done = run(controlled(), Speaker(stops), checks=["surface"])
    (check,) = [c for c in only(done).checks if c.id == "R9"]
    assert (check.state, check.consequence) == ("not_held", "surface_dependent")
    assert "no final stop -1.0" in check.note
    assert "surface_dependent" in only(done).statuses
    steady = run(controlled(), Speaker(plant(1.0)), checks=["surface"])
    (check,) = [c for c in only(steady).checks if c.id == "R9"]
    assert check.state in ("held", "not_possible")
    assert "surface_dependent" not in only(steady).statuses


def test_the_ways_of_writing_a_sentence():
    prompt = Prompt(
        probe="p", template="t", variant="", group="a", term="man", label="man", target="nurse",
        pole="+", left="In May the man saw a ", filler="nurse", right=" here.",
        context_spans=((11, 14),),
    )  # fmt: skip
    assert {name: change(prompt, False).text for name, change in VARIANTS.items()} == {
        "no final stop": "In May the man saw a nurse here",
        "small letters": "in may the man saw a nurse here.",
        '"this" for "the"': "In May this man saw a nurse here.",
        "a space at the end": "In May the man saw a nurse here. ",
    }
    after = replace(
        prompt, left="A ", filler="nurse", right=" saw the man.", context_spans=((16, 19),)
    )
    assert VARIANTS['"this" for "the"'](after, False).text == "A nurse saw this man."
    first = replace(prompt, left="The man saw a ", context_spans=((4, 7),))
    assert VARIANTS['"this" for "the"'](first, False).text == "This man saw a nurse here."
    many = replace(prompt, left="The men saw a ", context_spans=((4, 7),))
    assert VARIANTS['"this" for "the"'](many, True).text == "These men saw a nurse here."
    assert VARIANTS["small letters"](many, True).text == "the men saw a nurse here."


def test_fills_that_depend_on_the_group_are_counted():
    def pulled(prompt: Prompt, word: str) -> float:
        return 0.1 * noise(prompt.text, word) + (
            3.0 if (word, prompt.group) == ("gold", "a") else 0
        )

    opens = [f"They gave the [group] <mask> on day {i}." for i in range(6)]
    many = {name: pairs(stem, 10) for name, stem in (("a", "ann"), ("b", "bob"))}
    probe = controlled(opens=opens, groups=many)
    (count,) = found(
        run(probe, Model(behave(flat), open_effect=pulled), measures=["disco"]), "disco"
    )
    assert count.n_templates == 6
    assert count.estimate >= 1.0
    quiet = Model(behave(flat), open_effect=lambda p, w: 0.1 * noise(p.text, w))
    (none,) = found(run(probe, quiet, measures=["disco"]), "disco")
    assert none.estimate < 0.5
    assert none.ci_low is None or none.ci_low >= 0


def test_one_label_with_several_heads_is_matched_by_its_heads():
    heads = [{"sg": f"head{i}"} for i in range(8)]
    groups = {name: {"heads": heads, "entries": [{"adjective": name * 4}]} for name in ("a", "b")}

    def pulled(prompt: Prompt, word: str) -> float:
        by_head = noise(prompt.term.split(".")[-1], word)
        return by_head + (0.5 if (word, prompt.group) == ("gold", "a") else 0)

    opens = [f"They gave the [group] <mask> on day {i}." for i in range(2)]
    model = Model(behave(flat), open_effect=pulled)
    (count,) = found(
        run(controlled(opens=opens, groups=groups), model, measures=["disco"]), "disco"
    )
    assert count.estimate >= 1.0, "pairs by head see what heads would hide"

    alone = {name: [{"sg": name * 4}] for name in ("a", "b")}
    done = run(controlled(opens=opens, groups=alone), model, measures=["disco"])
    (skip,) = [s for s in done.results.skips if s.what == "disco"]
    assert (skip.reason, skip.detail) == ("not_applicable", "it needs two words in each group")


class Leaning(Sentences):
    """Vectors of gains lie near those of the first group."""

    def change(self, request: Any, answer: Any) -> Any:
        if not isinstance(request, EmbeddingRequest):
            return answer
        about = request.text[slice(*request.word)] if request.pooling == "word" else request.text
        near = re.search("gain|ann", about) is not None
        small = 0.2 * np.array([noise(request.text, about, n) for n in range(4)])
        return Embedding(values=np.array([1.0, 0, 0, 0] if near else [0, 1.0, 0, 0]) + small)


def test_vectors_that_lean_are_found_and_marked_as_legacy():
    done = run(controlled(), Speaker(scorer=Leaning()), measures=["weat", "seat", "ceat"])
    made = [*found(done, "weat"), *found(done, "seat"), *found(done, "ceat")]
    assert [r.metric for r in made] == ["weat", "seat", "seat", "ceat"]
    assert len({r.id for r in made}) == 4
    for result in made:
        assert 1.5 < result.estimate < 2.0
        assert result.statuses == ("legacy",)
        assert (result.n_targets, result.n_terms) == (12, 12)
    assert made[0].p_value == pytest.approx(1 / 924), "every split of 12 words"
    assert [r.target for r in made[1:3]] == ["the first place ([CLS])", "the mean over all places"]
    assert made[3].p_value is None
    assert "of 10,000 draws lie between" in made[3].reason


def test_a_request_that_fits_one_of_two_says_so_for_the_other():
    other = pronouns(name="other")
    done = run([controlled(), other], Speaker(scorer=Priors()), measures=["lpbs"])
    assert {r.probe for r in found(done, "lpbs")} == {"other"}
    (skip,) = [s for s in done.results.skips if s.what == "lpbs"]
    assert (skip.probe, skip.kind, skip.reason) == ("trial", "measure", "not_applicable")


def test_a_backend_that_cannot_answer_is_refused_before_scoring():
    model = Model(behave(flat))
    for measure, probe, kind in (
        ("weat", controlled(), "EmbeddingRequest"),
        ("lpbs", pronouns(), "SpanRequest"),
    ):
        with pytest.raises(UsageError, match=f"Model does not answer {kind}"):
            run(probe, model, measures=[measure])
    assert not model.asked


def test_a_request_that_breaks_leaves_the_audit_whole():
    class Broken(Sentences):
        def change(self, request: Any, answer: Any) -> Any:
            raise RuntimeError("out of paper")

    done = run(controlled(), Speaker(plant(2.0), scorer=Broken()), measures=["weat"])
    (skip,) = [s for s in done.results.skips if s.what == "weat"]
    assert (skip.reason, skip.detail) == ("error", "out of paper")
    assert only(done).outcome == "association"
    assert not done.results.errors


def test_requests_change_no_other_number():
    model = Speaker(plant(0.4), scorer=Leaning())
    plain = run(controlled(), model)
    more = run(controlled(), model, measures=["*eat", "perplexity_gap"], checks=["*"])
    kept = [r.model_copy(update={"checks": ()}) for r in plain.results.results]
    again = [
        r.model_copy(update={"checks": ()})
        for r in more.results.results
        if r.metric not in OPTIONAL and r.metric != "perplexity_gap_raw"
    ]
    dropped = {"surface_dependent", "less_natural"}
    again = [
        r.model_copy(update={"statuses": tuple(s for s in r.statuses if s not in dropped)})
        for r in again
    ]
    assert kept == again
    assert plain.results.gates == more.results.gates
    assert "requested" not in plain.manifest
    assert more.manifest["requested"]["by_probe"]["trial"][0] == "perplexity_gap"


def test_time_that_is_up_leaves_requests_out():
    ticks = iter(range(100, 100_000, 100))
    from bias_audit.pipeline import score as measuring

    before = measuring.score_plan

    def slow(*arguments: Any, **options: Any) -> Any:
        return before(*arguments, **options, clock=lambda: float(next(ticks)))

    from bias_audit.pipeline import tasks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "score_plan", slow)
        done = run(controlled(), Speaker(), measures=["weat"], max_seconds=450.0)
    (skip,) = [s for s in done.results.skips if s.what == "weat"]
    assert (skip.reason, skip.detail) == ("limit", "the time was up")


def test_a_lost_prior_costs_its_target_and_says_so():
    class Gap(Priors):
        def change(self, request: Any, answer: Any) -> Any:
            gone = any(request.text[slice(*span)] == "gain2" for span in request.hidden)
            lost = SpanScore(skip="unscorable", detail="no mask")
            return lost if gone else super().change(request, answer)

    done = run(pronouns(), Speaker(leaning, scorer=Gap()), measures=["lpbs"])
    both = found(done, "lpbs")[0]
    assert "gain2" not in {item.text for item in both.by_target}
    (skip,) = [s for s in done.results.skips if s.what == "lpbs"]
    assert (skip.reason, skip.count) == ("unscorable", 16)
    assert len(only(done).by_target) == 12


def test_sampled_targets_do_not_hang_on_the_order_in_the_file():
    one = controlled(plus=terms("gain", 9), minus=terms("loss", 4))
    other = replace(one, targets=one.targets[::-1])
    assert spread_targets(one, 3) == spread_targets(other, 3)
    assert len(spread_targets(one, 3)) == 6
    assert spread_targets(one, 99) == {t.word.id for t in one.targets}


@pytest.mark.slow
def test_the_order_in_a_file_moves_no_number():
    """Invariant I-7."""
    one = controlled(plus=terms("gain", 8), minus=terms("loss", 8))
    turned = [replace(group, words=group.words[::-1]) for group in one.groups]
    other = replace(one, targets=one.targets[::-1], groups=tuple(turned), frames=one.frames[::-1])
    asked: dict[str, Any] = {
        "measures": ["weat", "ceat", "perplexity_gap"],
        "checks": ["surface", "naturalness"],
    }
    first, second = (run(p, Speaker(plant(0.4), scorer=Leaning()), **asked) for p in (one, other))
    for metric in ("weat", "ceat", "perplexity_gap", "perplexity_gap_raw"):
        (a,), (b,) = found(first, metric), found(second, metric)
        assert a.estimate == pytest.approx(b.estimate, abs=1e-9)
        assert a.p_value == b.p_value or a.p_value == pytest.approx(b.p_value, abs=1e-9)
    for a, b in zip(only(first).checks, only(second).checks, strict=True):
        assert (a.id, a.state) == (b.id, b.state)
        if a.id in ("R9", "R12"):
            assert a.value == pytest.approx(b.value, abs=1e-9)


def test_a_failed_instrument_marks_what_was_requested_too():
    model = Speaker(scorer=Leaning(), sane=False)
    done = run(controlled(), model, measures=["weat"])
    (result,) = found(done, "weat")
    assert result.statuses == ("legacy", "instrument_failed")
    assert result.reason == only(done).reason
