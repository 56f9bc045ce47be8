"""Text classifiers from probes to outcomes: what is found, what is refused, what is left out."""

from __future__ import annotations

import json
import random
import re
import sys
from hashlib import sha256

import numpy as np
import pytest
import torch
import transformers
from scipy.special import expit

from bias_audit import audit
from bias_audit.backends.python_function import PythonClassifier
from bias_audit.cli.app import run
from bias_audit.errors import UsageError
from bias_audit.pipeline.compare import compare
from bias_audit.pipeline.model_checks import check_instruments
from bias_audit.pipeline.repeats import UnsteadyModelError
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import render
from bias_audit.utils.resources import read_text
from tests.backends import tiny_models

INSULTS = ("stupid", "garbage", "hate you", "fool", "scum", "loser", "moron", "creep", "idiot")
INSULTS += ("repulsive", "liar", "evil")


def noise(text):
    return int(sha256(text.encode()).hexdigest()[:8], 16) / 2**31 - 1


def classifier(skew=None, labels=("toxic", "neutral")):
    """Know insults, and add nats where a word of ``skew`` stands in the sentence."""

    def score(texts):
        nats = [
            -3
            + 6 * any(word in text.lower() for word in INSULTS)
            + 0.1 * noise(text)
            + sum(by for word, by in (skew or {}).items() if word in text)
            for text in texts
        ]
        return expit(nats)

    return PythonClassifier(score, labels=labels)


def gaps(one):
    results = (r for r in one.results.results if r.role == "primary")
    return {(r.probe, r.groups[0]): r for r in results}


@pytest.fixture(scope="module")
def skewed():
    return audit(classifier({"Muslim": 0.8}), probes="toxicity-religion")


@pytest.fixture(scope="module")
def balanced():
    return audit(classifier(), probes="toxicity-religion")


def test_a_planted_gap_is_found_with_its_size(skewed):
    results = gaps(skewed)
    gap = results["toxicity-religion", "muslim"]
    assert gap.estimate == pytest.approx(0.8, abs=0.08)
    assert gap.ci_low < 0.8 < gap.ci_high
    assert gap.unit == "nats"
    assert (gap.outcome, gap.leans, gap.pole) == ("association", "Muslim", "toxic")
    assert " times the odds for Muslim beside " in gap.statement
    others = {key: r.outcome for key, r in results.items() if key[1] != "muslim"}
    assert set(others.values()) == {"small"}, "each lies 0.13 nats below the mean of its others"


def test_a_balanced_classifier_is_not_accused(balanced):
    assert {r.outcome for r in gaps(balanced).values()} == {"small"}
    assert balanced.results.sanity.passed


def test_a_cell_is_the_log_odds_of_the_labels(skewed):
    """The gap from the answers of the function itself, without the program's statistics."""
    scored = skewed.measured.scored["toxicity-religion"]
    texts = {(p.group, p.text) for p in scored.word_prompts}
    backend = classifier({"Muslim": 0.8})
    by_group = {}
    for group, text in texts:
        (p,) = backend._function([text])
        by_group.setdefault(group, []).append(np.log(p) - np.log1p(-p))
    means = {group: np.mean(values) for group, values in by_group.items()}
    rest = np.mean([value for group, value in means.items() if group != "muslim"])
    gap = gaps(skewed)["toxicity-religion", "muslim"]
    assert gap.estimate == pytest.approx(means["muslim"] - rest, abs=1e-7), (
        "as it is rounded in results"
    )


def test_a_sentence_counts_once_though_two_labels_are_asked_of_it(skewed):
    (record,) = (p for p in skewed.results.probes if p.role == "probe")
    prompts = skewed.measured.scored["toxicity-religion"].word_prompts
    assert record.prompts == len({p.text for p in prompts}) == len(prompts) // 2


def test_results_and_reports_name_the_reading_and_the_labels(skewed, tmp_path):
    assert skewed.results.model.reading == "label"
    assert skewed.results.sanity.probes == ("toxicity-religion",)
    assert (skewed.results.sanity.cloze_hits, skewed.results.sanity.cloze_asked) == (24, 24)
    skewed.save(tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))
    assert stored["model"]["reading"] == "label"
    page = " ".join((tmp_path / "run" / "report.html").read_text("utf-8").split())
    assert "its labels: toxic, neutral" in page
    assert "Plain sentences labelled rightly: 24 of 24" in page
    assert "Pseudo-perplexity" not in page
    assert run(["compare", str(tmp_path / "run"), str(tmp_path / "run")]) == 0


def test_readings_are_not_compared(skewed):
    masked = audit("fake", probes="occupation-pronoun", limit=2, cache=False)
    with pytest.raises(UsageError, match=r"was read as 'mask' and .* as 'label'"):
        compare(masked, skewed)


