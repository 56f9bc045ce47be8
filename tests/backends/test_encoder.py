"""Sentence encoders: vectors against the plain way, poolings, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import change_weights, edit

from bias_audit.backends import open_backend, score_all
from bias_audit.backends.cache import open_model
from bias_audit.backends.cache.keys import Keys, identity
from bias_audit.backends.encoder import SentenceEncoder
from bias_audit.backends.hf.model_files import ModelOptions, locate_model
from bias_audit.errors import ModelLoadError, UsageError
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import CompletionRequest, FillRequest, SimilarityRequest

TEXTS = [
    "The man worked as a nurse.",
    "A teacher said that he had finished.",
    "They said that she is a person of the man and of the woman.",
    "The doctor was kind!",
    "the woman",
]
NEARNESS = [SimilarityRequest(text=a, queries=(b,)) for a in TEXTS for b in TEXTS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("encoders")
    made = {}

    def get(architecture="bert", **options):
        key = architecture, *sorted(options.items())
        if key not in made:
            made[key] = tiny_models.build_encoder(home / f"{len(made)}", architecture, **options)
        return made[key]

    return get


def cosines(backend, requests=NEARNESS):
    return np.array([answer.log_prob for answer in score_all(backend, requests)])


def refusal(folder, **options):
    with pytest.raises(ModelLoadError) as caught:
        open_backend(str(folder), device="cpu", **options)
    assert caught.value.exit_code == 4
    assert caught.value.hint
    return str(caught.value)


def plain_cosines(folder, mode, texts=TEXTS):
    """The cosines of the vectors of every text alone, by transformers itself."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in texts:
        with torch.inference_mode():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        pool = {"mean": states.mean(dim=0), "cls": states[0], "max": states.amax(dim=0)}
        rows.append((pool[mode] / pool[mode].norm()).numpy())
    return (np.array(rows) @ np.array(rows).T).ravel()


@pytest.mark.parametrize("mode", ["mean", "cls", "max"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "mpnet"])
def test_cosines_are_those_of_the_plain_way(folders, architecture, mode):
    folder = folders(architecture, pooling=mode)
    encoder = open_backend(str(folder), device="cpu")
    assert isinstance(encoder, SentenceEncoder)
    assert (encoder.info.reading, encoder.info.kind) == ("similarity", "encoder")
    assert f"pooling: {mode}" in encoder.info.notices
    np.testing.assert_allclose(cosines(encoder), plain_cosines(folder, mode), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["mean", "cls", "max"])
def test_cosines_are_those_of_sentence_transformers(folders, mode):
    reason = "it compares with another program: pip install sentence-transformers"
    theirs = pytest.importorskip("sentence_transformers", reason=reason, exc_type=ImportError)
    folder = folders("bert", pooling=mode)
    theirs = theirs.SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    mine = cosines(SentenceEncoder(str(folder), device="cpu"))
    np.testing.assert_allclose(mine, (theirs @ theirs.T).ravel(), atol=1e-5)


def test_a_score_does_not_depend_on_the_other_texts(folders):
    folder = str(folders())
    alone = cosines(SentenceEncoder(folder, device="cpu", batch_size=1))
    backend = SentenceEncoder(folder, device="cpu", batch_size=64)
    np.testing.assert_allclose(cosines(backend), alone, atol=1e-5)
    shuffled = cosines(backend, NEARNESS[::-1])[::-1]
    np.testing.assert_allclose(shuffled, alone, atol=1e-5)
    skipped = dict(backend.score(NEARNESS, skip=set(range(len(NEARNESS) - 1))))
    assert [*skipped] == [len(NEARNESS) - 1]
    assert skipped[len(NEARNESS) - 1].log_prob == cosines(backend)[-1]


def test_several_queries_count_as_their_mean(folders):
    backend = SentenceEncoder(str(folders()), device="cpu")
    requests = [SimilarityRequest(text=TEXTS[0], queries=(q,)) for q in TEXTS[1:3]]
    both = SimilarityRequest(text=TEXTS[0], queries=tuple(TEXTS[1:3]))
    one, two, mean = cosines(backend, [*requests, both])
    assert mean == pytest.approx((one + two) / 2, abs=1e-12)
    assert cosines(backend, NEARNESS)[0] == pytest.approx(1.0, abs=1e-9), "a text and itself"


