"""The sample audit in ``reports/sample/`` belongs to this catalogue, this model and this report."""

from __future__ import annotations

from benchmarks import sample
from bias_audit.backends import open_backend
from bias_audit.pipeline.plan import make_plan
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.reports import render
from bias_audit.results import load_results


def test_the_sample_is_rendered_by_this_program() -> None:
    results = load_results(sample.SAMPLE)
    for name, format_ in (("report.html", "html"), ("summary.md", "md")):
        stored = (sample.SAMPLE / name).read_text(encoding="utf-8")
        assert stored == render(results, format_), "run: python -m benchmarks.sample --render"


def test_the_sample_is_of_this_catalogue_and_model() -> None:
    results = load_results(sample.SAMPLE)
    catalogue = ProbeCatalogue()
    plan = make_plan(catalogue, catalogue.select())
    again = "run the core probes and: python -m benchmarks.sample RUN"
    assert results.run.catalogue_digest == plan.digest, again
    assert results.model.fingerprint == open_backend("reference").info.fingerprint, again
    assert {p.id for p in results.probes} == set(plan.probes), again
