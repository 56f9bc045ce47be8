"""Functions of the user as classifiers: what they give, and what is refused."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from bias_audit.backends import open_backend, score_all
from bias_audit.backends.python_function import PythonClassifier
from bias_audit.errors import ModelLoadError, ScoringError, UsageError
from bias_audit.records import LabelRequest

MODULE = """
import numpy
def one(texts):
    print("loud")
    return [len(text) / 100 for text in texts]
def two(texts):
    return numpy.array([[len(text) / 100, 1 - len(text) / 100] for text in texts])
two.labels = ["long", "short"]
number = 3
"""


def ask(name, texts, instead_of=()):
    return [LabelRequest(text=text, names=(name,), instead_of=instead_of) for text in texts]


@pytest.fixture
def _here(tmp_path, monkeypatch):
    (tmp_path / "mine_for_tests.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("mine_for_tests", None)


@pytest.mark.usefixtures("_here")
def test_a_function_is_found_in_the_current_folder_and_its_output_is_no_output(capsys):
    before = list(sys.path)
    backend = open_backend("python:mine_for_tests:one")
    assert sys.path == before
    (answer,) = score_all(backend, ask("1", ["x" * 25]))
    assert answer.log_prob == pytest.approx(math.log(0.25))
    assert (backend.info.reading, backend.info.labels) == ("label", ("1", "0"))
    assert "its labels: 1, 0; name its labels: --labels toxic,neutral" in backend.info.notices
    assert backend.info.fingerprint == "", "so nothing is kept"
    out, err = capsys.readouterr()
    assert out == ""
    assert "loud" in err


@pytest.mark.usefixtures("_here")
def test_labels_come_from_the_function_or_from_the_caller():
    assert open_backend("python:mine_for_tests:two").info.labels == ("long", "short")
    named = open_backend("python:mine_for_tests:two", labels=("a", "b"))
    assert "its labels: a, b" in named.info.notices
    (answer,) = score_all(named, ask("b", ["x" * 40]))
    assert answer.log_prob == pytest.approx(math.log(0.6))


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("python:mine_for_tests", "expected python:MODULE:FUNCTION"),
        ("python:nowhere_at_all:f", "could not be imported: ModuleNotFoundError"),
        ("python:mine_for_tests:number", "has no function: number"),
        ("python:mine_for_tests:none", "has nothing of that name: none"),
    ],
)
def test_names_that_lead_nowhere_are_refused(name, message):
    with pytest.raises(ModelLoadError, match=message) as caught:
        open_backend(name)
    assert caught.value.exit_code == 4


def test_texts_are_given_in_batches_and_each_once():
    seen = []

    def score(texts):
        seen.append(len(texts))
        return [0.5] * len(texts)

    backend = PythonClassifier(score, batch_size=4)
    seen.clear()
    texts = [f"text {n}" for n in range(10)]
    score_all(backend, ask("1", texts) + ask("0", texts))
    assert seen == [4, 4, 2]


def test_certain_answers_are_finite():
    backend = PythonClassifier(lambda texts: [1.0] * len(texts))
    yes, no = score_all(backend, ask("1", ["x"]) + ask("0", ["x"]))
    assert yes.log_prob == pytest.approx(0, abs=1e-9)
    assert no.log_prob == pytest.approx(math.log(1e-12), abs=1e-3)


def fail(_texts):
    raise KeyError("no such word")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fail, "raised KeyError: 'no such word'"),
        (lambda texts: [0.5], "one row of scores for each of 3 texts"),
        (lambda texts: 0.5, "one row of scores for each of 3 texts"),
        (lambda texts: np.zeros((len(texts), 2, 2)), "one row of scores for each of 3 texts"),
        (lambda texts: ["high"] * len(texts), "raised ValueError"),
        (lambda texts: [math.nan] * len(texts), "not a number"),
        (lambda texts: [2.5] * len(texts), "between 0 and 1, got 2.5"),
        (
            lambda texts: np.full((len(texts), 2), 0.5),
            "expected 2 different names",
        ),
        (lambda texts: np.full((len(texts), 1), 0.5), "got one column"),
    ],
)
def test_functions_that_give_no_probabilities_are_refused(function, message):
    with pytest.raises(ModelLoadError, match=message) as caught:
        PythonClassifier(function)
    assert caught.value.exit_code == 4
    assert "cannot be used" in caught.value.message


def test_a_function_that_breaks_later_is_a_scoring_error():
    backend = PythonClassifier(lambda texts: [0.5 if "bad" not in t else math.inf for t in texts])
    with pytest.raises(ScoringError, match="not a number"):
        score_all(backend, ask("1", ["good", "bad"]))


def test_batch_sizes_below_one_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        PythonClassifier(lambda texts: [0.5] * len(texts), batch_size=0)
