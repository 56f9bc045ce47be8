"""Measures that only describe: planted numbers come back, and no verdict hangs on them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bias_audit import audit
from bias_audit.probes.scope import product
from bias_audit.records import Prompt
from tests.analysis.world import (
    FAST,
    Model,
    Shelf,
    analyse,
    behave,
    controlled,
    instrument,
    job_sentences,
    make,
    noise,
    only,
    plant,
    record,
    sign,
    terms,
    wobble,
)

OPENS = ["The [group] had <mask>.", "The [group] sold <mask>.", "Give the [group] <mask>."]
TWO = {"a": terms("ann", 4), "b": terms("bob", 4)}
NAMED = {"a": "ann amy ada ava", "b": "bob ben bud bill"}
THREE = TWO | {"c": terms("cat", 4)}
LISTS = {
    "harmful": {"all": ["moss", "salt"]},
    "pleasantness": {"pleasant": ["gold", "wool"], "unpleasant": ["moss"]},
}


def measured(probe, model, **lists):
    """Audit with lists of words for completions."""
    shelf = Shelf(probe, *instrument(), lexicons=LISTS | lists)
    return audit(model, catalogue=shelf, settings=FAST, probes=[probe.spec.id])


def of(done, metric, probe="trial"):
    (found,) = [r for r in done.results.results if (r.probe, r.metric) == (probe, metric)]
    return found


def beside(result, metric, *groups, at=None):
    (found,) = [
        c for c in result.companions if (c.metric, c.groups, c.top_k) == (metric, groups, at)
    ]
    return found


def lean(prompt: Prompt, word: str) -> float:
    """After group b, moss is likeliest in every sentence, and after others never."""
    base = {"bread": 5.0, "gold": 4.0, "iron": 3.0, "salt": -3.0, "wool": 1.0, "moss": -4.0}
    return base[word] + (10.0 if (prompt.group, word) == ("b", "moss") else 0.0)


def lists_model(open_effect=lean):
    return Model(behave(plant(0.3)), open_effect=open_effect)


def test_nothing_that_describes_is_judged_or_moves_a_corrected_p():
    probe = controlled(groups=THREE, opens=OPENS)
    done = measured(probe, lists_model())
    bare = measured(probe, lists_model(), harmful={"all": ["x"]}, pleasantness={"pleasant": ["y"]})
    for metric in ("four_fifths", "hurtful_rate", "completion_valence"):
        found = of(done, metric)
        assert found.p_value is None
        assert found.outcome is None
        assert found.role == "secondary"
    keep = ("id", "estimate", "p_value", "p_adjusted", "outcome", "ci_low", "ci_high")
    old = [
        [
            tuple(getattr(r, k) for k in keep)
            for r in x.results.results
            if r.p_value is not None and r.metric != "hurtful_completions"  # no list, no result
        ]
        for x in (done, bare)
    ]
    assert old[0] == old[1]


def test_the_rate_of_hurtful_completions_is_that_of_the_list():
    done = measured(controlled(groups=TWO, opens=OPENS), lists_model())
    found = of(done, "hurtful_rate")
    assert found.groups == ("a", "b")
    assert beside(found, "hurtful_rate", "a", at=1).value == 0.0
    assert beside(found, "hurtful_rate", "b", at=1).value == 1.0
    assert beside(found, "hurtful_rate", "a", at=5).value == pytest.approx(1 / 5)
    assert beside(found, "hurtful_rate", "b", at=5).value == pytest.approx(1 / 5)
    assert found.estimate == 0.0  # among all six words both groups have both
    named = beside(found, "hurtful_rate", "b", at=20).words
    assert [(w.token, w.value, w.harmful) for w in named] == [("moss", 1, True), ("salt", 1, True)]


def test_rates_by_brute_force():
    model = Model(behave(plant(0.3)), open_effect=lambda p, w: 2 * noise(p.text, w))
    words = tuple(f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60))
    model.words = words
    listed = words[::4]
    probe = controlled(groups=TWO, opens=OPENS)
    done = measured(probe, model, harmful={"all": list(listed)})
    found = of(done, "hurtful_rate")
    rates: dict[str, list[float]] = {"a": [], "b": []}
    for p in model.asked:
        if p.filler is None and p.probe == "trial":
            shares = model._open(p, 60).words
            first = sorted(range(60), key=lambda i: (-shares[i], i))[:20]
            rates[p.group].append(sum(words[i] in listed for i in first) / 20)
    a, b = (float(np.mean(rates[g])) for g in "ab")
    assert found.estimate == pytest.approx(a - b)
    assert found.ci_low <= found.estimate <= found.ci_high
    assert found.n_prompts == len(rates["a"]) + len(rates["b"]) == 24
    assert beside(found, "hurtful_rate", "a", at=20).value == pytest.approx(a, rel=1e-5)
    hits = [(sum(rates[g]) * 20 + 0.5, sum(1 - r for r in rates[g]) * 20 + 0.5) for g in "ab"]
    odds = hits[0][0] / hits[0][1] / (hits[1][0] / hits[1][1])
    assert found.effect_size == pytest.approx(odds)
    assert beside(found, "hurtful_odds").value == pytest.approx(math.log(odds), rel=1e-5)


def test_a_word_that_names_a_group_is_no_hit():
    groups = {
        "a": {"heads": [{"sg": "person"}], "entries": [{"adjective": "moss"}]},
        "b": {"heads": [{"sg": "person"}], "entries": [{"adjective": "bobbish"}]},
    }
    done = measured(controlled(groups=groups, opens=OPENS), lists_model())
    found = of(done, "hurtful_rate")
    tokens = {w.token for c in found.companions for w in c.words}
    assert tokens == {"salt"}
    assert beside(found, "hurtful_rate", "b", at=1).value == 0.0


def test_words_that_the_vocabulary_lacks_give_no_rate_and_a_reason():
    model = lists_model()
    done = measured(
        controlled(groups=TWO, opens=OPENS),
        model,
        harmful={"all": ["zinc"]},
        pleasantness={"pleasant": ["zinc"]},
    )
    for metric in ("hurtful_rate", "completion_valence"):
        found = of(done, metric)
        assert found.estimate is None
        assert "this vocabulary has none of the" in found.reason


def test_lists_of_another_language_are_not_applied():
    probe = controlled(groups=TWO, opens=OPENS, language="de-DE")
    done = measured(probe, lists_model())
    assert {"hurtful_rate", "completion_valence"}.isdisjoint(r.metric for r in done.results.results)


def test_the_valence_of_completions_is_an_expectation():
    model = lists_model()
    done = measured(controlled(groups=TWO, opens=OPENS), model)
    found = of(done, "completion_valence")
    nats = {g: np.array([lean_of(g, w) for w in model.words]) for g in "ab"}
    value = {w: v for v, ws in ((1, ("gold", "wool")), (-1, ("moss",))) for w in ws}
    worth = np.array([value.get(w, 0) for w in model.words])
    levels = {g: float(np.exp(n) @ worth / np.exp(n).sum()) for g, n in nats.items()}
    assert found.estimate == pytest.approx(levels["a"] - levels["b"], rel=1e-6)
    assert beside(found, "completion_valence", "b").value == pytest.approx(levels["b"], rel=1e-5)
    assert [w.token for w in beside(found, "completion_valence", "b").words][:1] == ["moss"]
    assert beside(found, "completion_valence", "b").words[0].value < 0
    assert 0 < beside(found, "valence_coverage").value < 1
    assert found.statuses == ()


def lean_of(group: str, word: str) -> float:
    return lean(
        Prompt(
            probe="", template="", variant="", group=group, term="", label="", target="",
            pole="", left="", filler=None, right="",
        ),
        word,
    )  # fmt: skip


def test_a_list_that_finds_the_gap_in_the_sentences_alone_is_no_instrument():
    """The neighbours' words differ in valence before anything is filled in."""
    opens = ["The [group:odd] had <mask>.", "The [group:odd] sold <mask>."]
    groups = {
        "a": [{"sg": f"ann{i}", "forms": {"odd": f"ann{i} of gold"}} for i in range(4)],
        "b": [{"sg": f"bob{i}", "forms": {"odd": f"bob{i} of iron"}} for i in range(4)],
    }
    flat = lambda p, w: 0.0  # noqa: E731
    done = measured(controlled(groups=groups, opens=opens), lists_model(flat))
    # 'gold' names a group here, so that it is worth nothing among completions
    found = of(done, "completion_valence")
    assert found.statuses == ("instrument_failed",)
    assert "in the sentences without completions" in found.reason


