"""Finding a word's pieces in its sentence, and refusing what cannot be found."""

from __future__ import annotations

import pytest
import tiny_models
from conftest import ask, fill, totals

ALL = sorted(tiny_models.ARCHITECTURES)
UNIGRAM = ["albert", "deberta-v2", "xlm-roberta"]
WORD_PIECE = ["bert", "distilbert", "electra", "mpnet"]


def pieces(backend, left, word, right="."):
    """The pieces that would be scored, as the vocabulary spells them."""
    text = f"{left}{word}{right}"
    encoded = backend._planner._encoder.encode([text])[text]
    positions, trouble = backend._planner._encoder.span(
        text, encoded, len(left), len(left) + len(word)
    )
    assert trouble == ""
    return [encoded.tokens[p] for p in positions]


@pytest.mark.parametrize("architecture", ["roberta", "modernbert"])
def test_byte_level_words_carry_their_space(architecture, scorer):
    backend = scorer(architecture)
    assert pieces(backend, "The man worked as a ", "nurse") == ["Ġnurse"]
    assert pieces(backend, "The man (", "nurse", ") was kind.")[0][0] != "Ġ"
    assert pieces(backend, "The man worked as  a ", "nurse") == ["Ġnurse"]
    assert pieces(backend, "", "The", " man was kind.") == ["The"]


@pytest.mark.parametrize("architecture", UNIGRAM)
def test_a_lone_space_piece_belongs_to_the_word_after_it(architecture, scorer):
    backend = scorer(architecture)
    assert pieces(backend, "The man worked as a ", "nurse") == ["▁nurse"]
    assert pieces(backend, "The man saw a ", "zebra") == ["▁", "ze", "bra"]
    assert pieces(backend, "", "zebra", " was kind.") == ["▁", "ze", "bra"]
    assert pieces(backend, "The man (", "zebra", ")") == ["ze", "bra"]
    assert pieces(backend, "The ", "man zebra", " was.") == ["▁man", "▁", "ze", "bra"]


@pytest.mark.parametrize("architecture", WORD_PIECE)
def test_word_piece_words(architecture, scorer):
    backend = scorer(architecture)
    assert pieces(backend, "The man saw a ", "zebra") == ["ze", "##bra"]
    assert pieces(backend, "The man saw a ", "man-nurse") == ["man", "-", "nurse"]
    assert pieces(backend, "The man was a ", "NURSE") == ["nurse"]


@pytest.mark.parametrize("architecture", ALL)
def test_a_word_at_the_start_or_the_end_is_found(architecture, scorer):
    prompts = [ask("", "The", " man was kind."), ask("", "A", " man."), ask("the ", "nurse", "")]
    for score in fill(scorer(architecture), prompts):
        assert score.skip is None
        assert score.log_prob < 0


def test_a_single_letter_at_the_start_of_the_reference_models_text(reference):
    """Its tokenizer reports the first piece one character late."""
    assert pieces(reference, "", "A", " nurse worked.") == ["ĠA"]
    assert pieces(reference, "", "The", " nurse worked.") == ["ĠThe"]
    assert pieces(reference, "The man worked as a ", "nurse") == ["Ġnurse"]
    assert reference.info.words.count("nurse") == 1


def test_spaces_around_the_word_are_no_part_of_it(scorer):
    backend = scorer("bert")
    plain, spaced = fill(backend, [ask("The man was a ", "nurse"), ask("The man was a", " nurse ")])
    assert spaced == plain


@pytest.mark.parametrize("architecture", ALL)
def test_a_word_glued_to_its_neighbour_is_unscorable(architecture, scorer):
    glued, empty, blank = fill(
        scorer(architecture), [ask("The man was a nur", "se"), ask("The ", ""), ask("The ", " \t")]
    )
    for score in (glued, empty, blank):
        assert (score.skip, score.log_prob, score.pieces, score.rank) == (
            "unscorable",
            None,
            0,
            None,
        )
    if architecture not in WORD_PIECE:
        assert "runs across the border of 'se'" in glued.detail
    assert empty.detail == blank.detail == "the word is empty"


