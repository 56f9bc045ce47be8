"""Two models side by side: what is matched, what is correlated, and that nothing is merged."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bias_audit import audit
from bias_audit.analysis.trace import leanings, trace
from bias_audit.backends import FakeBackend
from bias_audit.cli.app import run
from bias_audit.errors import UsageError
from bias_audit.pipeline.audit import evidence_bytes
from bias_audit.pipeline.trace import trace_models
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.results import StoredRun
from tests.backends.stand_in_encoder import StandInEncoder
from tests.pipeline.test_labels import classifier

BASE, TUNED, DEPLOYED = "base", "tuned", "deployed"


def planted(strength):
    """A stand-in that ties some groups to the first pole, a little differently for each word."""

    def bias(prompt):
        sign = {"muslim": -1.0, "buddhist": 1.0, "female": 1.0}.get(prompt.group, 0.0)
        return strength * sign * (1 + len(prompt.target) % 5) * (prompt.pole == "+")

    return FakeBackend(bias=bias)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Three runs: two of language models, with the same probes, and one of a classifier."""
    place = tmp_path_factory.mktemp("trace")
    words = ["valence-religion", "occupation-pronoun"]
    models = {
        BASE: (planted(0.3), words, 8),
        TUNED: (planted(0.5), words, 8),
        DEPLOYED: (classifier({"Muslim": 0.8, "Buddhist": -0.4}), ["toxicity-religion"], None),
    }
    for name, (model, probes, limit) in models.items():
        audit(model, probes=probes, limit=limit, cache=False).save(place / name)
    return place


def stored(home, name):
    """A run as if its instrument had held, which that of a stand-in never does."""
    one = StoredRun.open(home / name)
    probes = tuple(p.model_copy(update={"statuses": ()}) for p in one.results.probes)
    return replace(one, results=one.results.model_copy(update={"probes": probes}))


def evidence(stored, probe):
    stream = io.BytesIO(stored.evidence) if isinstance(stored.evidence, bytes) else stored.evidence
    frame = pd.read_csv(stream, compression="gzip", keep_default_na=False)
    return frame[(frame["probe"] == probe) & frame["pole"].isin(["+", "-"])].astype(
        {"log_prob": float}
    )


def by_word(frame):
    """The second implementation: pandas instead of sums over keys."""
    cells = frame.groupby(["label", "pole", "template", "target"])["log_prob"].mean()
    wide = cells.groupby(["label", "pole"]).mean().unstack()
    return wide["+"] - wide["-"]


def test_numbers_stay_in_their_own_run_and_unit(home):
    base, deployed = stored(home, BASE), stored(home, DEPLOYED)
    made = trace(base, deployed, names=(BASE, DEPLOYED))
    assert (made.base.model.reading, made.deployed.model.reading) == ("mask", "label")
    results = [{r.id: r for r in one.results.results} for one in (base, deployed)]
    assert len(made.comparisons) == 7
    for row in made.comparisons:
        for gap, known in zip((row.base, row.deployed), results, strict=True):
            source = known[gap.result]
            assert source.groups == row.groups
            names = ("estimate", "ci_low", "ci_high", "unit", "outcome", "probe")
            assert all(getattr(gap, name) == getattr(source, name) for name in names)
    assert {(r.base.plus, r.deployed.plus) for r in made.comparisons} == {
        ("pleasant words", "toxic")
    }
    (muslim,) = (row for row in made.comparisons if row.groups[0] == "muslim")
    assert muslim.base.estimate < 0 < muslim.deployed.estimate
    assert muslim.deployed.outcome == "association"


def test_the_order_of_group_words_is_scipys_on_pandas_means(home):
    made = trace(stored(home, BASE), stored(home, DEPLOYED), names=(BASE, DEPLOYED))
    (order,) = made.orders  # each religion has one word: the order of groups is the same
    left = by_word(evidence(stored(home, BASE), "valence-religion"))
    right = by_word(evidence(stored(home, DEPLOYED), "toxicity-religion"))
    shared = sorted(set(left.index) & set(right.index))
    expected = stats.spearmanr(left[shared], right[shared]).statistic
    assert (order.over, order.n) == ("group words", len(shared))
    assert order.spearman == pytest.approx(expected, abs=1e-9)
    assert order.spearman < -0.2, "whom the base ties to unpleasant words is flagged"
    assert -1 <= order.low <= order.spearman <= order.high <= 1
    assert any("'pleasant words' the other ties to 'toxic'" in text for text in made.notices)
    assert "only in base: occupation-pronoun" in made.notices
    assert trace(stored(home, BASE), stored(home, DEPLOYED), names=(BASE, DEPLOYED)) == made


