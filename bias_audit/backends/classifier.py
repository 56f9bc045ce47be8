"""Answer requests with a text classifier: how likely is a label for a sentence?"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.hf.labels import LabelRunner, read_labels
from bias_audit.backends.hf.load import load, quiet
from bias_audit.backends.hf.model_files import ModelOptions
from bias_audit.backends.hf.tokenization import Encoder
from bias_audit.backends.labels import READ, SUPPORTS, LabelPlanner, LabelResult
from bias_audit.backends.masked_lm import require_batch_size
from bias_audit.backends.request_batch import RejectionError, RequestBatch
from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import ProgressCallback, Request


class TextClassifier:
    """A classifier of single sentences as a backend, in the reading ``label``.

    A label's score is its log-probability: by softmax over all labels, or by sigmoid where the
    configuration says that labels are independent (``multi_label_classification``).

    Args:
        name: a local folder or a hub id.
        revision: branch, tag or commit on the hub.
        device: as of :class:`~bias_audit.backends.masked_lm.MaskedLM`.
        dtype: likewise.
        offline: use no network.
        allow_pickle: accept pickled weights.
        batch_size: most rows in one pass, at least 1; ``auto`` chooses.

    Raises:
        ModelLoadError: the model cannot be loaded or its scores would mean nothing.
        UsageError: a device or dtype that does not exist, or a batch size below 1.
    """

    supports = SUPPORTS

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "float32",
        offline: bool = False,
        allow_pickle: bool = False,
        batch_size: int | Literal["auto"] = "auto",
    ) -> None:
        require_batch_size(batch_size)
        options = ModelOptions(
            name=name,
            revision=revision,
            device=device,
            dtype=dtype,
            offline=offline,
            allow_pickle=allow_pickle,
        )
        loaded = load(options, reading="label")
        labels = read_labels(loaded)
        notices = (*loaded.info.notices, READ, f"its labels: {', '.join(labels)}")
        self.info = replace(loaded.info, labels=labels, notices=notices)
        self._encoder = Encoder(loaded.tokenizer)
        self._planner = LabelPlanner(labels, self._prepare)
        self._runner = LabelRunner(loaded.model, batch_size)
        try:
            with quiet():
                ids = self._encoder.encode(["."])["."].ids or (0,)
                for _ in self._runner.stream([ids], [LabelResult()], {0}):
                    pass
        except ScoringError as error:
            raise ModelLoadError(
                f"'{name}' was loaded but cannot read a short sentence: {error.message}",
                hint="the config, the weights and the tokenizer may belong to different models",
            ) from error

    def score(
        self,
        requests: Sequence[Request[Any]],
        *,
        skip: Container[int] = (),
        progress: ProgressCallback | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Answer each request, batch by batch; every text is read once.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a sentence.
        """
        batch = RequestBatch(requests, range(len(requests)), skip, self._planner)
        yield from batch.rejections()
        results = [LabelResult() for _ in batch.queries]
        done = 0
        for texts in self._runner.stream(batch.queries, results, batch.open_queries):
            done += len(texts)
            if progress is not None:
                progress(len(requests) * done // len(results), len(requests))
            yield from batch.answers(texts, results)

    def _prepare(self, texts: Sequence[str]) -> Mapping[str, tuple[int, ...] | RejectionError]:
        """The tokens of each text; nothing is cut off."""
        prepared: dict[str, tuple[int, ...] | RejectionError] = {}
        for text, encoded in self._encoder.encode(texts).items():
            size, most = len(encoded.ids), self.info.max_length
            if encoded.trouble:
                prepared[text] = RejectionError("unscorable", encoded.trouble)
            elif not size:
                prepared[text] = RejectionError("unscorable", "the sentence is empty")
            elif size > most:
                prepared[text] = RejectionError(
                    "too_long", f"{size} pieces, the model takes {most}"
                )
            else:
                prepared[text] = encoded.ids
        return prepared
