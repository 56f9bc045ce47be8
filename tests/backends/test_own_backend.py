"""A backend of the user's own: a plain class with info, supports and score."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from bias_audit import audit
from bias_audit.backends import Backend, FakeBackend, require_support, score_all
from bias_audit.backends.cache import Cache, wrap_with_cache
from bias_audit.errors import UsageError
from bias_audit.records import (
    CompletionRequest,
    FillRequest,
    FillScore,
    PairRequest,
    SentenceRequest,
)


class Own:
    """Scores words by a hash of the sentence, the last request first; the rest is a stand-in's."""

    supports = frozenset({FillRequest, CompletionRequest, SentenceRequest})

    def __init__(self, fingerprint="v1"):
        self.info = replace(FakeBackend().info, name="own", kind="own", fingerprint=fingerprint)
        self.calls = 0

    def score(self, requests, *, skip=(), progress=None):
        for number, request in reversed(list(enumerate(requests))):
            if number not in skip:
                self.calls += 1
                yield number, self.answer(request)

    def answer(self, request):
        if not isinstance(request, FillRequest):
            return score_all(FakeBackend(), [request])[0]
        text = f"{request.left}{request.filler}{request.right}"
        byte = hashlib.sha256(text.encode()).digest()[0]
        return FillScore(log_prob=-8.0 - byte / 256, pieces=1)


def run(model, **options):
    return audit(model=model, probes=["occupation-pronoun"], limit=4, **options)


def test_an_audit_takes_any_class_with_the_three_members():
    own = Own()
    assert isinstance(own, Backend)
    first = run(own, cache=False).results
    assert own.calls
    assert first.model.name == "own"
    assert run(Own(), cache=False).results.results == first.results


def test_its_answers_are_cached_in_a_folder_by_its_fingerprint(tmp_path):
    first = run(Own(), cache=tmp_path)
    again = run(Own(), cache=tmp_path)
    assert again.results.results == first.results.results
    assert (again.cache.scored, again.cache.found) == (0, first.cache.scored)
    assert run(Own("v2"), cache=tmp_path).cache.found == 0
    with pytest.raises(UsageError, match="digest"):
        run(Own(""), cache=tmp_path)


def test_what_it_does_not_answer_is_said_by_its_name(tmp_path):
    message = "^Own does not answer PairRequest"
    with pytest.raises(UsageError, match=message):
        require_support(Own(), {PairRequest})
    with (
        wrap_with_cache(Own(), Cache(folder=tmp_path)) as opened,
        pytest.raises(UsageError, match=message),
    ):
        require_support(opened.backend, {PairRequest})