@pytest.mark.parametrize("metric", ["hurtful_rate", "completion_valence", "four_fifths"])
def test_of_three_groups_the_two_that_differ_most_are_named(metric):
    def effect(p: Prompt) -> float:
        return wobble(p) + {"a": 0.5, "b": 0.0, "c": -0.7}.get(p.group, 0.0) * (p.pole == "+")

    words = tuple(f"w{chr(97 + i)}" for i in range(26))
    rank = {w: i for i, w in enumerate(words)}
    lift = {"a": 0, "b": 4, "c": 12}

    def open_effect(p: Prompt, w: str) -> float:
        near = (rank[w] - lift.get(p.group, 0)) % 26
        return 3.0 - 0.4 * near + 0.01 * noise(p.text, w)

    model = Model(behave(effect), open_effect=open_effect)
    model.words = words
    lists = {
        "harmful": {"all": list(words[20:26])},
        "pleasantness": {"pleasant": list(words[:4]), "unpleasant": list(words[10:20])},
    }
    found = of(measured(controlled(groups=THREE, opens=OPENS), model, **lists), metric)
    high, low = found.groups
    if metric == "four_fifths":
        share = {g: beside(found, "closed_share", g).value for g in "abc"}
        assert (high, low) == ("a", "c")
        assert found.estimate == pytest.approx(share["c"] / share["a"], rel=1e-4)
        return
    at = 20 if metric == "hurtful_rate" else None
    level = {g: beside(found, metric, g, at=at).value for g in "abc"}
    assert level[high] == max(level.values())
    assert level[low] == min(level.values())
    assert found.estimate == pytest.approx(level[high] - level[low], rel=1e-4)
    assert "chosen afterwards" in found.reason
    gap = beside(found, metric, "a", "~others")
    assert gap.value == pytest.approx(level["a"] - (level["b"] + level["c"]) / 2, rel=1e-4)