@pytest.mark.parametrize("architecture", [*WORD_PIECE, *UNIGRAM])
@pytest.mark.parametrize("word", ["🙂", "看護師", "nurse🙂"])
def test_words_outside_the_vocabulary_are_unscorable(architecture, word, scorer):
    (score,) = fill(scorer(architecture), [ask("The man was a ", word)])
    assert score.skip == "unscorable"
    assert score.detail == f"{word!r} holds characters that the model's vocabulary lacks"


@pytest.mark.parametrize("architecture", ["bert", "albert"])
@pytest.mark.parametrize("word", ["nurse", None])
def test_a_context_outside_the_vocabulary_is_unscorable(architecture, word, scorer):
    """Two group words that both become the unknown token would compare a sentence with itself."""
    (score,) = fill(scorer(architecture), [ask("The 看 was a ", word)])
    assert score.skip == "unscorable"
    assert score.detail == "the sentence holds characters that the model's vocabulary lacks"


@pytest.mark.parametrize("word", ["🙂", "zébra", "看護師"])
def test_byte_level_vocabularies_lack_nothing(word, scorer):
    (score,) = fill(scorer("roberta"), [ask("The man was a ", word)])
    assert score.skip is None
    assert score.pieces >= 4


def test_a_word_that_loses_its_accent_is_unscorable(scorer):
    (score,) = fill(scorer("bert"), [ask("The man was a ", "zébra")])
    assert (score.skip, score.detail) == ("unscorable", "the tokenizer turns 'zébra' into 'zebra'")


@pytest.mark.parametrize("architecture", ALL)
@pytest.mark.parametrize("word", ["nur\x00se", "\x07", "nurse\u200b", "nur\ud800se"])
def test_odd_characters_are_refused_or_spelled_out(architecture, word, scorer):
    """A tokenizer that drops a character must not score the rest of the word under its name."""
    backend = scorer(architecture)
    (score,) = fill(backend, [ask("The man was a ", word)])
    if score.skip is None:
        assert "".join(pieces(backend, "The man was a ", word)) not in ("nurse", "Ġnurse", "▁nurse")
    else:
        assert score.skip == "unscorable"
        assert score.detail


def special_of(architecture):
    return tiny_models.ARCHITECTURES[architecture][3]


@pytest.mark.parametrize("architecture", ALL)
@pytest.mark.parametrize("name", ["mask_token", "sep_token", "cls_token", "pad_token"])
def test_special_tokens_in_the_text_are_refused(architecture, name, scorer):
    token = special_of(architecture)[name]
    backend = scorer(architecture)
    scores = fill(
        backend,
        [
            ask("The man was a ", token),
            ask(f"The {token} man was a ", "nurse"),
            ask("The man was a ", "nurse", f" {token}."),
            ask(f"The {token} man was a ", None),
            ask("The man was a ", None, token),
            ask("The man was a ", f"nurse{token}"),
        ],
    )
    for score in scores:
        assert score.skip == "unscorable"
        assert "spells out the" in score.detail
        assert repr(token) in score.detail
    total, count = totals(backend, [f"The {token} man"])[0]
    assert (str(total), count) == ("nan", 0)


@pytest.mark.parametrize("architecture", ALL)
def test_max_length_is_what_the_model_takes(architecture, scorer):
    """One piece more than the limit is refused, the limit itself is scored."""
    backend = scorer(architecture)
    limit = backend.info.max_length
    offset = 2 if "<pad>" in special_of(architecture).values() else 0
    assert limit == 40 - offset, "RoBERTa's kin numbers positions from two"
    fits, long, open_long = fill(
        backend,
        [
            ask("The " + "man " * (limit - 5), "nurse"),
            ask("The " + "man " * (limit - 4), "nurse"),
            ask("The " + "man " * (limit - 3), None),
        ],
    )
    assert pieces(backend, "the ", "man", "") in (["man"], ["Ġman"], ["▁man"])
    assert fits.skip is None
    assert long.skip == open_long.skip == "too_long"
    assert long.detail.endswith(f"pieces, the model takes {limit}")
    assert totals(backend, ["man " * 60])[0][1] == 0


def test_skips_do_not_disturb_their_neighbours(scorer):
    backend = scorer("bert")
    good = ask("The man was a ", "nurse")
    alone = fill(backend, [good])[0]
    assert fill(backend, [ask("a ", "🙂"), good, ask("x", ""), good])[1::2] == [alone, alone]