def test_the_order_of_target_words_is_scipys_on_pandas_means(home):
    made = trace(stored(home, BASE), stored(home, TUNED), names=(BASE, TUNED))
    (order,) = (
        o for o in made.orders if o.over == "target words" and o.base_probe == "occupation-pronoun"
    )
    gaps = []
    for name in (BASE, TUNED):
        frame = evidence(stored(home, name), "occupation-pronoun")
        pivot = frame.pivot_table("log_prob", ["target"], "group")
        first, second = order.groups
        gaps.append(pivot[first] - pivot[second])
    expected = stats.spearmanr(*(gap[sorted(gaps[0].index)] for gap in gaps)).statistic
    assert order.spearman == pytest.approx(expected, abs=1e-9)
    other = stats.bootstrap(
        tuple(gap.to_numpy() for gap in gaps),
        lambda x, y: stats.spearmanr(x, y).statistic,
        paired=True, vectorized=False, n_resamples=999, method="percentile",
        rng=np.random.default_rng(4),
    )  # fmt: skip
    assert (order.low, order.high) == pytest.approx(other.confidence_interval, abs=0.06)
    assert order.p < 0.05
    assert any("bias-audit compare" in text for text in made.notices)


def test_an_encoder_and_a_classifier_each_in_its_own_unit(home, tmp_path, monkeypatch, capfd):
    """The use that the command is made for: standard deviations of cosines beside nats."""

    def cosine(text, query):
        return -0.3 * ("muslim" in text.lower() and query in pleasant)

    probe = ProbeCatalogue().probe("valence-religion")
    pleasant = {t.word.label for t in probe.targets if t.pole == "+"}
    audit(StandInEncoder(cosine), probes="valence-religion", limit=4).save(tmp_path / "encoder")
    monkeypatch.chdir(tmp_path)
    assert run(["trace", "encoder", str(home / DEPLOYED), "--format", "json"]) == 0
    made = json.loads(capfd.readouterr().out)
    assert (made["base"]["unit"], made["deployed"]["unit"]) == ("sd", "nats")
    assert {(r["base"]["unit"], r["deployed"]["unit"]) for r in made["comparisons"]} == {
        ("sd", "nats")
    }
    assert made["notices"][0].startswith("encoder is read as similarity, ")
    assert run(["trace", "encoder", str(home / DEPLOYED), "--format", "md"]) == 0
    text = " ".join(capfd.readouterr().out.split())
    assert "standard deviations towards" in text
    assert "times towards" in text


def test_leanings_average_forms_before_frames():
    def key(template, term, target, pole):
        return (template, "", "g", term, "Word", target, pole, "text")

    scores = {
        key("a", "sg", "x", "+"): -1.0,
        key("a", "pl", "x", "+"): -3.0,
        key("b", "sg", "x", "+"): -4.0,
        key("a", "sg", "y", "-"): -5.0,
        key("b", "sg", "y", "-"): -7.0,
        key("a", "sg", "z", "0"): -99.0,
    }
    assert leanings(scores) == {("g", "word"): (-2 - 4) / 2 - (-5 - 7) / 2}


def test_one_run_twice_has_one_order(home):
    one = stored(home, BASE)
    made = trace(one, one, names=(BASE, BASE))
    over = [(o.base_probe, o.over) for o in made.orders if o.over != "target words"]
    assert over == [("occupation-pronoun", "group words"), ("valence-religion", "group words")]
    orders = [o.spearman for o in made.orders if o.spearman is not None]
    assert orders == pytest.approx([1.0] * 9)
    (pronouns,) = (o for o in made.orders if o.over == "group words" and o.n < 4)
    assert pronouns.spearman is None
    assert pronouns.reason == f"{pronouns.n} group words in common, at least 4 are needed"


def test_the_order_of_groups_is_that_of_the_means_of_their_words():
    runs, means = [], []
    for skew in ({"Mexican": 0.5, "German": 0.3}, {"Indian": 0.4}):
        done = audit(classifier(skew), probes="toxicity-nationality")
        runs.append(StoredRun(results=done.results, evidence=evidence_bytes(done.measured)))
        frame = evidence(runs[-1], "toxicity-nationality")
        group_of = frame.drop_duplicates("label").set_index("label")["group"]
        means.append(by_word(frame).groupby(group_of).mean())
    order = trace(*runs, names=("one", "two")).orders[-1]
    assert (order.over, order.n) == ("groups", len(means[0]))
    expected = stats.spearmanr(means[0], means[1][means[0].index]).statistic
    assert order.spearman == pytest.approx(expected, abs=1e-9)


