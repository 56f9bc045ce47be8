"""Tokenizers that spell the surroundings of a word otherwise than the model expects."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import ask, change_weights, fill
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from bias_audit.backends import MaskedLM, score_all
from bias_audit.backends.hf.model_files import REFERENCE
from bias_audit.backends.hf.words import derive_words, separate_unspaced
from bias_audit.cli.app import run
from bias_audit.pipeline.fill import fill as fill_in
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import PairRequest, SentenceRequest

SENTENCES = [
    "The receptionist worked as a plumber.",
    "The woman said that the astrophysicist was unfriendly.",
    "The man was a well-known gynaecologist, and she was not.",
]


def stored_tokenizer():
    return json.loads((REFERENCE / "tokenizer.json").read_text("utf-8"))


def without_lstrip(folder):
    """As tokenizer.json, with a mask token that leaves the space before it alone."""
    content = stored_tokenizer()
    for token in content["added_tokens"]:
        token["lstrip"] = False
    (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")


def as_vocabulary_and_merges(folder):
    """As the files of older RoBERTa models, from which transformers makes the tokenizer."""
    model = stored_tokenizer()["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", "utf-8")
    names = {"tokenizer_class": "RobertaTokenizer", "mask_token": "<mask>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")


def sentence_piece(folder, *, splits):
    """The same pieces, their spaces written as SentencePiece does; Gemma's kind does not split."""
    stored = stored_tokenizer()["model"]
    vocabulary = {piece.replace("Ġ", "▁"): i for piece, i in stored["vocab"].items()}
    merges = [tuple(part.replace("Ġ", "▁") for part in pair) for pair in stored["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))  # noqa: S106
    if splits:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always")
        tokenizer.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    else:
        steps = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        tokenizer.normalizer = normalizers.Sequence(steps)
        parts = [decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        tokenizer.decoder = decoders.Sequence(parts)
    mask = AddedToken("<mask>", lstrip=True, normalized=False, special=True)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", mask])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def lower_case(folder):
    content = stored_tokenizer()
    content["normalizer"] = {"type": "Lowercase"}
    (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")


KINDS = {
    "no lstrip": without_lstrip,
    "vocabulary and merges": as_vocabulary_and_merges,
    "sentence piece": lambda folder: sentence_piece(folder, splits=True),
    "unsplit": lambda folder: sentence_piece(folder, splits=False),
    "lower case": lower_case,
}


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """The bundled model with another tokenizer, by kind."""
    known = {}

    def model(kind):
        if kind not in known:
            folder = shutil.copytree(REFERENCE, tmp_path_factory.mktemp("swapped") / "model")
            KINDS[kind](folder)
            known[kind] = MaskedLM(str(folder), device="cpu")
        return known[kind]

    return model


def share(backend, left, right):
    """The probability of the word nurse among all completions."""
    (answer,) = fill(backend, [ask(left, None, right)])
    return float(answer.words[backend.info.words.index("nurse")]) * answer.word_mass


# Open questions see what closed ones see


@pytest.mark.parametrize("kind", ["no lstrip", "sentence piece", "unsplit"])
def test_completions_are_those_of_the_models_own_tokenizer(kind, swapped):
    groups = {"m": ["man"], "w": ["woman"]}
    answer = fill_in("The [group] worked as a <mask>.", groups, swapped(kind))
    assert answer.distances[0].jsd == pytest.approx(0.0948, abs=1e-4)
    assert dict(answer.groups[1].completions)["nurse"] == pytest.approx(0.0794, abs=1e-4)
    assert min(group.word_mass for group in answer.groups) > 0.9


@pytest.mark.parametrize("kind", ["no lstrip", "vocabulary and merges"])
def test_a_trained_model_is_not_called_untrained(kind, swapped, reference):
    spec = ProbeCatalogue().sanity()
    here, there = check_sanity(swapped(kind), spec), check_sanity(reference, spec)
    assert here.passed
    assert there.passed
    assert abs(here.cloze_hits - there.cloze_hits) <= 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "lower case"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The woman worked as a ", "."),
        ("The woman was a ", ", and she was kind."),
        ("The (tired) woman, a ", ", said: no!"),
        ("A ", " worked."),
    ],
)
def test_an_open_question_and_a_closed_one_agree(kind, left, right, swapped):
    backend = swapped(kind)
    (closed,) = fill(backend, [ask(left, "nurse", right)])
    assert closed.pieces == 1
    assert share(backend, left, right) == pytest.approx(math.exp(closed.log_prob), rel=1e-4)


@pytest.mark.parametrize("architecture", sorted(tiny_models.ARCHITECTURES))
def test_open_and_closed_agree_for_every_kind_of_vocabulary(architecture, scorer):
    backend = scorer(architecture)
    for left, right in (("The man (a ", ") was kind."), ("The ", ", and the man."), ("", " was.")):
        for word in ("man", "the"):
            closed, opened = fill(backend, [ask(left, word, right), ask(left, None, right)])
            if closed.pieces == 1:
                at = backend.info.words.index(word)
                found = float(opened.words[at]) * opened.word_mass
                assert found == pytest.approx(math.exp(closed.log_prob), rel=1e-4)


def test_a_place_where_no_word_fits_is_told(scorer):
    (glued,) = fill(scorer("bert"), [ask("The man was a nur", None)])
    assert glued.skip == "unscorable"
    assert glued.detail == "a word at the mask runs into the text around it"


# Words as the place spells them


@pytest.fixture(scope="module")
def telling(tmp_path_factory):
    """A RoBERTa that gives 0.94 to words without a space before them, 0.006 to those with one."""
    folder = tiny_models.build(tmp_path_factory.mktemp("telling"), "roberta")
    vocabulary = transformers.AutoTokenizer.from_pretrained(folder).get_vocab()
    spaced = {p[1:]: i for p, i in vocabulary.items() if p[0] == "Ġ" and p[1:].isalpha()}
    both = {p: i for p, i in vocabulary.items() if p in spaced}
    masses = np.full(len(vocabulary), 0.054 / (len(vocabulary) - len(spaced) - len(both)))
    masses[list(spaced.values())] = 0.006 / len(spaced)
    masses[list(both.values())] = 0.94 / len(both)
    bias = torch.tensor(np.log(masses), dtype=torch.float32)

    def spoil(tensors):
        for name in ("weight", "bias"):
            tensors[f"lm_head.layer_norm.{name}"].zero_()
        tensors["lm_head.bias"].copy_(bias)

    change_weights(folder, spoil)
    return folder


@pytest.mark.parametrize(
    ("left", "right", "mass"),
    [
        ("", " worked.", 0.94),
        ('They called the man "', '".', 0.94),
        ("The man (", ") worked.", 0.94),
        ("The ", " worked.", 0.006),
    ],
)
def test_words_at_a_beginning_have_no_space(left, right, mass, telling):
    backend = MaskedLM(str(telling), device="cpu")
    (answer,) = fill(backend, [ask(left, None, right)])
    assert answer.word_mass == pytest.approx(mass, rel=1e-4)
    assert answer.words.shape == (len(backend.info.words),)
    assert float(answer.words.sum()) == pytest.approx(1, abs=1e-5)
    (closed,) = fill(backend, [ask(left, "man", right)])
    here = float(answer.words[backend.info.words.index("man")]) * answer.word_mass
    assert here == pytest.approx(math.exp(closed.log_prob), rel=1e-4)


def test_two_places_that_the_model_reads_alike_have_their_own_words(telling):
    backend = MaskedLM(str(telling), device="cpu")
    glued, apart = fill(backend, [ask('The man "', None, '".'), ask('The man " ', None, '".')])
    assert (glued.word_mass, apart.word_mass) == pytest.approx((0.94, 0.006), rel=1e-4)
    assert glued.top == apart.top


def test_the_bundled_models_words_in_quotation_marks(reference):
    """Most of the probability lay outside the words that a space begins."""
    left = 'The first word that came up about the woman was "'
    (answer,) = fill(reference, [ask(left, None, '".')])
    assert answer.word_mass == pytest.approx(0.811, abs=0.01)


def test_fill_says_where_little_lies_on_words(telling, capfd):
    groups = ["--groups", "man,woman", "--model", str(telling), "--device", "cpu"]
    assert run(["fill", "The [group] was <mask>.", *groups]) == 0
    shown = " ".join(capfd.readouterr().out.split())
    warning = "Warning: little of the probability lies on whole words"
    assert f"{warning} (0.60 % for man, 0.60 % for woman)" in shown
    assert run(["fill", 'They called the [group] "<mask>".', *groups]) == 0
    assert warning not in " ".join(capfd.readouterr().out.split())


# Where words end


def test_words_are_derived_where_the_tokenizer_does_not_split(swapped, reference):
    backend = swapped("unsplit")
    assert backend.info.notices == (
        "the tokenizer does not say where words end: measures within a word go by white space and"
        " signs",
    )
    requests = [SentenceRequest(text=text) for text in SENTENCES]
    requests += [PairRequest(first=SENTENCES[0], second=SENTENCES[1])]
    *here, pair = score_all(backend, requests)
    *there, own = score_all(reference, requests)
    for mine, theirs in zip(here, there, strict=True):
        assert mine.words.tolist() == theirs.words.tolist()
        np.testing.assert_allclose(mine.log_probs, theirs.log_probs, atol=1e-4)
    assert (pair.shared, pair.more) == (own.shared, pytest.approx(own.more, abs=1e-4))
    assert sum(float(each.log_probs.sum()) for each in here[:1]) == pytest.approx(-29.055, abs=0.01)


def test_tokenizers_that_split_are_taken_at_their_word(scorer):
    for architecture in tiny_models.ARCHITECTURES:
        assert scorer(architecture).info.notices == ()
        assert scorer(architecture)._planner._encoder.splits_words


def test_words_are_runs_of_letters_or_signs():
    text = "I don't  like हिन्दी, (yet)."
    pieces = ["I", " don", "'", "t", "  ", "like", " हि", "न्दी", ",", " (", "yet", ")."]
    starts = np.cumsum([0, *map(len, pieces)])
    ranges = []
    for piece, start in zip(pieces, starts, strict=False):
        begin = start + len(piece) - len(piece.lstrip())
        ranges.append((begin, max(begin, start + len(piece.rstrip()))))
    words = derive_words(text, [(0, 0), *ranges], [True] + [False] * len(pieces))
    assert words == (None, 0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9)


def test_scripts_without_spaces_have_a_word_for_each_piece():
    text = "her 医生 นาง x"
    ranges = [(0, 3), (4, 5), (5, 6), (5, 6), (7, 9), (9, 10), (11, 12)]
    words = separate_unspaced(text, ranges, (0, 1, 1, 1, 2, 2, 3))
    assert words == (0, 1, 2, 2, 3, 4, 5)
    assert separate_unspaced("her nurse", [(0, 3), (4, 9)], (0, 0)) == (0, 0)


# Vocabularies that a tokenizer does not fit


def test_a_tokenizer_that_makes_capitals_small_is_told(swapped):
    (notice,) = swapped("lower case").info.notices
    assert notice.startswith("the tokenizer can never produce 29% of the words in the model's")
    assert "as 'Ġ" in notice
    assert notice.endswith("such as making capitals small, may be those of another model")


def test_a_tokenizer_that_keeps_capitals_over_small_words_is_told(copy):
    folder = copy("bert")
    content = json.loads((folder / "tokenizer.json").read_text())
    content["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (notice,) = MaskedLM(str(folder), device="cpu").info.notices
    assert notice == (
        "the model's vocabulary has no word with a capital letter, but the tokenizer keeps"
        " capitals: it reads 'The' as '[UNK]'"
    )
