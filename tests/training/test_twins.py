"""The model sanity check tells the bundled model from twins that learned nothing."""

from __future__ import annotations

from bias_audit.backends import open_backend
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.utils.resources import model_dir
from training import twins


def test_only_the_trained_model_passes() -> None:
    found = check_sanity(open_backend("reference"), ProbeCatalogue().sanity())
    assert found.passed
    assert found.pseudo_perplexity is not None
    assert found.pseudo_perplexity < found.perplexity_limit / 5
    refused = list(twins.checked(model_dir(), seeds=(1,)))
    assert [twin["kind"] for twin in refused] == ["fresh", "shuffled"]
    for twin in refused:
        assert not twin["passed"]
        assert twin["pseudo_perplexity"] > 2 * twin["perplexity_limit"]
        assert twin["cloze_hits"] < twin["cloze_needed"] / 2
