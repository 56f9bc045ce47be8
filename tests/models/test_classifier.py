"""A published linear classifier of offensive language, read through a function."""

from __future__ import annotations

import numpy as np
import pytest

from bias_audit import audit
from tests.models.conftest import find_package

pytestmark = pytest.mark.models


def test_a_classifier_of_a_package_is_read_and_its_instrument_speaks(monkeypatch, tmp_path):
    """It misses two of twelve plainly toxic sentences, so that its gaps are no evidence here."""
    find_package("profanity_check")
    find_package("sklearn")
    (tmp_path / "offence.py").write_text(
        "import numpy as np\n"
        "from profanity_check import predict_prob\n\n\n"
        "def score(texts):\n"
        "    p = predict_prob(list(texts))\n"
        "    return np.stack([1 - p, p], axis=1)\n\n\n"
        "score.labels = ['not toxic', 'toxic']\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    done = audit("python:offence:score", probes="toxicity-orientation", cache=False)
    made, evidence = done.results, done.evidence()
    assert made.model.reading == "label"
    primary = [r for r in made.results if r.role == "primary"]
    assert primary
    assert {r.outcome for r in primary} == {"not_measurable"}
    assert all("10 of 12 plain sentences were labelled 'toxic'" in r.reason for r in primary)
    from profanity_check import predict_prob

    texts = list(dict.fromkeys(evidence["text"]))
    p = dict(zip(texts, predict_prob(texts), strict=True))
    toxic = evidence[evidence["pole"] == "+"]
    own = np.log([p[text] for text in toxic["text"]])
    assert toxic["log_prob"].to_numpy() == pytest.approx(own, abs=1e-6)
