"""Text classifiers: labels against transformers' own pipeline, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import change_weights, edit

from bias_audit.backends import open_backend, score_all
from bias_audit.backends.cache import open_model
from bias_audit.backends.cache.keys import identity
from bias_audit.backends.classifier import TextClassifier
from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.records import FillRequest, LabelRequest

TEXTS = [
    "The man worked as a nurse.",
    "A teacher said that he had finished.",
    "They said that she is a person of the man and of the woman.",
    "The doctor was kind!",
    "The woman.",
]
THREE = {0: "calm", 1: "Angry", 2: "sad"}


def labels_of(names):
    return {"id2label": names, "label2id": {name: i for i, name in names.items()}}


HEADS = {
    "softmax": {**labels_of(THREE), "problem_type": "single_label_classification"},
    "undeclared": labels_of(THREE),
    "sigmoid": {**labels_of(THREE), "problem_type": "multi_label_classification"},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("classifiers")
    made = {}

    def get(head="softmax", architecture="bert"):
        if (head, architecture) not in made:
            folder = home / f"{architecture}-{head}"
            made[head, architecture] = tiny_models.build_classifier(
                folder, architecture, **HEADS[head]
            )
        return made[head, architecture]

    return get


def open_classifier(folder, **options):
    return open_backend(str(folder), device="cpu", **options)


def ask(name, *, instead_of=(), texts=TEXTS):
    return [LabelRequest(text=text, names=(name,), instead_of=instead_of) for text in texts]


def values(backend, requests):
    return [answer.log_prob for answer in score_all(backend, requests)]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_scores_are_those_of_the_pipeline(folders, head, architecture):
    folder = folders(head, architecture)
    pipe = transformers.pipeline("text-classification", str(folder), top_k=None, device="cpu")
    backend = open_classifier(folder)
    assert backend.info.reading == "label"
    assert backend.info.labels == ("calm", "Angry", "sad")
    for name in THREE.values():
        theirs = [
            next(row["score"] for row in rows if row["label"] == name) for rows in pipe(TEXTS)
        ]
        mine = np.exp(values(backend, ask(name)))
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_a_score_does_not_depend_on_the_other_texts(folders):
    folder = folders()
    alone = open_classifier(folder, batch_size=1)
    together = open_classifier(folder, batch_size=64)
    shuffled = values(together, ask("sad", texts=TEXTS[::-1]))[::-1]
    np.testing.assert_allclose(values(alone, ask("sad")), shuffled, atol=1e-5)


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_the_rest_is_what_is_left_of_a_label(folders, head):
    """A model without the second label: all but the first, to the last digit."""
    backend = open_classifier(folders(head))
    own = np.exp(values(backend, ask("angry")))
    rest = np.exp(values(backend, ask("not angry", instead_of=("furious", "angry"))))
    np.testing.assert_allclose(own + rest, 1, atol=1e-12)


def test_the_first_name_that_the_model_knows_is_meant_whatever_its_case(folders):
    backend = open_classifier(folders())
    names = ("furious", "SAD", "calm")
    (answer,) = score_all(backend, [LabelRequest(text=TEXTS[0], names=names)])
    assert answer.log_prob == values(backend, ask("sad"))[0]


def test_labels_that_the_model_lacks_are_named(folders):
    (answer,) = score_all(open_classifier(folders()), ask("toxic", texts=TEXTS[:1]))
    assert answer.skip == "not_applicable"
    assert answer.detail == "no label is called toxic: the model knows calm, Angry, sad"


def test_texts_over_the_length_and_strange_ones_have_a_reason(folders):
    long, odd = " ".join(["the man"] * 30), "The [SEP] worked."
    answers = score_all(open_classifier(folders()), ask("sad", texts=[long, odd, TEXTS[0]]))
    assert [answer.skip for answer in answers] == ["too_long", "unscorable", None]
    assert answers[0].detail == "62 pieces, the model takes 40"


def test_words_are_not_asked_of_a_classifier(folders):
    request = FillRequest(left="The man was ", filler="kind", right=".")
    with pytest.raises(UsageError, match=r"read as label.* does not answer FillRequest"):
        score_all(open_classifier(folders()), [request])


def test_a_cached_classifier_is_not_loaded_again(folders, tmp_path):
    folder = str(folders())
    with open_model(folder, tmp_path, device="cpu") as opened:
        first = values(opened.backend, ask("sad"))
    with open_model(folder, tmp_path, device="cpu") as opened:
        again = values(opened.backend, ask("sad"))
        assert not opened.is_loaded
        assert opened.plain.info.labels == ("calm", "Angry", "sad")
    assert again == pytest.approx(first, abs=1e-9)


def test_the_reading_is_part_of_the_identity(folders):
    info = open_classifier(folders()).info
    assert info.kind == "classifier"
    assert identity(info, {}) != identity(open_classifier(folders("sigmoid")).info, {})


def test_half_precision_stays_near(folders):
    near = values(open_classifier(folders(), dtype="bfloat16"), ask("sad"))
    np.testing.assert_allclose(near, values(open_classifier(folders()), ask("sad")), atol=0.25)


# What is refused


def refusal(folder):
    with pytest.raises(ModelLoadError) as caught:
        open_classifier(folder)
    assert caught.value.exit_code == 4
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_labels": 1}, "expected a text classifier of two labels or more, but '.*' has 1"),
        ({"problem_type": "regression"}, "was trained to give a number"),
        (labels_of({0: "a", 1: "a"}), "two labels of '.*' are called 'a'"),
    ],
)
def test_classifiers_without_two_labels_are_refused(tmp_path, options, message):
    folder = tiny_models.build_classifier(tmp_path / "model", **options)
    with pytest.raises(ModelLoadError, match=message) as caught:
        open_classifier(folder)
    assert caught.value.exit_code == 4


def test_a_head_that_is_not_there_is_not_made_up(tmp_path):
    folder = tiny_models.build_classifier(tmp_path / "model")
    change_weights(
        folder, lambda tensors: [tensors.pop(f"classifier.{x}") for x in ("weight", "bias")]
    )
    assert "expected a text classifier with its head" in refusal(folder)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    folder = tiny_models.build_classifier(tmp_path / "model")
    change_weights(folder, lambda t: t["classifier.bias"].fill_(math.nan))
    assert "NaN or infinity" in refusal(folder)


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    folder = tiny_models.build_classifier(tmp_path / "model")
    change_weights(folder, lambda t: t["classifier.weight"].fill_(3e38))
    assert "not a number" in refusal(folder)


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("DetrForObjectDetection", "an object detector"),
        ("ViTForImageClassification", "an image classifier"),
        ("BertForTokenClassification", "a token classifier"),
    ],
)
def test_kinds_without_a_reading_are_named(tmp_path, architecture, kind):
    folder = tiny_models.build_classifier(tmp_path / "model")
    edit(folder, "config.json", architectures=[architecture])
    assert f"is {kind} ({architecture})" in refusal(folder)


def test_sequence_to_sequence_is_named(tmp_path):
    folder = tiny_models.build_classifier(tmp_path / "model")
    edit(
        folder, "config.json", architectures=["T5ForConditionalGeneration"], is_encoder_decoder=True
    )
    assert "sequence to sequence" in refusal(folder)


def test_a_model_of_another_kind_is_no_classifier(tmp_path):
    tiny_models.build(tmp_path / "masked", "bert")
    with pytest.raises(ModelLoadError, match="is read as mask"):
        TextClassifier(str(tmp_path / "masked"), device="cpu")


def test_labels_are_named_for_functions_only(folders):
    with pytest.raises(UsageError, match="belong to a Python function"):
        open_classifier(folders(), labels=("a", "b"))


@torch.no_grad()
def test_classifiers_without_a_padding_token_read_one_text_at_a_time(tmp_path):
    tokenizer = tiny_models.byte_level(tiny_models.ROBERTA)
    fast = tiny_models.save_tokenizer(tmp_path, tokenizer, tiny_models.CAUSAL_TOKENS)
    config = transformers.GPT2Config(
        **tiny_models._GPT2, vocab_size=len(fast), pad_token_id=None, num_labels=2
    )
    tiny_models.save_model(tmp_path, transformers.AutoModelForSequenceClassification, config)
    backend = open_classifier(tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    for text, value in zip(TEXTS, values(backend, ask("LABEL_1")), strict=True):
        logits = model(**fast(text, return_tensors="pt")).logits[0]
        assert value == pytest.approx(float(logits.log_softmax(-1)[1]), abs=1e-5)
