"""Read the labels of a classifier of transformers, and texts with it."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch.nn.functional import logsigmoid

from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.texts import TextRunner
from bias_audit.backends.labels import LabelResult
from bias_audit.errors import ModelLoadError, ScoringError

_SIGMOID = "multi_label_classification"


def read_labels(loaded: LoadedModel) -> tuple[str, ...]:
    """Return the names of a classifier's labels in the order of its scores.

    Raises:
        ModelLoadError: it has fewer than two, or gives numbers in place of labels.
    """
    config, name = loaded.model.config, loaded.info.name
    if config.problem_type == "regression":
        raise ModelLoadError(
            f"'{name}' was trained to give a number (problem_type: regression), not a label",
            hint="use a classifier of two labels or more",
        )
    if config.num_labels < 2:
        raise ModelLoadError(
            f"expected a text classifier of two labels or more, but '{name}' has"
            f" {config.num_labels}",
            hint="save it with num_labels=2, or wrap it in a function: python:MODULE:FUNCTION",
        )
    names = tuple(str(config.id2label.get(n, n)) for n in range(config.num_labels))
    twice = sorted({label for label in names if names.count(label) > 1})
    if twice:
        raise ModelLoadError(
            f"two labels of '{name}' are called '{twice[0]}'",
            hint="correct id2label in config.json",
        )
    return names


class LabelRunner(TextRunner[LabelResult]):
    """A classifier as a function from texts, in tokens, to log-probabilities of its labels."""

    cpu_rows = 128

    def __init__(self, model: Any, batch_size: int | Literal["auto"]) -> None:
        super().__init__(model, batch_size)
        if model.config.get_text_config().pad_token_id is None:
            self._rows = 1  # some classifiers find the last token by it
        self._is_sigmoid = model.config.problem_type == _SIGMOID

    def _results(self, output: Any, count: int) -> list[LabelResult]:
        logits = output.logits.double().cpu()
        if logits.shape != (count, self._model.config.num_labels):
            raise ScoringError(
                f"expected {self._model.config.num_labels} scores for each text, got"
                f" {tuple(logits.shape[1:])}"
            )
        if not bool(logits.isfinite().all()):
            raise ScoringError(
                "the model returned a score that is not a number",
                hint="its weights or its half-precision arithmetic are broken; try --dtype float32",
            )
        own = logsigmoid(logits) if self._is_sigmoid else logits.log_softmax(dim=1)
        rest = logsigmoid(-logits) if self._is_sigmoid else _log_rest(own)
        return [LabelResult(*each) for each in zip(own.numpy(), rest.numpy(), strict=True)]


def _log_rest(log_probs: torch.Tensor) -> torch.Tensor:
    """Log-probability of all labels but one, for each; no digit is lost to a subtraction from 1."""
    count = log_probs.shape[1]
    others = [[i for i in range(count) if i != left_out] for left_out in range(count)]
    return torch.stack([log_probs[:, each].logsumexp(dim=1) for each in others], dim=1)
