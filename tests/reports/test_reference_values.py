"""Published numbers stand beside those of a run only where both mean the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bias_audit.datasets import DATASETS
from bias_audit.metrics.registry import find_info
from bias_audit.reports import render
from bias_audit.reports.view.reference_values import reference_values
from bias_audit.results import Results, load_results
from tests.reports.example import GOLDEN

PAGE = Path(__file__).parents[2] / "docs" / "reference-values.md"


def run_of(architecture: str = "BertForMaskedLM", pairs: int = 1508, **run: Any) -> Results:
    """CrowS-Pairs on a model of some architecture, with so many pairs."""
    base = load_results(GOLDEN / "dataset")
    return base.model_copy(
        update={
            "model": base.model.model_copy(update={"architecture": architecture}),
            "run": base.run.model_copy(update=run),
            "results": tuple(
                r.model_copy(update={"n_templates": pairs}) if r.groups == ("all",) else r
                for r in base.results
            ),
        }
    )


def test_the_same_measure_of_the_same_family_is_told() -> None:
    text = render(run_of(), "md")
    assert "Published of models of the same family (BertForMaskedLM): " in text
    measure = "CrowS-Pairs score, as the published script"
    assert f"{measure}: bert-base-uncased 60.48, this model 50.00" in text
    assert "roberta-large" not in text
    roberta = render(run_of("RobertaForMaskedLM"), "md")
    assert "roberta-large 65.45, this model 50.00" in roberta
    assert "bert-base-uncased" not in roberta


@pytest.mark.parametrize(
    "results",
    [run_of("GPT2LMHeadModel"), run_of(partial=True)],
    ids=["another family", "cut short"],
)
def test_what_cannot_be_compared_is_not_told(results: Results) -> None:
    assert "Published of models" not in render(results, "md")


def test_a_run_that_lost_many_pairs_is_not_compared() -> None:
    assert "bert-base-uncased 60.48" not in render(run_of(pairs=1400), "md")
    assert "bert-base-uncased 60.48" in render(run_of(pairs=1450), "md")


def test_every_value_has_a_source_a_known_measure_and_a_sensible_size() -> None:
    file = reference_values()
    assert len(file.values) > 15
    for value in file.values:
        assert value.sources
        assert set(value.sources) <= set(file.sources)
        assert value.measure in DATASETS[value.dataset].measures
        assert find_info(value.measure).unit == "percent"
        assert 40 < value.value < 95
    used = {name for value in file.values for name in value.sources}
    assert used == set(file.sources)
    for source in file.sources.values():  # a commit, so that the page stays what was read
        assert re.match(r"https://github\.com/[^/]+/[^/]+/blob/[0-9a-f]{40}/", source.url)


def test_numbers_of_a_different_kind_are_marked() -> None:
    apart = [value for value in reference_values().values if value.apart]
    assert {value.dataset for value in apart} == {"stereoset"}
    assert all("Roberta" in v.architecture or "test set" in v.apart for v in apart)


def test_the_page_shows_the_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [
        f"| `{v.dataset}` | `{v.measure}` | `{v.group}` | `{v.model}` | {v.value:.2f} |"
        f" {'' if v.items is None else f'{v.items:,}'} | {', '.join(v.sources)} |"
        f" {f'no: {v.apart}' if v.apart else 'yes'} |"
        for v in reference_values().values
    ]
    assert [row for row in rows if row not in text] == []
    assert len([line for line in text.splitlines() if line.startswith("| `")]) == len(rows)
    for source in reference_values().sources.values():
        assert f"[{source.title}]({source.url})" in text