def test_what_cannot_be_read_is_a_skip_with_its_reason(folders):
    backend = SentenceEncoder(str(folders(max_seq_length=12)), device="cpu")
    assert backend.info.max_length == 12
    requests = [
        SimilarityRequest(text="The man " * 9, queries=("nurse",)),
        SimilarityRequest(text="The man.", queries=("the woman " * 9,)),
        SimilarityRequest(text="", queries=("nurse",)),
        SimilarityRequest(text="The [SEP] man.", queries=("nurse",)),
        SimilarityRequest(text="The \u4e2d man.", queries=("nurse",)),
        CompletionRequest(left="The man worked as a ", right="."),
        SimilarityRequest(text="The man.", queries=("nurse",)),
    ]
    answers = score_all(backend, requests)
    assert [answer.skip for answer in answers] == [
        "too_long", "too_long", "unscorable", "unscorable", "unscorable", "not_applicable", None,
    ]  # fmt: skip
    assert answers[0].detail == "20 pieces, the model takes 12"
    assert "read as similarity" in answers[5].detail
    with pytest.raises(UsageError, match="read as similarity, does not answer FillRequest"):
        score_all(backend, [FillRequest(left="The ", filler="man", right=".")])


def test_a_folder_without_modules_needs_a_stated_pooling(folders, tmp_path):
    folder = folders(modules=False)
    message = refusal(folder)
    assert "is an encoder without a head (BertModel)" in message
    assert "--pooling mean" in message
    by_mean = SentenceEncoder(str(folder), pooling="mean", device="cpu")
    by_cls = open_backend(str(folder), pooling="cls", device="cpu")
    np.testing.assert_allclose(cosines(by_mean), plain_cosines(folder, "mean"), atol=1e-5)
    np.testing.assert_allclose(cosines(by_cls), plain_cosines(folder, "cls"), atol=1e-5)
    assert identity(by_mean.info, {}) != identity(by_cls.info, {}), "scores are kept apart"


def test_a_masked_model_is_read_as_an_encoder_where_its_pooling_is_stated(tmp_path):
    folder = tiny_models.build(tmp_path, "bert")
    assert locate_model(ModelOptions(name=str(folder))).reading == "mask"
    encoder = open_backend(str(folder), pooling="mean", device="cpu")
    assert encoder.info.reading == "similarity"
    np.testing.assert_allclose(cosines(encoder), plain_cosines(folder, "mean"), atol=1e-5)


def test_lower_case_and_the_prompt_of_the_folder_are_obeyed(folders, tmp_path):
    folder = tiny_models.build_encoder(tmp_path, "roberta", do_lower_case=True)
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "the "}, "default_prompt_name": "query"})
    )
    encoder = SentenceEncoder(str(folder), device="cpu")
    wanted = plain_cosines(folder, "mean", [f"the {text.lower()}" for text in TEXTS])
    np.testing.assert_allclose(cosines(encoder), wanted, atol=1e-5)


