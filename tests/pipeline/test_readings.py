"""Audits of a causal model: the same probes, another reading, and nothing mixed."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from bias_audit import audit, compare, fill
from bias_audit.backends import FakeBackend, open_backend, score_all
from bias_audit.cli.app import run
from bias_audit.errors import UsageError
from bias_audit.gates.judge import judge
from bias_audit.gates.policy import Policy
from bias_audit.gates.schema import GateConfig
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import FillRequest, LabelRequest
from bias_audit.results.decisions import finding_id
from bias_audit.utils.readings import READINGS
from tests.backends import tiny_models
from tests.cli.conftest import PROBE


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """The same probe, asked of a causal and of a masked model; its folder, and both audits."""
    home = tmp_path_factory.mktemp("readings")
    (home / "small.yaml").write_text(PROBE, encoding="utf-8")
    tiny_models.build_causal(home / "causal", "llama")
    tiny_models.build(home / "masked", "roberta")
    catalogue = ProbeCatalogue().with_files([home / "small.yaml"])

    def ask(name):
        return audit(
            str(home / name),
            probes="small",
            catalogue=catalogue,
            cache=home / "cache",
            device="cpu",
        )

    made = {name: ask(name) for name in ("causal", "masked")}
    for name, one in made.items():
        one.save(home / f"run-{name}")
    return home, ask, made


def test_the_reading_stands_in_the_results(audits):
    home, _, made = audits
    causal, masked = made["causal"].results, made["masked"].results
    assert (causal.model.reading, masked.model.reading) == ("continuation", "mask")
    assert causal.run.catalogue_digest != masked.run.catalogue_digest
    stored = json.loads((home / "run-causal" / "results.json").read_text("utf-8"))
    assert stored["model"]["reading"] == "continuation"
    notice = "the log-probability of the whole sentence from left to right"
    assert notice in " ".join((home / "run-causal" / "report.html").read_text("utf-8").split())


def test_shipped_probe_files_run_unchanged_and_random_weights_decide_nothing(audits):
    results = audits[2]["causal"].results
    (gap,) = (r for r in results.results if r.metric == "log_odds_gap" and r.role == "primary")
    assert gap.estimate is not None
    assert gap.ci_low < gap.estimate < gap.ci_high
    assert not results.sanity.passed
    assert results.sanity.perplexity_of == "byte"
    assert "instrument_failed" in gap.statuses
    assert results.errors == ()


def test_sentences_have_no_probability_of_a_target(audits):
    causal, masked = (audits[2][name].results.probes[0].targets for name in ("causal", "masked"))
    assert {(t.probability, t.log_odds) for t in causal} == {((), ())}
    assert all(t.probability and t.log_odds for t in masked)
    assert max(value for t in causal for value in t.log_prob) < -20, "of whole sentences"


def test_sentences_are_no_words_with_hardly_any_probability(audits):
    """R13 asks for the probability of words; a whole sentence always has hardly any."""
    checks = {}
    for name in ("causal", "masked"):
        results = audits[2][name].results.results
        (gap,) = (r for r in results if r.metric == "log_odds_gap" and r.role == "primary")
        checks[name] = {check.id for check in gap.checks}
    assert {"R13a", "R13b"} <= checks["masked"]
    assert checks["causal"] == checks["masked"] - {"R13a", "R13b"}


def test_a_second_run_asks_the_model_nothing(audits):
    _, ask, made = audits
    again = ask("causal")
    assert again.cache.scored == 0
    assert again.results.results == made["causal"].results.results


def test_readings_are_not_compared(audits, capfd):
    home, _, made = audits
    with pytest.raises(UsageError, match=r"was read as 'mask' and .* as 'continuation'"):
        compare(made["masked"], made["causal"])
    runs = [str(home / f"run-{name}") for name in ("masked", "causal")]
    assert run(["compare", *runs]) == 2
    assert "compare runs in one reading" in " ".join(capfd.readouterr().err.split())
    assert run(["compare", runs[1], runs[1]]) == 0


def test_a_gate_refuses_a_baseline_of_another_reading(audits, tmp_path, monkeypatch, capfd):
    home, _, _ = audits
    monkeypatch.chdir(tmp_path)
    accept = ["baseline", "accept", str(home / "run-masked"), "--name", "main", "--reason", "x"]
    assert run(accept) == 0
    gate = "{id: rise, probe: small, against: baseline:main, max_rise: 0.2}"
    (tmp_path / "bias-audit.yaml").write_text(f"version: 1\ngates: [{gate}]\n", encoding="utf-8")
    assert run(["gate", str(home / "run-causal")]) == 2
    assert "was read as 'mask'" in " ".join(capfd.readouterr().err.split())
    (tmp_path / "bias-audit.yaml").write_text(
        f"version: 1\nprobes: [{{file: {home / 'small.yaml'}}}]\ngates: [{gate}]\n",
        encoding="utf-8",
    )
    assert run(["run", str(home / "causal"), "--device", "cpu", "-o", "out"]) == 2
    err = capfd.readouterr().err
    assert "was read as 'mask'" in " ".join(err.split())
    assert "scoring" not in err
    assert not (tmp_path / "out").exists()


def test_a_gate_in_another_unit_is_refused_and_never_passes(audits, tmp_path, capfd):
    home, _, made = audits
    path = tmp_path / "bias-audit.yaml"
    path.write_text("version: 1\ngates: [{id: g, probe: small, max: 3, unit: sd}]\n", "utf-8")
    assert run(["gate", str(home / "run-masked"), "-c", str(path)]) == 2
    message = " ".join(capfd.readouterr().err.split())
    assert "has a limit in sd" in message
    assert "is read as mask, whose gaps are in nats: one unit is no other" in message
    stated = GateConfig(id="g", probe="small", max=3.0, unit="sd")
    with pytest.raises(UsageError, match="has a limit in sd"):
        audit(Silent(), probes="occupation-pronoun", gates=[stated])
    of_nats = (GateConfig(id="g", probe="small", max=3.0),)
    near = made["masked"].results.model_copy(
        update={"model": made["masked"].results.model.model_copy(update={"reading": "similarity"})}
    )
    with pytest.raises(UsageError, match=r"has a limit in nats, .* whose gaps are in sd") as caught:
        judge(near, Policy(gates=of_nats))
    assert "write 'unit: sd'" in caught.value.hint
    with pytest.raises(UsageError, match=r"judges completions, and .* it completes nothing"):
        judge(near, Policy(gates=(GateConfig(id="c", probe="*", measure="completions", max=5.0),)))


class Silent(FakeBackend):
    """A stand-in that must not be asked anything."""

    def score(self, requests, **_):
        raise AssertionError(requests)


@pytest.mark.parametrize("where", ["name", "backend", "causal"])
def test_a_reading_that_the_model_does_not_allow_is_refused(audits, where, capfd):
    model = {"name": "fake", "backend": Silent(), "causal": str(audits[0] / "causal")}[where]
    possible = "continuation" if where == "causal" else "mask"
    message = f"can be read as {possible}, not as similarity"
    with pytest.raises(UsageError, match=message):
        audit(model, probes="occupation-pronoun", reading="similarity")
    if isinstance(model, str):
        assert run(["run", model, "-p", "occupation-pronoun", "--reading", "similarity"]) == 2
        assert message in " ".join(capfd.readouterr().err.split())
        assert run(["models", "explain", model, "--reading", possible]) == 4 * (model == "fake")


def test_an_encoder_with_its_head_for_words_is_read_by_either(audits, tmp_path, capfd):
    """Pooling is stated, and the head is there: the one by default, the other on request."""
    folder, plain = tmp_path / "both", audits[0] / "masked"
    shutil.copytree(plain, folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    width = json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"]
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    assert open_backend(str(folder), device="cpu").info.reading == "similarity"
    request = FillRequest(left="the man was a ", filler="nurse", right=".")
    answers = [
        score_all(open_backend(str(place), device="cpu", reading="mask"), [request])
        for place in (folder, plain)
    ]
    assert answers[0] == answers[1]
    assert run(["models", "explain", str(folder)]) == 0
    told = " ".join(capfd.readouterr().out.split())
    assert "Read as similarity: " in told
    assert "On request --reading mask: " in told
    with pytest.raises(UsageError, match="can be read as similarity or mask, not as label"):
        open_backend(str(folder), device="cpu", reading="label")


def test_the_usual_reading_may_be_named(audits, tmp_path):
    home, _, made = audits
    catalogue = ProbeCatalogue().with_files([home / "small.yaml"])
    again = audit(
        str(home / "causal"), probes="small", catalogue=catalogue, cache=home / "cache",
        device="cpu", reading="continuation",
    )  # fmt: skip
    assert again.results.results == made["causal"].results.results


def test_findings_of_two_readings_have_two_names():
    names = {finding_id("small:log_odds_gap:a-vs-b", reading) for reading in READINGS}
    assert len(names) == len(READINGS) == 4
    assert finding_id("small:log_odds_gap:a-vs-b") in names


def test_measures_that_the_reading_does_not_answer_do_not_apply(audits):
    home, _, _ = audits
    catalogue = ProbeCatalogue().with_files([home / "small.yaml"])
    ask = {"probes": "small", "catalogue": catalogue, "device": "cpu", "cache": False}
    one = audit(str(home / "causal"), measures=["perplexity_gap"], checks=["surface"], **ask)
    (lost,) = (skip for skip in one.results.skips if skip.what == "perplexity_gap")
    assert (lost.probe, lost.kind, lost.reason) == ("small", "measure", "not_applicable")
    assert lost.detail.startswith("read as continuation, ")
    assert "perplexity_gap" not in one.results.run.requested


def test_fill_completes_where_the_mask_is_the_last_word(audits, capfd):
    model = ["--model", str(audits[0] / "causal"), "--device", "cpu"]
    groups = ["--groups", "man,woman"]
    assert run(["fill", "The [group] worked as a <mask>.", *groups, *model, "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["distances"][0]["jsd"] > 0
    assert run(["fill", "The <mask> saw the [group].", *groups, *model]) == 2
    message = " ".join(capfd.readouterr().err.split())
    assert "cannot be scored: read as continuation, a model completes what stands before" in message


def test_words_share_the_probability_where_a_causal_model_reads_on(audits):
    """The share of a word is its part of the summed probabilities of whole sentences."""
    text, groups = "The <mask> saw the [group].", {"women": ["woman", "lady"], "men": "man"}
    words, backend = ["nurse", "pilot"], open_backend(str(audits[0] / "causal"), device="cpu")
    made = fill(text, groups, backend, words)
    assert made.distances == ()
    assert [(one.completions, one.word_mass) for one in made.groups] == [((), None)] * 2
    assert any("No completions: " in note for note in made.notes)
    assert any("a word's share among the words asked for" in note for note in made.notes)
    shares = {}
    for name in ("woman", "lady", "man"):
        asked = [FillRequest(left="The ", filler=w, right=f" saw the {name}.") for w in words]
        logs = [answer.log_prob for answer in score_all(backend, asked)]
        shares[name] = [1 / (1 + math.exp(logs[1 - n] - logs[n])) for n in (0, 1)]
    for n, one in enumerate(made.words):
        expected = [(shares["woman"][n] + shares["lady"][n]) / 2, shares["man"][n]]
        assert one.probabilities == pytest.approx(expected, rel=1e-4)
    with pytest.raises(UsageError) as caught:
        fill(text, groups, backend, ["nurse"])
    assert "two words or more" in caught.value.hint


def test_a_classifier_is_asked_for_its_labels(tmp_path, capfd):
    tiny_models.build_classifier(tmp_path / "classifier")
    backend = open_backend(str(tmp_path / "classifier"), device="cpu")
    text, groups = "I met the [group].", {"women": ["woman", "lady"], "men": "man"}
    made = fill(text, groups, backend)
    assert [one.word for one in made.words] == [*backend.info.labels]
    assert made.groups[0].sentences == ("I met the woman.", "I met the lady.")
    assert [sum(column) for column in zip(*(w.probabilities for w in made.words), strict=True)] == (
        pytest.approx([1, 1])
    )
    (label, *_) = backend.info.labels
    asked = [LabelRequest(text=f"I met the {w}.", names=(label,)) for w in ("woman", "lady", "man")]
    woman, lady, man = (math.exp(answer.log_prob) for answer in score_all(backend, asked))
    assert made.words[0].probabilities == pytest.approx([(woman + lady) / 2, man])
    lost = fill(text, groups, backend, ["no such label"])
    assert lost.words[0].probabilities == (None, None)
    assert any("'no such label' cannot be scored: no label is called" in n for n in lost.notes)
    with pytest.raises(UsageError, match="labels whole sentences"):
        fill("The [group] is a <mask>.", groups, backend)
    given = ["--groups", "man,woman", "--model", str(tmp_path / "classifier"), "--device", "cpu"]
    assert run(["fill", text, *given]) == 0
    out = capfd.readouterr().out
    assert all(name in out for name in backend.info.labels)


def test_sentences_are_quoted_with_the_log_probability_of_the_whole(audits, capfd):
    home, _, made = audits
    (gap,) = (r for r in made["causal"].results.results if r.role == "primary" and r.sentences)
    pair = gap.sentences[0]
    assert pair.log_prob_a < -20
    for reading, name in (("continuation", "causal"), ("mask", "masked")):
        assert ("read as continuation" in (home / f"run-{name}" / "report.html").read_text()) is (
            reading == "continuation"
        )
