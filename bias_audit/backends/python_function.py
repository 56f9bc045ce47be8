"""Answer requests with a function of the user: a list of texts in, their scores out."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bias_audit.backends.base import require_batch_size
from bias_audit.backends.labels import SUPPORTS, LabelResult, ask_label
from bias_audit.backends.request_batch import TextQuestion, TextReader
from bias_audit.errors import ModelLoadError, ScoringError
from bias_audit.records import ModelInfo, Request
from bias_audit.utils.arrays import Floats
from bias_audit.utils.readings import READINGS

PREFIX = "python:"
FORM = "python:MODULE:FUNCTION"
_ROWS = 64
_LEAST = 1e-12
"""Probabilities below this, or as near to 1, count as this: their logarithm has to be finite."""
_SAMPLE = ("The shop opens at nine.", "It rained.", "They went home early.")
_OF_ONE = ("1", "0")
"""Labels of a function that gives one number for each text, unless it says others."""
_HINT = "; name its labels: --labels toxic,neutral"
Function = Callable[[list[str]], Any]


def find_function(name: str) -> Function:
    """Import the function that ``python:module:function`` names; the current folder counts.

    Raises:
        ModelLoadError: there is no such module or function, or importing it fails.
    """
    module, colon, function = name.removeprefix(PREFIX).partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), function)):
        raise ModelLoadError(f"expected {FORM}, got '{name}'", hint="for example python:mine:score")
    here = str(Path.cwd())
    with contextlib.redirect_stdout(sys.stderr):
        sys.path.insert(0, here)
        try:
            loaded = importlib.import_module(module)
        except Exception as error:  # whatever the user's own code raises
            raise ModelLoadError(
                f"the module '{module}' could not be imported: {type(error).__name__}: {error}",
                hint=f"run from the folder that holds {module.split('.')[0]}.py, or install it",
            ) from error
        finally:
            sys.path.remove(here)
    found = getattr(loaded, function, None)
    if not callable(found):
        what = "nothing of that name" if found is None else "no function"
        raise ModelLoadError(
            f"'{module}' has {what}: {function}", hint="name a function from texts to scores"
        )
    return found  # type: ignore[no-any-return]  # a callable of the user


class PythonClassifier(TextReader):
    """A function as a backend, in the reading ``label``.

    It gets a list of texts and returns probabilities: an array of texts x labels, or one number
    for each text, that of its first label. It has no digest, so its scores are not cached.

    Args:
        function: the function, or where it is: ``python:module:function``.
        labels: names of its labels in order; those of ``function.labels`` when None.
        batch_size: most texts in one call.

    Raises:
        ModelLoadError: it cannot be imported, or not be used.
        UsageError: a batch size below 1.
    """

    supports = SUPPORTS

    def __init__(
        self,
        function: str | Function,
        *,
        labels: Sequence[str] | None = None,
        batch_size: int | Literal["auto"] = "auto",
    ) -> None:
        require_batch_size(batch_size)
        is_name = isinstance(function, str)
        self._function: Function = find_function(function) if is_name else function  # type: ignore[arg-type,assignment]
        of = getattr(self._function, "__qualname__", type(self._function).__name__)
        self._name = str(function) if is_name else f"{PREFIX}{of}"
        self._rows = _ROWS if batch_size == "auto" else batch_size
        declared = labels if labels is not None else getattr(self._function, "labels", None)
        self._labels: tuple[str, ...] = ()
        try:
            shape = self._call(list(_SAMPLE)).shape
            self._labels = self._name_labels(declared, shape)
            self._scores(list(_SAMPLE))
        except ScoringError as error:
            raise ModelLoadError(
                f"'{self._name}' cannot be used: {error.message}", hint=error.hint
            ) from error
        named = declared is not None
        self.info = ModelInfo(
            name=self._name,
            revision=None,
            fingerprint="",
            tokenizer_digest="",
            kind="python",
            architecture=of,
            reading="label",
            labels=self._labels,
            vocabulary_size=0,
            parameters=0,
            max_length=0,
            dtype="float64",
            device="cpu",
            notices=(
                READINGS["label"].notice,
                f"its labels: {', '.join(self._labels)}{'' if named else _HINT}",
                "scores come from a Python function without a digest: they are not kept",
            ),
        )

    def _ask(self, request: Request[Any]) -> TextQuestion:
        return ask_label(self._labels, request)

    def _prepare(self, texts: Sequence[str]) -> Mapping[str, str]:
        return {text: text for text in texts}

    def _read(
        self, rows: Sequence[str], needed: Container[int]
    ) -> Iterator[dict[int, LabelResult]]:
        waiting = iter([number for number in range(len(rows)) if number in needed])
        while numbers := list(islice(waiting, self._rows)):
            values = self._scores([rows[number] for number in numbers])
            results = (LabelResult(np.log(row), np.log1p(-row)) for row in values)
            yield dict(zip(numbers, results, strict=True))

    def _scores(self, texts: list[str]) -> Floats:
        """The probabilities of texts x labels, away from 0 and 1."""
        values = self._call(texts)
        if values.ndim == 1:
            values = np.stack([values, 1 - values], axis=1)
        expected = len(texts), len(self._labels)
        if values.shape != expected:
            raise ScoringError(
                f"expected {expected[0]} x {expected[1]} scores (texts x labels), got"
                f" {' x '.join(map(str, values.shape))}",
                hint="return one row for each text, in the order of the texts",
            )
        return np.clip(values, _LEAST, 1 - _LEAST)

    def _call(self, texts: list[str]) -> Floats:
        """What the function returns for some texts, as numbers; what it prints goes to stderr."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                values = np.asarray(self._function(list(texts)), dtype=np.float64)
        except Exception as error:  # whatever the user's own code raises
            raise ScoringError(
                f"the function raised {type(error).__name__}: {error}",
                hint="it has to take a list of texts and return an array of probabilities",
            ) from error
        if values.ndim not in (1, 2) or len(values) != len(texts):
            raise ScoringError(
                f"expected one score or one row of scores for each of {len(texts)} texts, got an"
                f" array of shape {values.shape}",
                hint="return an array of texts x labels, or one probability for each text",
            )
        if not bool(np.isfinite(values).all()):
            raise ScoringError("the function returned a score that is not a number")
        if float(values.min()) < 0 or float(values.max()) > 1:
            raise ScoringError(
                f"expected probabilities between 0 and 1, got {values.min():g} to {values.max():g}",
                hint="return probabilities: softmax or sigmoid of the scores",
            )
        return values

    def _name_labels(self, declared: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
        count = 2 if len(shape) == 1 else shape[1]
        if declared is None and len(shape) == 1:
            return _OF_ONE
        names = tuple(str(label) for label in declared or ())
        if len(names) != count or len(set(names)) != count or count < 2:
            raise ScoringError(
                f"expected {count} different names of labels, got {len(names)}"
                if count > 1
                else "expected two labels or more, got one column",
                hint="set FUNCTION.labels = [...], or use --labels, in the order of the columns",
            )
        return names
