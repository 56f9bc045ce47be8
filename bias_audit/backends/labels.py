"""What text classifiers of every kind share: which of a model's labels a request means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bias_audit.backends.request_batch import Question, RejectionError, keep_answer
from bias_audit.records import FillScore, LabelRequest, Request
from bias_audit.utils.arrays import Floats

SUPPORTS: frozenset[type[Request[Any]]] = frozenset({LabelRequest})
"""The kinds of requests that a text classifier answers."""


class LabelResult(NamedTuple):
    """What is known of a text, nats, in the order of the labels."""

    log_prob: Floats
    """Log-probability of each label."""
    log_rest: Floats
    """Log-probability that it is not this label."""


def find_label(labels: Sequence[str], request: LabelRequest) -> tuple[int, bool]:
    """Return the number of the label that a request means, and whether all others are meant.

    Raises:
        RejectionError: the model knows none of the names.
    """
    known: dict[str, int] = {}
    for number, label in enumerate(labels):
        known.setdefault(label.strip().casefold(), number)
    for names, is_rest in ((request.names, False), (request.instead_of, True)):
        for name in names:
            if (number := known.get(name.strip().casefold(), -1)) >= 0:
                return number, is_rest
    message = f"no label is called {' or '.join(request.names)}: the model knows"
    raise RejectionError("not_applicable", f"{message} {', '.join(labels)}")


class LabelPlanner:
    """Requests in the terms of one classifier.

    Args:
        labels: names of its labels.
        prepare: what the model reads for each text, or why it cannot.
    """

    def __init__(
        self,
        labels: Sequence[str],
        prepare: Callable[[Sequence[str]], Mapping[str, Any | RejectionError]],
    ) -> None:
        self._labels = tuple(labels)
        self._prepare = prepare

    def plan(self, requests: Sequence[Request[Any]]) -> tuple[list[Any], list[Question]]:
        """Prepare every distinct text once, whatever is asked about it."""
        asked = [_require_label(request) for request in requests]
        texts = list(dict.fromkeys(request.text for request in asked))
        prepared = self._prepare(texts)
        fine = [text for text in texts if not isinstance(prepared[text], RejectionError)]
        number_of = {text: number for number, text in enumerate(fine)}
        questions = [self._question(request, prepared, number_of) for request in asked]
        return [prepared[text] for text in fine], questions

    def _question(
        self,
        request: LabelRequest,
        prepared: Mapping[str, Any | RejectionError],
        number_of: Mapping[str, int],
    ) -> Question:
        try:
            if isinstance(trouble := prepared[request.text], RejectionError):
                raise trouble
            label, is_rest = find_label(self._labels, request)
        except RejectionError as error:
            answer = FillScore(skip=error.skip, detail=error.detail)
            return Question((), partial(keep_answer, answer))
        number = number_of[request.text]

        def finish(results: Sequence[LabelResult]) -> FillScore:
            result = results[number]
            values = result.log_rest if is_rest else result.log_prob
            return FillScore(log_prob=min(float(values[label]), 0.0), pieces=1)

        return Question([number], finish)


def _require_label(request: Request[Any]) -> LabelRequest:
    if not isinstance(request, LabelRequest):
        raise TypeError(type(request).__name__)
    return request
