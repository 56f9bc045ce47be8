"""One sentence, a few groups: completions side by side."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from bias_audit.backends import score_all
from bias_audit.errors import UsageError
from bias_audit.pipeline.fill import NOTE_ARTICLE, NOTE_ONE, fill
from bias_audit.records import CompletionRequest
from tests.analysis.world import OPEN_WORDS, Model, noise

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
        assert p == pytest.approx(rows[0][OPEN_WORDS.index(word)], abs=1e-6)
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
    ],
)
def test_what_cannot_be_used_is_one_message(template, groups):
    with pytest.raises(UsageError) as caught:
        fill(template, groups, MODEL)
    assert caught.value.exit_code == 2
    assert "Value error" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


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