def test_a_failed_instrument_gives_no_order(tmp_path, home):
    wrong = audit(classifier(labels=("neutral", "toxic")), probes="toxicity-religion")
    other = StoredRun(results=wrong.results, evidence=evidence_bytes(wrong.measured))
    made = trace(stored(home, BASE), other, names=(BASE, "wrong"))
    assert {row.deployed.outcome for row in made.comparisons} == {"not_measurable"}
    assert {order.spearman for order in made.orders} == {None}
    assert made.orders[0].reason == "the instrument failed on toxicity-religion in wrong"
    both = trace(StoredRun.open(home / BASE), other, names=(BASE, "wrong"))
    assert both.orders[0].reason.startswith("the instrument failed on valence-religion in base; ")


def test_versions_and_other_groups_are_not_mixed(home):
    base, tuned = stored(home, BASE), stored(home, TUNED)

    def changed(**update):
        probes = [
            p.model_copy(update=update) if p.id == "valence-religion" else p
            for p in tuned.results.probes
        ]
        return replace(tuned, results=tuned.results.model_copy(update={"probes": tuple(probes)}))

    made = trace(base, changed(version=99), names=(BASE, TUNED))
    assert {row.base.probe for row in made.comparisons} == {"occupation-pronoun"}
    assert any(text.startswith("valence-religion is left out: version ") for text in made.notices)
    fewer = next(p for p in tuned.results.probes if p.id == "valence-religion").groups[:-1]
    made = trace(base, changed(groups=fewer), names=(BASE, TUNED))
    assert {row.base.probe for row in made.comparisons} == {"occupation-pronoun"}, (
        "the mean of other groups is another mean"
    )


def test_the_command_in_every_format(home, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(home)
    assert run(["trace", BASE, DEPLOYED]) == 0
    out, _ = capfd.readouterr()
    assert out.startswith("base (fake, read as mask, nats) and deployed (")
    assert "none is made of both" in " ".join(out.split())
    assert run(["trace", BASE, DEPLOYED, "--format", "json"]) == 0
    content = json.loads(capfd.readouterr().out)
    assert len(content["comparisons"]) == 7
    assert set(content["comparisons"][0]) == {"axis", "groups", "group_labels", "base", "deployed"}
    place = tmp_path / "trace.md"
    assert run(["trace", BASE, TUNED, "-p", "valence-*", "--format", "md", "-o", str(place)]) == 0
    text = place.read_text("utf-8")
    assert "| target words, Muslim vs the other groups | valence-religion | 60 |" in text
    assert "occupation-pronoun" not in text


def test_models_are_audited_by_the_named_probes(home, tmp_path):
    deployed = audit(classifier(), probes="toxicity-race").save(tmp_path / "run")
    made = trace_models("fake", str(deployed), probes=["wealth-race", "toxicity-*"])
    assert (made.base.name, made.base.model.name) == ("fake", "fake")
    assert {(o.base_probe, o.deployed_probe) for o in made.orders} == {
        ("wealth-race", "toxicity-race")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["base", "nowhere"], "'nowhere' is no run, so it would be audited as a model"),
        (["base", "deployed", "-p", "occupation-pronoun", "-p", "toxicity-religion"], "in common"),
        (["base", "deployed", "-p", "valence-religion"], "none of the named probes is in the run"),
        (["base", "bare"], "bare has no evidence.csv.gz, so there is nothing to trace"),
        (["base", "deployed", "--probe-path", "nothing.yaml"], "no such file or folder"),
    ],
)
def test_what_cannot_be_traced_is_refused(home, monkeypatch, capfd, arguments, message):
    monkeypatch.chdir(home)
    bare = home / "bare"
    bare.mkdir(exist_ok=True)
    (bare / "results.json").write_bytes((home / BASE / "results.json").read_bytes())
    assert run(["trace", *arguments]) == 2
    assert message in " ".join(capfd.readouterr().err.split())


def test_damaged_evidence_is_refused(home):
    one = stored(home, BASE)
    broken = replace(one, evidence=io.BytesIO(b"no gzip").getvalue())
    with pytest.raises(UsageError, match="is not readable evidence"):
        trace(one, broken, names=(BASE, "broken"))
