"""Read texts with a classifier of transformers, in batches of equal length: nothing is padded."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any, Literal

import torch
from torch.nn.functional import logsigmoid

from bias_audit.backends.hf.equal_lengths import split_by_length
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.labels import LabelResult
from bias_audit.errors import ModelLoadError, ScoringError

_AUTO_ROWS = {"cpu": 128}
_FAST_ROWS = 512
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


class LabelRunner:
    """A classifier as a function from texts, in tokens, to results.

    Args:
        model: of transformers, on its device.
        batch_size: most rows in one pass; ``auto`` chooses.
    """

    def __init__(self, model: Any, batch_size: int | Literal["auto"]) -> None:
        self._model = model
        auto = _AUTO_ROWS.get(model.device.type, _FAST_ROWS)
        self._rows = auto if batch_size == "auto" else batch_size
        if model.config.get_text_config().pad_token_id is None:
            self._rows = 1  # some classifiers find the last token by it
        self._is_sigmoid = model.config.problem_type == _SIGMOID

    def stream(
        self,
        texts: Sequence[tuple[int, ...]],
        results: Sequence[LabelResult],
        needed: Container[int],
    ) -> Iterator[list[int]]:
        """Fill in the results batch by batch, and yield the numbers of the texts done.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a text.
        """
        for batch in split_by_length(texts, self._rows, needed):
            self._read([texts[n] for n in batch], [results[n] for n in batch])
            yield batch

    def _read(self, texts: Sequence[tuple[int, ...]], results: Sequence[LabelResult]) -> None:
        ids = torch.tensor(texts, dtype=torch.long, device=self._model.device)
        try:
            with torch.inference_mode():
                output = self._model(input_ids=ids, attention_mask=torch.ones_like(ids))
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise ScoringError(f"the model cannot read a text: {error}") from error
        logits = output.logits.double().cpu()
        if logits.shape != (len(texts), self._model.config.num_labels):
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
        for result, log_prob, log_rest in zip(results, own.numpy(), rest.numpy(), strict=True):
            result.log_prob, result.log_rest = log_prob, log_rest


def _log_rest(log_probs: torch.Tensor) -> torch.Tensor:
    """Log-probability of all labels but one, for each; no digit is lost to a subtraction from 1."""
    count = log_probs.shape[1]
    others = [[i for i in range(count) if i != left_out] for left_out in range(count)]
    return torch.stack([log_probs[:, each].logsumexp(dim=1) for each in others], dim=1)