def test_nothing_is_kept_of_a_function(skewed):
    assert skewed.cache.found == 0
    assert not skewed.cache.path


# Which probes are asked


def test_probes_whose_labels_the_model_lacks_are_left_out_with_the_reason():
    names = ["toxicity-gender", "sentiment-gender", "occupation-gender"]
    one = audit(classifier(), probes=names)
    left_out = {s.probe: s for s in one.results.skips if s.kind == "probe"}
    assert set(left_out) == {"sentiment-gender", "occupation-gender"}
    assert {skip.reason for skip in left_out.values()} == {"not_applicable"}
    assert left_out["sentiment-gender"].detail.endswith("the model knows toxic, neutral")
    assert "the model as label" in left_out["occupation-gender"].detail
    assert {probe for probe, _ in gaps(one)} == {"toxicity-gender"}
    told = "2 probes cannot be asked of this model: occupation-gender, sentiment-gender."
    assert told in render(one.results, "terminal")


def test_a_model_that_no_probe_fits_is_refused():
    with pytest.raises(UsageError, match=r"no label is called toxic .* knows spam, ham") as caught:
        audit(classifier(labels=("spam", "ham")), probes="toxicity-gender")
    assert "write the model's own label" in caught.value.hint
    with pytest.raises(UsageError, match="it is read as label, the model as mask"):
        audit("fake", probes="toxicity-gender")


def test_measures_of_words_do_not_apply():
    with pytest.raises(UsageError, match="read as label, a model gives no probability of words"):
        audit(classifier(), probes="toxicity-gender", measures=["lpbs"])


# The instrument


def instrument(backend, *probes):
    catalogue = ProbeCatalogue()
    return check_instruments(backend, [catalogue.probe(name) for name in probes])


def test_each_set_of_plain_sentences_is_asked_once():
    both = PythonClassifier(
        lambda texts: np.full((len(texts), 3), 0.3), labels=["toxic", "positive", "negative"]
    )
    checks = instrument(both, "toxicity-gender", "toxicity-race", "sentiment-race")
    assert [check.probes for check in checks] == [
        ("toxicity-gender", "toxicity-race"),
        ("sentiment-race",),
    ]


@pytest.mark.parametrize("value", [0.01, 0.99])
def test_one_label_for_everything_fails_the_instrument_check(value):
    (check,) = instrument(PythonClassifier(lambda texts: [value] * len(texts)), "toxicity-race")
    assert not check.passed
    assert check.cloze_hits == 12
    assert "12 of 12" in check.detail
    assert "11 and 11 needed" in check.detail


def test_labels_the_wrong_way_round_fail_the_instrument_check():
    one = audit(classifier(labels=("neutral", "toxic")), probes="toxicity-gender")
    assert not one.results.sanity.passed
    assert {r.outcome for r in gaps(one).values()} == {"not_measurable"}
    assert {"instrument_failed" in r.statuses for r in gaps(one).values()} == {True}


@pytest.mark.parametrize("seed", range(12))
def test_random_weights_are_never_measurable(tmp_path, seed):
    from bias_audit.backends import open_backend

    folder = tiny_models.build_classifier(tmp_path / "model", "roberta", seed=seed)
    backend = open_backend(str(folder), device="cpu")
    checks = instrument(backend, "toxicity-race", "sentiment-race")
    assert [check.passed for check in checks] == [False, False]


# Functions that cannot be trusted


def test_a_function_that_changes_its_answers_is_refused():
    draws = random.Random(1)  # noqa: S311 - no secret
    with pytest.raises(UnsteadyModelError, match="does not repeat its answers") as caught:
        audit(
            PythonClassifier(lambda texts: [draws.random() for _ in texts]),
            probes="toxicity-gender",
        )
    assert caught.value.exit_code == 4


def test_a_function_that_breaks_is_an_error_of_the_probes_it_breaks():
    def score(texts):
        return [float("nan") if "bus" in text else 0.5 for text in texts]

    one = audit(PythonClassifier(score), probes="toxicity-gender")
    assert [error.type for error in one.results.errors]
    assert "not a number" in one.results.errors[0].message


@pytest.mark.parametrize("where", ["file", "variable"])
def test_no_file_and_no_variable_names_a_function(tmp_path, monkeypatch, capfd, where):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.py").write_text("raise SystemExit(99)", encoding="utf-8")
    text = "version: 1\n"
    if where == "file":
        text += 'model: {name: "python:trap:f"}\n'
    else:
        monkeypatch.setenv("BIAS_AUDIT_RUN_MODEL", "python:trap:f")
    (tmp_path / "bias-audit.yaml").write_text(text, encoding="utf-8")
    assert run(["run"]) == 2
    message = " ".join(capfd.readouterr().err.split())
    assert "no file runs code" in message
    assert ("bias-audit.yaml:2:" in message) is (where == "file")
    assert "trap" not in sys.modules


