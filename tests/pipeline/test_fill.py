"""One sentence, a few groups: completions side by side."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from bias_audit.backends import score_all
from bias_audit.errors import UnknownNameError, UsageError
from bias_audit.pipeline.fill import NOTE_ARTICLE, NOTE_COSINES, NOTE_ONE, fill
from bias_audit.records import CompletionRequest, FillRequest, FillScore
from bias_audit.reports.text import percent, times
from tests.analysis.world import OPEN_WORDS, Model, noise
from tests.backends.stand_in_encoder import StandInEncoder

TEXT = "The [group] bought <mask>."
MODEL = Model(open_effect=lambda p, w: 2.0 * noise(p.text, w))


def asked(text):
    left, right = text.split("<mask>")
    (answer,) = score_all(MODEL, [CompletionRequest(left=left, right=right)])
    return answer


def test_one_word_gives_the_models_own_list():
    made = fill(TEXT, {"men": ["man"], "women": ["woman"]}, MODEL, top=4)
    for group, word in zip(made.groups, ("man", "woman"), strict=True):
        answer = asked(f"The {word} bought <mask>.")
        assert group.completions == answer.top[:4]
        assert group.sentences == (f"The {word} bought <mask>.",)
        assert group.word_mass == pytest.approx(0.9)
    (gap,) = made.distances
    rows = [asked(f"The {word} bought <mask>.").words for word in ("man", "woman")]
    assert gap.jsd == pytest.approx(jensenshannon(*rows, base=2) ** 2, abs=1e-6)
    for word, p, q in gap.towards_a:
        assert p > q
        assert p == pytest.approx(0.9 * rows[0][OPEN_WORDS.index(word)], abs=1e-6)
    assert all(p < q for _, p, q in gap.towards_b)
    assert {w for w, _, _ in gap.towards_a + gap.towards_b} <= set(OPEN_WORDS)
    assert made.notes == (NOTE_ONE,)
    assert json.loads(json.dumps(made.as_dict()))["template"] == TEXT


def test_several_words_are_averaged_by_what_they_give_each_word():
    model = Model(open_effect=lambda p, w: 2.0 * noise(p.text, w))
    answer = model._open

    def uneven(prompt, top_k):
        return replace(answer(prompt, top_k), word_mass=0.9 if "boy" in prompt.left else 0.3)

    model._open = uneven
    made = fill(TEXT, {"men": ["man", "boy"], "women": ["woman"]}, model, top=6)
    rows = [asked(f"The {w} bought <mask>.").words.astype(float) for w in ("man", "boy")]
    expected = (rows[0] * 0.3 + rows[1] * 0.9) / 2
    found = dict(made.groups[0].completions)
    assert [found[w] for w in OPEN_WORDS] == pytest.approx(list(expected), abs=1e-6)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert made.groups[0].word_mass == pytest.approx(0.6)
    middle = np.mean(rows, axis=0)
    other = asked("The woman bought <mask>.").words
    assert made.distances[0].jsd == pytest.approx(
        jensenshannon(middle, other, base=2) ** 2, abs=1e-6
    )


def test_there_is_one_kind_of_probability():
    model = Model(open_effect=lambda p, w: 2.0 * noise(p.text, w))
    answer = model._open
    model._open = lambda p, k: replace(
        given := answer(p, k), top=tuple((w, v * given.word_mass) for w, v in given.top)
    )
    made = fill(TEXT, ["man", "woman"], model, top=6)
    after = {group.name: dict(group.completions) for group in made.groups}
    for one in made.words:
        assert one.probabilities == pytest.approx([after[g][one.word] for g in ("man", "woman")])
    for word, p, q in made.distances[0].towards_a:
        assert (p, q) == pytest.approx((after["man"][word], after["woman"][word]))
    best = [max(one.probabilities) for one in made.words]
    assert best == sorted(best, reverse=True)


@pytest.mark.parametrize(
    "groups",
    ["women=woman|lady,men=man", {"women": ["woman", "lady"], "men": "man"}],
)
def test_groups_as_the_command_takes_them_or_as_a_mapping(groups):
    made = fill(TEXT, groups, MODEL)
    assert [group.name for group in made.groups] == ["women", "men"]
    assert made.groups[0].sentences == ("The woman bought <mask>.", "The lady bought <mask>.")


@pytest.mark.parametrize("mask", ["[MASK]", "[mask]"])
def test_the_mask_may_be_written_as_other_tools_write_it(mask):
    assert fill(f"The [group] bought {mask}.", ["man"], MODEL) == fill(TEXT, ["man"], MODEL)


@pytest.mark.parametrize("targets", ["gold, salt,gold", ["gold", "salt"]])
def test_words_that_were_asked_for(targets):
    model = Model(effect=lambda p: noise(p.text, p.filler))
    made = fill(TEXT, {"men": ["man", "boy"], "women": ["woman"]}, model, targets)
    assert made.targets == ("gold", "salt")
    assert [one.word for one in made.words] == ["gold", "salt"]
    for row in made.words:
        asked = [
            FillRequest(left=f"The {word} bought ", filler=row.word, right=".")
            for word in ("man", "boy", "woman")
        ]
        man, boy, woman = (np.exp(one.log_prob) for one in score_all(model, asked))
        assert row.probabilities == pytest.approx([(man + boy) / 2, woman])
    frame = made.to_frame()
    assert list(frame.columns) == ["men", "women"]
    assert frame.loc["salt", "women"] == pytest.approx(made.words[1].probabilities[1])


def test_a_word_that_cannot_be_scored_is_said_and_has_no_number():
    lost = FillScore(log_prob=None, pieces=0, skip="unscorable", detail="no such piece")
    model = Model(effect=lambda p: lost if p.filler == "gold" else -1.0)
    made = fill(TEXT, ["man"], model, ["gold", "salt"])
    assert made.words[0].probabilities == (None,)
    assert made.words[1].probabilities[0] > 0
    assert "'gold' cannot be scored: no such piece" in made.notes


def test_little_probability_on_words_is_a_warning():
    model = Model()
    answer = model._open
    model._open = lambda p, k: replace(answer(p, k), word_mass=0.3)
    assert (
        fill(TEXT, ["man"], model)
        .notes[0]
        .startswith("Warning: little of the probability lies on whole words (30 % for man)")
    )


def test_a_result_shows_itself_in_a_line_for_each_group():
    lines = repr(fill(TEXT, ["man", "woman"], MODEL)).splitlines()
    assert lines[0] == f"{TEXT}   ({MODEL.info.name})"
    assert [line.partition(":")[0] for line in lines[1:]] == ["man", "woman"]
    assert lines[1].count(" %") == 3


def test_a_result_with_targets_shows_them_with_ratio_and_distance():
    model = Model(
        effect=lambda p: noise(p.text, p.filler), open_effect=lambda p, w: noise(p.text, w)
    )
    made = fill(TEXT, ["man", "woman"], model, "gold,salt")
    title, head, *rows, apart = repr(made).splitlines()
    assert title.startswith(TEXT)
    assert head.split() == ["word", "man", "woman", "ratio"]
    for row, one in zip(rows, made.words, strict=True):
        man, woman = one.probabilities
        more, less = ("man", "woman") if man > woman else ("woman", "man")
        ratio = f"{more} {times(abs(np.log(man / woman)))} × {less}"
        cells = [one.word, percent(man), percent(woman), ratio]
        assert re.split(r"  +", row) == cells
        assert cells in made.table()
    assert apart.startswith(f"How far apart: {made.distances[0].jsd:.4f} bits")
    (frame,) = pd.read_html(io.StringIO(made._repr_html_()))
    assert frame.to_numpy().tolist() == made.table()[1:]
    assert apart in made._repr_html_()


def test_a_ratio_of_several_groups_names_the_two_that_differ_most():
    model = Model(effect=lambda p: noise(p.text, p.filler))
    names = ["man", "woman", "boy"]
    made = fill(TEXT, names, model, "gold")
    values = dict(zip(made.words[0].probabilities, names, strict=True))
    most, least = max(values), min(values)
    expected = f"{values[most]} {times(np.log(most / least))} × {values[least]}"
    assert made.table()[1][-1] == expected
    assert fill(TEXT, ["man"], model, "gold").table()[0] == ["word", "man"]
    assert fill(TEXT, {"a": "man", "b": "man"}, model, "gold").table()[1][-1] == "equal"


def test_what_a_notebook_shows_is_no_markup_of_others():
    made = fill(TEXT, {"<b>a": "man", "b": "woman"}, MODEL, ["<i>gold"])
    shown = made._repr_html_()
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "&lt;b&gt;a" in shown


@pytest.mark.parametrize(
    "targets", ["kind,friendly;violent,dangerous", "a=b", "a|b", ["a,b"], "--", "", "kind,,good"]
)
def test_a_target_is_one_word_or_phrase(targets):
    with pytest.raises(UsageError, match="expected") as caught:
        fill(TEXT, ["man"], MODEL, targets)
    assert "--targets" in caught.value.hint


@pytest.mark.parametrize(("name", "meant"), [("target", "targets"), ("devcie", "device")])
def test_a_wrong_keyword_is_an_error_with_what_was_meant(name, meant):
    with pytest.raises(UnknownNameError, match=f"no keyword named '{name}'") as caught:
        fill(TEXT, ["man"], MODEL, **{name: "x"})
    assert caught.value.hint == f"did you mean '{meant}'?"


def test_same_words_are_no_distance_apart():
    made = fill(TEXT, {"one": ["man"], "two": ["man"], "three": ["boy"]}, MODEL)
    gaps = {(d.a, d.b): d for d in made.distances}
    assert gaps["one", "two"].jsd == 0
    assert gaps["one", "two"].towards_a == gaps["one", "two"].towards_b == ()
    assert list(gaps) == [("one", "two"), ("one", "three"), ("two", "three")]


def test_forms_articles_and_notes():
    made = fill("Two [group:pl] met a <mask>.", {"x": [" elf "]}, MODEL)
    assert made.notes == (NOTE_ONE, NOTE_ARTICLE)
    assert made.distances == ()
    assert made.groups[0].sentences == ("Two elf met a <mask>.",)
    assert fill("A [group] bought <mask>.", {"x": ["elf"]}, MODEL).groups[0].sentences == (
        "An elf bought <mask>.",
    )


@pytest.mark.parametrize(
    ("template", "groups"),
    [
        ("The [group] bought bread.", {"x": ["man"]}),
        ("The [group] bought <mask> and <mask>.", {"x": ["man"]}),
        ("The man bought <mask>.", {"x": ["man"]}),
        ("The [grup] bought <mask>.", {"x": ["man"]}),
        ("The [group] of [place] bought <mask>.", {"x": ["man"]}),
        ("The  [group] bought <mask>.", {"x": ["man"]}),
        ("The [group]\nbought <mask>.", {"x": ["man"]}),
        (" The [group] bought <mask>.", {"x": ["man"]}),
        ("The [group:subject] bought <mask>.", {"x": ["man"]}),
        ("", {"x": ["man"]}),
        (TEXT, {}),
        (TEXT, {"x": []}),
        (TEXT, {"x": ["man"], "y": []}),
        (TEXT, {"x": [""]}),
        (TEXT, {"x": ["  "]}),
        (TEXT, {"x": ["a\nman"]}),
        (TEXT, {"x": ["a  man"]}),
        (TEXT, {"x": ["[group]"]}),
        (TEXT, {"x": ["<mask>"]}),
        (TEXT, {"x": ["m" * 30_000]}),
        (TEXT, "man,,woman"),
        (TEXT, "women=woman|,man"),
        (TEXT, "man,man"),
        (TEXT, []),
    ],
)
def test_what_cannot_be_used_is_one_message(template, groups):
    with pytest.raises(UsageError) as caught:
        fill(template, groups, MODEL)
    assert caught.value.exit_code == 2
    assert "Value error" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize("targets", ["", ",", [], ["gold", " "], ["<mask>"]])
def test_targets_that_are_no_words_are_one_message(targets):
    with pytest.raises(UsageError, match="expected"):
        fill(TEXT, ["man"], MODEL, targets)


def test_a_model_that_cannot_be_asked_says_how_it_is_read():
    class Mute(Model):
        supports = frozenset()

    mute = Mute()
    mute.info = replace(mute.info, name="mute", reading="similarity")
    with pytest.raises(UsageError, match="'mute' is read as similarity, so no word"):
        fill(TEXT, ["man"], mute, ["gold"])


@pytest.mark.parametrize(
    ("text", "asked_of"),
    [(TEXT, "The {} bought ...."), ("The [group] bought gold.", "The {} bought gold.")],
)
def test_an_encoder_says_how_near_a_sentence_lies_to_each_word(text, asked_of):
    encoder = StandInEncoder()
    made = fill(text, {"men": ["man", "boy"], "women": "woman"}, encoder, ["gold", "a ring"])
    words = {"men": ("man", "boy"), "women": ("woman",)}
    for row in made.words:
        means = [
            np.mean([encoder.cosine(asked_of.format(w), row.word) for w in mine])
            for mine in words.values()
        ]
        assert row.probabilities == pytest.approx(means)
    assert made.groups[1].sentences == (asked_of.format("woman"),)
    assert (made.distances, made.groups[0].completions) == ((), ())
    head, first, _ = made.table()
    assert head == ["compared with", "men", "women", "difference"]
    men, women = made.words[0].probabilities
    near = ("men", "women") if men > women else ("women", "men")
    assert first[1:] == [
        f"{men:.3f}", f"{women:.3f}", f"{near[0]} {abs(men - women):.3f} nearer than {near[1]}"
    ]  # fmt: skip
    assert made.notes == (NOTE_ONE, NOTE_COSINES)
    assert made.to_frame().index.name == "compared with"


def test_an_encoder_needs_words_to_compare_with():
    with pytest.raises(UsageError, match="completes nothing") as caught:
        fill(TEXT, ["man"], StandInEncoder())
    assert "--targets" in caught.value.hint


def test_mistakes_are_told_before_a_model_is_opened():
    with pytest.raises(UsageError, match=r"no \[group\]"):
        fill("The man bought <mask>.", ["man"], "no/such-model")


@pytest.mark.parametrize("top", [0, -3])
def test_at_least_one_completion(top):
    with pytest.raises(UsageError, match="at least one completion"):
        fill(TEXT, {"x": ["man"]}, MODEL, top=top)


def test_a_sentence_that_is_too_long_is_one_message():
    model = Model()
    answer = model._open
    model._open = lambda p, k: replace(answer(p, k), skip="too_long", detail="900 pieces")
    with pytest.raises(UsageError, match="cannot be scored: 900 pieces"):
        fill(TEXT, {"x": ["man"]}, model)
