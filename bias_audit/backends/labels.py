"""What text classifiers of every kind share: which of a model's labels a request means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bias_audit.backends.request_batch import RejectionError, TextQuestion
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


def ask_label(labels: Sequence[str], request: Request[Any]) -> TextQuestion:
    """Return the text of a request, and how a classifier's result for it is the answer.

    ``labels``: names of all labels, in the order of the scores.
    """
    if not isinstance(request, LabelRequest):
        raise TypeError(type(request).__name__)
    try:
        label, is_rest = find_label(labels, request)
    except RejectionError as error:
        return TextQuestion((request.text,), error.score)

    def answer(results: Sequence[LabelResult]) -> FillScore:
        values = results[0].log_rest if is_rest else results[0].log_prob
        return FillScore(log_prob=min(float(values[label]), 0.0), pieces=1)

    return TextQuestion((request.text,), answer)
