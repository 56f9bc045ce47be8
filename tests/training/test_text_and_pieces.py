"""Text in, pieces out: what was lost in the first attempts must not be lost again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from training import text, words
from training.batches import EVEN, Batches, Coded, Kinds, dense, mask, one_pass, word_starts
from training.settings import Settings
from training.tokenizer import END, MASK, START


def test_sentences_come_from_tabs_or_from_full_stops(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text('One. Two!\n\nHe said "no." She left.\n', encoding="utf-8")
    with gzip.open(tmp_path / "a.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("Mr. Hill  came.\tHe sat.\n")
    assert list(text.paragraphs(tmp_path)) == [
        ["Mr. Hill came.", "He sat."],
        ["One.", "Two!"],
        ['He said "no."', "She left."],
    ]


def test_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"expected \.txt"):
        text.files(tmp_path)


@pytest.mark.parametrize(
    ("sentence", "pieces"),
    [
        ("<mask> left.", ["<mask>", "Ġleft"]),
        ("The <mask> left.", ["ĠThe", "<mask>", "Ġleft"]),
        ("The nurse <mask>.", ["ĠThe", "Ġnurse", "<mask>", "."]),
        ('The "<mask>", again', ["ĠThe", 'Ġ"', "<mask>", '",', "Ġagain"]),
        ("The (<mask>)", ["ĠThe", "Ġ(", "<mask>", ")"]),
    ],
)
def test_a_mask_takes_the_space_on_its_left_only(
    work: Path, sentence: str, pieces: list[str]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(work))
    found = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    assert "".join(found[1:-1]).startswith("".join(pieces))
    assert tokenizer.decode(tokenizer(sentence.replace("<mask>", "nurse"))["input_ids"][1:-1]) == (
        sentence.replace("<mask>", "nurse")
    )


def test_words_of_audits_stay_whole(work: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(work))
    assert {"nurse", "church", "woman"} <= set(words.audited())
    assert tokenizer.tokenize("nurse") == ["Ġnurse"]
    described = json.loads((work / "text.json").read_text(encoding="utf-8"))
    assert described["train"]["paragraphs"] == 855
    assert described["held_out"]["paragraphs"] == 45


def test_a_pass_shows_every_sentence_at_most_once(work: Path, small: Settings) -> None:
    coded = Coded.load(work / "train.npz")
    batches = list(one_pass(coded, small, np.random.default_rng(0)))
    shown = sum(int((b > MASK).sum()) for b in batches)
    assert 0.7 * len(coded.pieces) < shown <= len(coded.pieces)
    assert all((b[:, 0] == START).all() and (b[:, -1] == END).all() for b in batches)
    assert max(b.shape[1] for b in batches) <= small.network.positions
    assert {len(set(b.shape)) for b in batches} <= {1, 2}


def test_batches_follow_from_their_number(work: Path, small: Settings) -> None:
    def make() -> Batches:
        return Batches(Coded.load(work / "train.npz"), Kinds.load(work / "pieces.npz"), small)

    whole, later = make(), make()
    all_of_them = [whole.get(i) for i in range(60)]
    for number in (7, 8, 58):
        for a, b in zip(all_of_them[number], later.get(number), strict=True):
            assert np.array_equal(a, b)
    ids, places, wanted = all_of_them[3]
    assert (ids.reshape(-1)[places] == MASK).all()
    assert (wanted > MASK).all()
    assert 0 <= (ids == MASK).sum() - len(places) < EVEN
    assert len(places) % EVEN == 0


def test_dense_keeps_the_paragraphs_with_most_audited_words() -> None:
    kinds = Kinds(*(np.zeros(30, dtype=bool) for _ in range(2)), audited=np.arange(30) >= 20)
    paragraphs = [[[20, 5], [6]], [[7, 8, 9]], [[21, 22], [23, 5], [24]], [[25, 5, 5, 5]]]
    flat = [piece for p in paragraphs for s in p for piece in s]
    ends = np.cumsum([len(s) for p in paragraphs for s in p])
    coded = Coded(np.array(flat, dtype=np.uint16), ends, np.cumsum([len(p) for p in paragraphs]))
    found = dense(coded, kinds, 0.5)
    assert found.pieces.tolist() == [20, 5, 6, 21, 22, 23, 5, 24]
    assert found.sentences.tolist() == [2, 3, 5, 7, 8]
    assert found.paragraphs.tolist() == [2, 5]
    everything = dense(coded, kinds, 1.0)
    for name in ("pieces", "sentences", "paragraphs"):
        assert np.array_equal(getattr(everything, name), getattr(coded, name)), name


def test_the_two_parts_of_a_run_see_different_gaps(work: Path, small: Settings) -> None:
    coded, kinds = Coded.load(work / "train.npz"), Kinds.load(work / "pieces.npz")
    first, second = (Batches(coded, kinds, small, part=part).get(0)[0] for part in (0, 1))
    assert first.shape != second.shape or not np.array_equal(first, second)


def test_punctuation_is_a_word_of_its_own(work: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(work))
    kinds = Kinds.load(work / "pieces.npz")
    ids = np.array([tokenizer("The nurse left, again.")["input_ids"]])
    names = tokenizer.convert_ids_to_tokens(ids[0])
    begins = dict(zip(names, word_starts(ids, kinds)[0], strict=True))
    assert begins["."]
    assert begins["Ġnurse"]


def test_audited_words_are_hidden_more_often(work: Path, small: Settings) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(work))
    kinds = Kinds.load(work / "pieces.npz")
    row = tokenizer("The nurse went to the market.")["input_ids"]
    ids = np.tile(np.array(row), (4000, 1))
    hidden = mask(ids, kinds, small, np.random.default_rng(1)).mean(0)
    share = dict(zip(tokenizer.convert_ids_to_tokens(row), hidden, strict=True))
    assert share["Ġnurse"] == pytest.approx(0.40, abs=0.03)
    assert share["Ġto"] == pytest.approx(0.18, abs=0.03)
    assert share["<s>"] == share["</s>"] == 0


def test_whole_words_are_hidden_together(work: Path, small: Settings) -> None:
    kinds = Kinds.load(work / "pieces.npz")
    whole = small.model_copy(
        update={"masking": small.masking.model_copy(update={"whole_words": 1.0})}
    )
    inside = next(
        i for i in range(MASK + 1, len(kinds.starts)) if not kinds.starts[i] and not kinds.marks[i]
    )
    first = next(
        i for i in range(MASK + 1, len(kinds.starts)) if kinds.starts[i] and not kinds.marks[i]
    )
    ids = np.tile(np.array([START, first, inside, inside, END]), (500, 1))
    hidden = mask(ids, kinds, whole, np.random.default_rng(2))
    assert (hidden[:, 1] == hidden[:, 2]).all()
    assert (hidden[:, 1] == hidden[:, 3]).all()
    assert 0.1 < hidden[:, 1].mean() < 0.3
