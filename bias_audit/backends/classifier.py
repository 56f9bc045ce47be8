"""Answer requests with a text classifier: how likely is a label for a sentence?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from bias_audit.backends.hf.labels import LabelRunner, read_labels
from bias_audit.backends.hf.load import LoadedModel
from bias_audit.backends.hf.texts import TextBackend
from bias_audit.backends.labels import SUPPORTS, LabelResult, ask_label
from bias_audit.backends.request_batch import TextQuestion
from bias_audit.records import Request


class TextClassifier(TextBackend[LabelResult]):
    """A classifier of single sentences as a backend, in the reading ``label``.

    A label's score is its log-probability: by softmax over all labels, or by sigmoid where the
    configuration says that labels are independent (``multi_label_classification``).
    """

    reading = "label"
    supports = SUPPORTS

    def _start(self, loaded: LoadedModel, batch_size: int | Literal["auto"]) -> None:
        labels = read_labels(loaded)
        notices = (*loaded.info.notices, f"its labels: {', '.join(labels)}")
        self.info = replace(loaded.info, labels=labels, notices=notices)
        self._try(loaded, LabelRunner(loaded.model, batch_size))

    def _ask(self, request: Request[Any]) -> TextQuestion:
        return ask_label(self.info.labels, request)
