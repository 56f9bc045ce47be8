from __future__ import annotations

import re
import warnings

from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import EvalResult

from bias_audit.reports import render
from bias_audit.reports.formats import model_card as card
from bias_audit.results import Results

from .example import frame


def metadata(text: str) -> tuple[str, list[EvalResult]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = ModelCard(text).data
    return str(data.model_name), list(data.eval_results or ())


def test_the_hubs_own_reader_finds_the_numbers(audit: Results) -> None:
    name, found = metadata(render(audit, "card"))
    assert name == "example/tiny-masked-lm"
    by_metric = {(one.dataset_type, one.metric_name): one for one in found}
    one = by_metric["bias-audit-occupation-gender", "log-odds gap, women vs men"]
    assert (one.task_type, one.metric_type, one.metric_value) == ("fill-mask", "log_odds_gap", 1.13)
    assert one.metric_args is not None
    assert (one.metric_args["ci_low"], one.metric_args["ci_high"]) == (0.91, 1.35)
    assert (one.metric_args["unit"], one.metric_args["outcome"]) == ("nats", "association")
    assert one.dataset_args == {"version": 1}
    assert one.verified is None


def test_only_measurements_become_metadata(audit: Results) -> None:
    _, found = metadata(render(audit, "card"))
    assert len(found) == 9
    assert "nationality" not in {one.dataset_config for one in found}
    mute = tuple(
        r.model_copy(update={"outcome": "not_measurable"}) if r.axis == "gender" else r
        for r in audit.results
    )
    _, found = metadata(render(audit.model_copy(update={"results": mute}), "card"))
    assert {one.dataset_config for one in found} == {"religion"}


def test_a_run_that_was_cut_short_or_an_untrained_model_has_no_metadata(audit: Results) -> None:
    partial = audit.model_copy(update={"run": audit.run.model_copy(update={"partial": True})})
    assert audit.sanity is not None
    sanity = audit.sanity.model_copy(update={"passed": False})
    untrained = audit.model_copy(update={"sanity": sanity})
    for results in (partial, untrained, frame()):
        text = render(results, "card")
        assert text.startswith("## Bias, Risks, and Limitations\n")
        assert "model-index" not in text
    assert "treat every number as a first look" in render(partial, "card")


def test_data_set_names_are_ones_that_the_hub_accepts(hostile_gates: Results) -> None:
    pattern = re.compile(r"^(?:[\w-]+/)?[\w.-]+$")
    for name in ("occupation-gender", "x" * 500, "Ü b/c", "", "a" * 41, "a" * 42):
        assert pattern.fullmatch(card.dataset_name(name))
    made = {card.dataset_name(name) for name in ("a" * 41, "a" * 42, "a b", "a-b", "Ü", "Ä")}
    assert len(made) == 6
    results = tuple(
        r.model_copy(update={"probe": f"<x> {i}: y"}) for i, r in enumerate(hostile_gates.results)
    )
    _, found = metadata(render(hostile_gates.model_copy(update={"results": results}), "card"))
    assert found
    assert all(pattern.fullmatch(one.dataset_type) for one in found)


def test_folders_of_local_models_stay_at_home() -> None:
    assert card.model_name("roberta-base") == "roberta-base"
    assert card.model_name("example/tiny-masked-lm") == "example/tiny-masked-lm"
    for path in ("/home/ada/models/tuned", "../models/tuned/", "C:\\models\\tuned", "a/b/tuned"):
        assert card.model_name(path) == "tuned"
    assert card.model_name("/") == "model"