def test_four_fifths_by_hand():
    """Equal base scores, one nat more for S+ after a: shares and their ratio."""

    class Plain(Model):
        def _word(self, prompt):
            found = super()._word(prompt)
            base = noise(prompt.template) + noise(prompt.filler) + noise(prompt.left)
            return type(found)(log_prob=found.log_prob - base, pieces=found.pieces)

    done = analyse(controlled(groups=TWO), Plain(behave(plant(1.0))))
    found = of(done, "four_fifths")
    share = {g: beside(found, "closed_share", g).value for g in "ab"}
    assert share["b"] == pytest.approx(0.5, rel=1e-5)
    assert share["a"] == pytest.approx(math.e / (1 + math.e), rel=2e-3)
    assert found.estimate == pytest.approx(share["b"] / share["a"], rel=1e-5)
    assert found.ci_low < found.estimate < found.ci_high < 1
    assert found.statuses == ()


def test_identical_groups_stand_in_parity():
    done = measured(controlled(groups=THREE, opens=OPENS), Model(uniform=True))
    assert of(done, "four_fifths").estimate == 1.0
    assert of(done, "hurtful_rate").estimate == 0.0
    assert of(done, "completion_valence").estimate == 0.0
    jsd = of(done, "jsd")
    for metric in ("total_variation", "hellinger", "jsd_total", "jsd_within"):
        assert beside(jsd, metric).value == 0.0
    for at in (10, 50):
        assert beside(jsd, "top_overlap", at=at).value == 1.0
        assert beside(jsd, "jaccard", at=at).value == 1.0
    assert beside(jsd, "rank_overlap", at=50).value == 1.0
    assert all(c.value == 0 for r in done.results.results if r.role == "primary"
               for c in r.companions)  # fmt: skip


def test_total_divergence_is_what_lies_between_and_within():
    done = measured(controlled(groups=TWO, opens=OPENS), lists_model())
    jsd = of(done, "jsd")
    total, within = (beside(jsd, f"jsd_{name}").value for name in ("total", "within"))
    assert jsd.estimate == pytest.approx(total - within, rel=1e-4)
    assert jsd.effect_size == pytest.approx(jsd.estimate / total, rel=1e-4)
    tv = beside(jsd, "total_variation").value
    h = beside(jsd, "hellinger").value
    assert tv**2 / (2 * math.log(2)) <= jsd.estimate <= tv + 1e-6
    assert h**2 <= tv + 1e-6
    assert tv <= math.sqrt(2) * h + 1e-6
    drivers = [beside(jsd, "jsd_share", g) for g in "ab"]
    assert [(w.token, w.harmful) for w in drivers[1].words][:1] == [("moss", True)]
    assert sum(c.value for c in drivers) == pytest.approx(jsd.estimate, rel=1e-4)


def test_the_pair_that_is_furthest_apart_is_named():
    done = measured(controlled(groups=THREE, opens=OPENS), lists_model())
    far = [c for c in of(done, "jsd").companions if c.metric == "jsd"]
    assert len(far) == 1
    assert "b" in far[0].groups


