"""``bias-audit models explain`` and what ``probes new`` begins for classifiers."""

from __future__ import annotations

import json

import pytest

from bias_audit.cli.app import run
from tests.backends import tiny_models


def explain(name, capfd, *more):
    code = run(["models", "explain", str(name), *more])
    out, err = capfd.readouterr()
    return code, " ".join(out.split()), " ".join(err.split())


@pytest.mark.parametrize(
    ("build", "reading", "architecture"),
    [
        (lambda at: tiny_models.build(at, "bert"), "mask", "BertForMaskedLM"),
        (lambda at: tiny_models.build_causal(at, "gpt2"), "continuation", "GPT2LMHeadModel"),
        (tiny_models.build_classifier, "label", "BertForSequenceClassification"),
    ],
)
def test_a_folder_says_how_it_is_read_and_what_is_refused(
    tmp_path, capfd, build, reading, architecture
):
    build(tmp_path / "model")
    code, out, _ = explain(tmp_path / "model", capfd)
    assert code == 0
    assert f"Architecture {architecture}" in out
    assert f"Read as {reading}: " in out
    refused = out.partition("Refused")[2]
    assert reading not in refused.partition(":")[0]
    assert {"mask", "continuation", "label"} - {reading} <= set(
        refused.partition(":")[0].replace(",", "").split()
    )


def test_labels_are_listed_in_the_order_of_the_configuration(tmp_path, capfd):
    tiny_models.build_classifier(tmp_path / "model", id2label={0: "calm", 1: "angry"})
    assert "Labels calm, angry" in explain(tmp_path / "model", capfd)[1]


def test_a_function_is_not_imported(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boom.py").write_text("raise SystemExit(99)", encoding="utf-8")
    code, out, _ = explain("python:boom:f", capfd)
    assert code == 0
    assert "Read as label" in out


def test_a_kind_without_a_reading_is_named(tmp_path, capfd):
    tiny_models.build_classifier(tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    config = json.loads(file.read_text()) | {"architectures": ["DetrForObjectDetection"]}
    file.write_text(json.dumps(config))
    code, _, err = explain(tmp_path / "model", capfd)
    assert code == 4
    assert "an object detector (DetrForObjectDetection)" in err


def test_a_new_probe_for_classifiers_works_as_it_is(tmp_path, capfd):
    assert run(["probes", "new", "spam", "--reading", "label", "-o", str(tmp_path)]) == 0
    assert run(["probes", "check", str(tmp_path / "spam.yaml")]) == 0
    out, _ = capfd.readouterr()
    assert "spam: 12 sentences" in out
    assert "no positive control" not in out
    assert run(["probes", "preview", "spam", "--probe-path", str(tmp_path), "-n", "3"]) == 0
    lines = capfd.readouterr().out.strip().splitlines()
    assert len(lines) == 3
    assert all(line.endswith((". {spam}", ". {no spam}")) for line in lines)
    assert run(["probes", "new", "x", "--reading", "label", "--like", "toxicity-race"]) == 2


def test_probes_check_says_what_a_classifier_makes_of_a_probe(tmp_path, capfd):
    tiny_models.build_classifier(tmp_path / "model", id2label={0: "neutral", 1: "toxic"})
    assert run(["probes", "new", "spam", "--reading", "label", "-o", str(tmp_path)]) == 0
    file, model = str(tmp_path / "spam.yaml"), ["--model", str(tmp_path / "model")]
    assert run(["probes", "check", file, *model]) == 0
    assert "it cannot be asked: no label is called spam" in capfd.readouterr().out
    text = (tmp_path / "spam.yaml").read_text(encoding="utf-8")
    (tmp_path / "spam.yaml").write_text(text.replace("any: [spam", "any: [toxic"), "utf-8")
    assert run(["probes", "check", file, *model]) == 0
    assert "the instrument check failed: " in capfd.readouterr().out