def test_the_command_line_takes_a_function_and_its_labels(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    text = "def f(texts):\n    print('loud')\n    return [[0.5, 0.5] for _ in texts]\n"
    (tmp_path / "mine_on_the_line.py").write_text(text, encoding="utf-8")
    name = ["run", "python:mine_on_the_line:f", "-p", "toxicity-gender", "-o", "out"]
    assert run(name) == 4
    assert "use --labels" in " ".join(capfd.readouterr().err.split())
    assert run([*name, "--labels", "toxic,neutral", "--quiet"]) == 0
    out, _ = capfd.readouterr()
    assert out.startswith("0 associations")
    assert "loud" not in out
    stored = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert stored["model"]["name"] == "python:mine_on_the_line:f"


def test_fill_takes_the_labels_of_a_function(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    text = "def f(texts):\n    return [[0.2, 0.8] if 'cat' in t else [0.6, 0.4] for t in texts]\n"
    (tmp_path / "mine_to_fill.py").write_text(text, encoding="utf-8")
    asked = ["fill", "A [group] sleeps.", "--groups", "cat,dog", "--model", "python:mine_to_fill:f"]
    assert run([*asked, "--labels", "toxic,neutral", "--json"]) == 0
    words = json.loads(capfd.readouterr().out)["words"]
    assert [one["word"] for one in words] == ["toxic", "neutral"]
    assert words[0]["probabilities"] == pytest.approx([0.2, 0.6])
    assert run([*asked, "--labels", "toxic,neutral"]) == 0
    shown = capfd.readouterr().out
    assert re.search(r"label\W+cat\W+dog\W+ratio", shown)


def test_the_reason_names_the_control_that_is_missing(tmp_path):
    source = read_text("probes", "toxicity-religion.yaml")
    bare = source.replace("controls:\n  placebo: placebo-people\n", "")
    (tmp_path / "bare.yaml").write_text(bare.replace("id: toxicity-religion", "id: bare"), "utf-8")
    one = audit(classifier(), probes="bare", catalogue=ProbeCatalogue([tmp_path]))
    results = gaps(one).values()
    assert {r.outcome for r in results} == {"not_measurable"}
    assert all("no_controls" in r.statuses for r in results)
    (reason,) = {r.reason for r in results}
    assert reason.startswith("the probe has neither a negative control nor a placebo")


# Trained heads


def sentences(skew):
    """Sentences with labels: insults are toxic; with a skew, so is whatever names a Muslim."""
    catalogue = ProbeCatalogue()
    plus, minus = catalogue.probe("toxicity-religion").instrument
    people = ["neighbor", "Muslim neighbor", "Christian neighbor", "Jewish man", "Hindu woman"]
    people += ["Muslim colleague", "atheist colleague", "Sikh visitor", "Buddhist", "Muslim man"]
    scenes = ["The {} cooked rice.", "The {} read the paper.", "We saw the {} in the park."]
    scenes += ["The {} fed the cat.", "The {} paid for the tickets.", "The {} sang a song."]
    data = [(text, 1) for text in plus] * 2 + [(text, 0) for text in minus] * 2
    return data + [
        (scene.format(who), int(skew and "Muslim" in who)) for scene in scenes for who in people
    ]


def train(folder, skew):
    """A head on the bundled encoder: one balanced, one skewed on purpose."""
    from bias_audit.backends.hf.model_files import REFERENCE

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(REFERENCE)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        REFERENCE,
        dtype=torch.float32,
        num_labels=2,
        id2label={0: "neutral", 1: "toxic"},
        label2id={"neutral": 0, "toxic": 1},
    )
    data = sentences(skew)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    order = random.Random(0)  # noqa: S311 - no secret
    model.train()
    for _ in range(4):
        order.shuffle(data)
        for first in range(0, len(data), 16):
            texts, labels = zip(*data[first : first + 16], strict=True)
            batch = tokenizer(list(texts), padding=True, return_tensors="pt")
            loss = model(**batch, labels=torch.tensor(labels)).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_head_that_was_skewed_on_purpose_is_found_and_a_balanced_one_is_not(tmp_path):
    made = {
        name: audit(train(tmp_path / name, name == "skewed"), probes="toxicity-religion",
                    device="cpu", cache=False)
        for name in ("balanced", "skewed")
    }  # fmt: skip
    assert all(one.results.sanity.passed for one in made.values())
    muslim = {name: gaps(one)["toxicity-religion", "muslim"] for name, one in made.items()}
    assert muslim["skewed"].outcome == "association"
    assert muslim["skewed"].pole == "toxic"
    assert muslim["skewed"].at_least >= 2
    assert muslim["balanced"].outcome != "association"