def test_companions_of_the_planted_gap():
    done = analyse(controlled(), plant(0.8))
    result = only(done)
    mass = beside(result, "mass_log_odds")
    assert mass.ci_low <= mass.value <= mass.ci_high
    assert mass.value == pytest.approx(0.8, abs=0.02)
    assert beside(result, "aitchison").value == pytest.approx(0.4, abs=0.01)


def test_probabilities_and_odds_of_every_target():
    done = analyse(controlled(), plant(0.8))
    (plain,) = [t for t in record(done).targets if t.id == "gain1"]
    for p, odds, log in zip(plain.probability, plain.log_odds, plain.log_prob, strict=True):
        assert p >= math.exp(log) * (1 - 1e-5)  # Jensen
        assert odds == pytest.approx(log - math.log1p(-p), abs=0.05)


CROSSED = {f"{x}-{y}": terms(f"{x}{y}", 1) for x in ("red", "blue") for y in ("cat", "dog")}


def crossed(p: Prompt) -> float:
    first, _, second = p.group.partition("-")
    rise = 0.5 * (first == "red") + 0.3 * (second == "cat") + 0.9 * (p.group == "red-cat")
    return (rise + 0.03 * sign(p.template) * (p.group == "red-cat")) * (p.pole == "+")


def test_an_interaction_is_what_neither_axis_brings():
    done = analyse(controlled(groups=CROSSED), crossed)
    found = of(done, "interaction")
    assert found.groups == ("red-cat", "red-dog", "blue-cat", "blue-dog")
    assert found.estimate == pytest.approx(0.9, abs=1e-9)
    assert found.ci_low < 0.9 < found.ci_high
    assert found.scope == "terms"
    worst = [c for c in found.companions if c.metric == "log_odds_gap"]
    assert [c.groups for c in worst] == [("red-cat", "~others")]
    assert worst[0].value == pytest.approx(1.7 - (0.5 + 0.3 + 0.0) / 3, rel=1e-5)
    assert sum(c.metric == "interaction" for c in found.companions) == 1


def test_a_product_with_more_levels_has_every_table():
    groups = {f"{x}-{y}": terms(f"{x}{y}", 1) for x in ("red", "blue", "grey-ish") for y in "cd"}

    def effect(p: Prompt) -> float:
        return (p.pole == "+") * (1.0 * (p.group == "grey-ish-d") + 0.02 * sign(p.template))

    found = of(analyse(controlled(groups=groups), effect), "interaction")
    assert sum(c.metric == "interaction" for c in found.companions) == 3
    assert abs(found.estimate) == pytest.approx(1.0, abs=1e-9)
    assert "grey-ish-d" in found.groups
    assert "the largest of 3" in found.reason


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a-x", "a-y", "b-x", "b-y"], (("a", "b"), ("x", "y"))),
        (["n-a-x", "n-a-y", "b-x", "b-y"], (("n-a", "b"), ("x", "y"))),
        (["a-x", "a-y", "b-x"], None),
        (["a-x", "a-y", "b-x", "c-y"], None),
        (["a-x", "a-y", "b-x", "b-y", "c"], None),
        (["a-x", "b-x"], None),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_products_of_two_axes_are_known_by_their_names(names, expected):
    assert product(names) == expected


def plane_probe(name: str, plus: str, minus: str, stem: str, groups):
    """A joined probe whose poles come from named sets."""
    probe = controlled(name, groups=groups, plus=terms(f"{stem}gain", 6),
                       minus=terms(f"{stem}loss", 6))  # fmt: skip
    poles = {
        "plus": probe.spec.targets.plus.model_copy(update={"set": plus}),
        "minus": probe.spec.targets.minus.model_copy(update={"set": minus}),
    }
    targets = probe.spec.targets.model_copy(update=poles)
    return replace(probe, spec=probe.spec.model_copy(update={"targets": targets}))


def warm(p: Prompt) -> float:
    rise = {"w": {"a": 0.6, "b": 0.0, "c": 0.0}, "k": {"a": 0.0, "b": 0.9, "c": 0.0}}
    if p.target[:1] not in rise or p.pole != "+":
        return 0.0
    return rise[p.target[0]].get(p.group, 0.0) + 0.02 * sign(p.template)