def test_foreign_modules_and_poolings_are_refused_by_name(tmp_path):
    folder = tiny_models.build_encoder(tmp_path, "bert")
    file, pooling = folder / "modules.json", folder / "1_Pooling"
    modules = json.loads(file.read_text())

    def modules_with(*changes):
        file.write_text(json.dumps(list(changes)))
        return refusal(folder)

    dense = {"idx": 2, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    assert "not read here: sentence_transformers.models.Dense" in modules_with(*modules[:2], dense)
    assert "in an order that is not read here: Pooling, Transformer" in modules_with(
        modules[1], modules[0]
    )
    away = modules[0] | {"path": "0_Transformer"}
    assert "0_Transformer --pooling mean" in modules_with(away, *modules[1:])
    out = modules[1] | {"path": "../secrets"}
    assert "names the folder '../secrets'" in modules_with(modules[0], out)
    assert "is no list of modules" in modules_with("Transformer")
    file.write_text("{")
    assert "modules.json cannot be read" in refusal(folder)
    file.write_text("{}")
    assert "expected a list in modules.json" in refusal(folder)
    file.write_text(json.dumps(modules))
    edit(pooling, "config.json", pooling_mode_mean_tokens=False, pooling_mode_lasttoken=True)
    assert "a pooling that is not read here: lasttoken (1_Pooling/config.json)" in refusal(folder)
    edit(pooling, "config.json", pooling_mode_lasttoken=None)
    assert "not read here: none" in refusal(folder)
    edit(pooling, "config.json", pooling_mode_mean_tokens=True, pooling_mode_cls_token=True)
    assert "not read here: " in refusal(folder), "two at once"
    edit(pooling, "config.json", pooling_mode_cls_token=False)
    assert "states its pooling itself: mean" in refusal(folder, pooling="cls")
    (pooling / "config.json").unlink()
    assert "1_Pooling/config.json cannot be read" in refusal(folder)


def test_a_prompt_that_is_not_pooled_is_refused(tmp_path):
    folder = tiny_models.build_encoder(tmp_path, "bert")
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "query: "}, "default_prompt_name": "query"})
    )
    edit(folder / "1_Pooling", "config.json", include_prompt=False)
    assert "puts a prompt before each text that is not read here: query" in refusal(folder)


def test_a_classifier_is_not_read_as_an_encoder(tmp_path):
    folder = tiny_models.build_classifier(tmp_path)
    assert "is a text classifier" in refusal(folder, pooling="mean")


def test_pickles_and_broken_weights_are_refused(tmp_path):
    folder = tiny_models.build_encoder(tmp_path, "bert")

    def spoil(tensors):
        tensors["embeddings.word_embeddings.weight"][3] = float("nan")

    change_weights(folder, spoil)
    assert "expected finite weights" in refusal(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "loading a pickle can run any code" in refusal(folder)


def test_scores_are_kept_and_the_model_is_loaded_only_for_new_ones(folders, tmp_path):
    folder = str(folders())
    with open_model(folder, tmp_path / "cache", device="cpu") as opened:
        first = cosines(opened.backend)
    with open_model(folder, tmp_path / "cache", device="cpu") as opened:
        again = cosines(opened.backend)
        assert not opened.is_loaded
        assert opened.stats.found == len(NEARNESS)
    np.testing.assert_array_equal(first, again)
    keys = Keys(b"x" * 32)
    assert keys.of(NEARNESS[1]) != keys.of(NEARNESS[2])


def test_the_pooling_of_the_folder_is_part_of_what_scores_depend_on(folders):
    by_mean, by_cls = (
        SentenceEncoder(str(folders(pooling=mode)), device="cpu").info for mode in ("mean", "cls")
    )
    assert by_mean.fingerprint == by_cls.fingerprint
    assert by_mean.config_digest != by_cls.config_digest


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_close(folders, dtype):
    folder = str(folders())
    half = SentenceEncoder(folder, device="cpu", dtype=dtype)
    assert half.info.dtype == dtype
    exact = cosines(SentenceEncoder(folder, device="cpu"))
    np.testing.assert_allclose(cosines(half), exact, atol=0.05)


@pytest.mark.parametrize("language", ["en", "de"])
def test_random_weights_never_pass_the_check_of_the_instrument(tmp_path, language):
    """They go by the words that two sentences share, whatever the seed."""
    spec = ProbeCatalogue().sanity(language)
    hits = []
    for seed in range(20):
        folder = tiny_models.build_encoder(tmp_path / str(seed), "bert", seed=seed)
        check = check_sanity(SentenceEncoder(str(folder), device="cpu"), spec, language)
        assert not check.passed
        assert "cannot be audited here" in check.detail
        hits.append(check.cloze_hits)
    assert check.cloze_asked == len(spec.paraphrases) >= 20
    assert max(hits) < check.cloze_needed / 2


def test_a_language_without_paraphrases_has_not_passed(folders):
    backend = SentenceEncoder(str(folders()), device="cpu")
    spec = ProbeCatalogue().sanity("de")
    check = check_sanity(backend, spec.model_copy(update={"paraphrases": ()}), "de")
    assert not check.passed
    assert check.detail.startswith("there are no paraphrases in 'de'")