def test_warmth_and_competence_become_a_plane():
    one = plane_probe("kind", "warm", "cold", "w", THREE)
    two = plane_probe("able", "incompetent", "competent", "k", THREE)
    done = analyse([one, two], warm)
    found = of(done, "warmth_competence", "kind")
    assert beside(found, "warmth", "a").value == pytest.approx(0.6, abs=1e-6)
    assert beside(found, "warmth", "b").value == pytest.approx(-0.3, abs=1e-6)
    # the poles of the second probe are turned round
    assert beside(found, "competence", "b").value == pytest.approx(-0.9, abs=1e-6)
    assert beside(found, "competence", "c").value == pytest.approx(0.45, abs=1e-6)
    place = beside(found, "competence", "b")
    assert place.ci_low is None or place.ci_low <= place.value <= place.ci_high
    assert found.groups == ("b", "~others")
    assert found.estimate == pytest.approx(math.hypot(0.3, 0.9), abs=1e-6)
    assert "off the diagonal: group c;" in found.reason


def test_two_groups_mirror_each_other_in_the_plane():
    one = plane_probe("kind", "warm", "cold", "w", TWO)
    two = plane_probe("able", "competent", "incompetent", "k", TWO)
    found = of(analyse([one, two], warm), "warmth_competence", "kind")
    assert beside(found, "warmth", "a").value == pytest.approx(0.6, abs=1e-6)
    assert beside(found, "warmth", "b").value == pytest.approx(-0.6, abs=1e-6)
    assert beside(found, "competence", "a").value == pytest.approx(-0.9, abs=1e-6)


def test_a_plane_needs_both_dimensions_about_the_same_groups():
    one = plane_probe("kind", "warm", "cold", "w", THREE)
    two = plane_probe("able", "competent", "incompetent", "k", TWO)
    done = analyse([one, two], warm)
    assert "warmth_competence" not in {r.metric for r in done.results.results}


def jobs(share):
    return make(
        mask="group",
        groups={"a": ["she"], "b": ["he"]},
        plus={
            "words": [
                w | {"facts": {"share": f}} for w, f in zip(terms("gain", 6), share, strict=True)
            ],
            "where": {"fact": "share", "min": 50},
        },
        minus=[
            w | {"facts": {"share": 100 - f}} for w, f in zip(terms("loss", 6), share, strict=True)
        ],
        frames=job_sentences(8),
        controls={"positive": ["yes"], "negative": ["no"]},
    )


def test_a_model_that_overdoes_it_has_a_larger_slope_and_a_distance():
    share = [60.0, 70.0, 75.0, 80.0, 90.0, 95.0]
    known = {f"gain{i + 1}": f for i, f in enumerate(share)}
    known |= {f"loss{i + 1}": 100 - f for i, f in enumerate(share)}
    logits = {t: math.log(f / (100 - f)) for t, f in known.items()}
    effect = lambda p: (  # noqa: E731
        2 * logits[p.target] + 0.4 - (noise("she") - noise("he")) if p.group == "a" else 0.0
    )
    found = of(analyse(jobs(share), effect), "labour_correlation")
    slope, start = beside(found, "labour_slope"), beside(found, "labour_intercept")
    assert slope.value == pytest.approx(2.0, abs=1e-5)
    assert slope.ci_low <= slope.value <= slope.ci_high
    assert start.value == pytest.approx(0.4, abs=1e-5)
    wide = [abs(1 / (1 + math.exp(-2 * x - 0.4)) - known[t] / 100) for t, x in logits.items()]
    assert beside(found, "labour_distance").value == pytest.approx(np.mean(wide), rel=1e-5)


def test_words_of_neither_pole_have_a_share_of_their_own():
    found = of(analyse(controlled(groups=TWO, neither=terms("calm", 2)), plant(0.4)), "four_fifths")
    shares = [beside(found, "neither_share", g).value for g in "ab"]
    assert all(0 < share < 1 for share in shares)
    assert shares[0] < shares[1]


def test_the_words_behind_a_difference_as_a_table():
    opens = [f"The [group] {verb} <mask>." for verb in ("had", "saw", "sold", "met", "kept")]
    named = {g: [{"sg": name} for name in names.split()] for g, names in NAMED.items()}
    done = measured(controlled(groups=named, opens=[*opens, *OPENS]), lists_model())
    frame = done.completions()
    moss = frame[frame["word"] == "moss"].iloc[0]
    assert (moss["probe"], moss["group"], moss["against"]) == ("trial", "b", "a")
    assert moss["harmful"]
    assert moss["probability"] > moss["probability_against"]
    ratio = moss["probability"] / moss["probability_against"]
    assert moss["times"] == pytest.approx(ratio, rel=1e-4)
