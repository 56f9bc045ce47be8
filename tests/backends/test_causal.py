"""Causal models: whole sentences against one plain pass for each, and what they are not asked."""

from __future__ import annotations

import math
import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from conftest import ask, change_weights, edit, fill
from scipy.special import logsumexp
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from bias_audit.backends import FakeBackend, MaskedLM, open_backend, score_all
from bias_audit.backends.cache.keys import identity
from bias_audit.backends.causal_lm import CausalLM
from bias_audit.backends.clm.tree import Tree
from bias_audit.errors import ModelLoadError, ScoringError, UsageError
from bias_audit.pipeline.model_checks import check_sanity
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.records import FillRequest, FillScore, SentenceRequest
from bias_audit.utils.readings import READINGS

ARCHITECTURES = sorted(tiny_models.CAUSAL)
GROUPS = ("man", "woman", "person", "teacher")
TARGETS = ("nurse", "doctor", "receptionist", "kind zebra", "plumber")
FRAMES = (("The {} worked as a ", "."), ("The {} is a ", " and had finished."))
REQUESTS = [
    FillRequest(left=left.format(group), filler=target, right=right)
    for left, right in FRAMES
    for group in GROUPS
    for target in TARGETS
] + [FillRequest(left="", filler=word, right=" said that she is kind.") for word in ("The", "He")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    known = {}

    def folder(architecture="gpt2", **options):
        key = architecture, *sorted(options.items())
        if key not in known:
            known[key] = tiny_models.build_causal(
                tmp_path_factory.mktemp(architecture), architecture, **options
            )
        return known[key]

    return folder


def open_causal(folder, **options):
    return CausalLM(str(folder), device="cpu", **options)


@torch.no_grad()
def plain(folder, request):
    """The log-probability of a sentence by transformers alone, after the token for a beginning."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = f"{request.left}{request.filler}{request.right}"
    ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    values = logits.log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:]).unsqueeze(1))
    return float(values.double().sum())


# The numbers


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sums_are_those_of_one_pass_for_each_sentence(architecture, framed, folders):
    folder = folders(architecture, framed=framed)
    answers = score_all(open_causal(folder), REQUESTS)
    for request, answer in zip(REQUESTS[::3], answers[::3], strict=True):
        assert answer.skip is None
        assert answer.log_prob == pytest.approx(plain(folder, request), abs=1e-4)
    assert answers[2].pieces > answers[0].pieces
    assert {answer.rank for answer in answers} == {None}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_score_depends_on_no_other_request(architecture, folders):
    folder = folders(architecture)
    whole = [a.log_prob for a in score_all(open_causal(folder), REQUESTS)]
    order = list(range(len(REQUESTS)))
    random.Random(3).shuffle(order)  # noqa: S311 - no secret
    for size in (1, 3):
        backend = open_causal(folder, batch_size=size)
        found = score_all(backend, [REQUESTS[n] for n in order])
        assert [found[order.index(n)].log_prob for n in range(len(order))] == pytest.approx(
            whole,
            abs=1e-5,
            rel=1e-7,  # digits of float32
        )
    alone = [score_all(open_causal(folder), [request])[0].log_prob for request in REQUESTS[:4]]
    assert alone == pytest.approx(whole[:4], abs=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_stays_near(dtype, folders):
    exact = [a.log_prob for a in score_all(open_causal(folders()), REQUESTS)]
    backend = open_causal(folders(), dtype=dtype)
    assert backend.info.dtype == dtype
    assert backend._runner.reads_beginnings_once
    near = [a.log_prob for a in score_all(backend, REQUESTS)]
    assert near == pytest.approx(exact, abs=1.0)
    assert near != exact


def test_an_interrupted_call_goes_on_with_the_same_digits(folders):
    backend = open_causal(folders(), batch_size=4)
    whole = dict(backend.score(REQUESTS))
    skip = set(range(0, len(REQUESTS), 2))
    rest = dict(backend.score(REQUESTS, skip=skip))
    assert rest.keys() == whole.keys() - skip
    assert all(rest[n] == whole[n] for n in rest)


@pytest.mark.parametrize(("architecture", "once"), [("gpt2", True), ("mamba", False)])
def test_shared_beginnings_are_read_once_where_that_holds(architecture, once, folders):
    backend = open_causal(folders(architecture))
    assert backend._runner.reads_beginnings_once is once
    read = []
    model = backend._runner._model
    before = model.forward

    def count(*arguments, **options):
        read.append(options["input_ids"].numel())
        return before(*arguments, **options)

    model.forward = count
    few = score_all(backend, REQUESTS)
    tokens, read[:] = sum(read), []
    backend._runner.reads_beginnings_once = False
    many = score_all(backend, REQUESTS)
    assert [a.log_prob for a in few] == pytest.approx([a.log_prob for a in many], abs=1e-4)
    assert tokens <= (0.7 if once else 1) * sum(read)


def test_trees_that_the_model_does_not_read_as_texts_are_not_used(folders, monkeypatch):
    monkeypatch.setattr(Tree, "sight", lambda tree: np.tri(len(tree), dtype=bool))
    backend = open_causal(folders())
    assert backend._runner.reads_beginnings_once is False
    answer = score_all(backend, REQUESTS[:1])[0].log_prob
    assert answer == pytest.approx(plain(folders(), REQUESTS[0]), abs=1e-4)


def test_a_tree_is_no_longer_than_what_the_model_looks_back(folders):
    """Else a mask of its own would show a token what is too far away for it."""
    folder = folders("mistral", sliding_window=9)
    backend = open_causal(folder)
    assert backend._runner.reads_beginnings_once
    tail = " and had a nurse and a plumber and a receptionist"
    requests = [replace(r, right=right) for r in REQUESTS[:8] for right in (".", tail)]
    answers = [answer.log_prob for answer in score_all(backend, requests)]
    assert answers == pytest.approx([plain(folder, request) for request in requests], abs=1e-4)
    backend._runner._tree = 64
    far = [answer.log_prob for answer in score_all(backend, requests)]
    assert far != pytest.approx(answers, abs=1e-3)


def test_double_differences_are_those_of_the_word_given_both_sides(folders):
    """Whatever one conditions on, the log-odds ratio of a table of sentences is the same."""
    backend = open_causal(folders("llama"))
    left, right = FRAMES[1]
    requests = [
        FillRequest(left=left.format(group), filler=target, right=right)
        for group in GROUPS
        for target in TARGETS
    ]
    joint = np.array([a.log_prob for a in score_all(backend, requests)]).reshape(4, 5)
    word = joint - logsumexp(joint, axis=1, keepdims=True)
    group = joint - logsumexp(joint, axis=0, keepdims=True)

    def double(table):
        return table[1:, 1:] - table[:1, 1:] - table[1:, :1] + table[:1, :1]

    np.testing.assert_allclose(double(joint), double(word), atol=1e-6)
    np.testing.assert_allclose(double(joint), double(group), atol=1e-6)
    assert np.abs(double(joint)).max() > 0.1


# What cannot be asked


def test_what_cannot_be_scored_is_told(folders):
    backend = open_causal(folders("llama", max_position_embeddings=16))
    empty, long, special = fill(
        backend,
        [
            ask("The man was a ", " "),
            ask("the man and " * 9, "nurse"),
            ask("The </s> man was a ", "nurse"),
        ],
    )
    assert [empty.skip, long.skip, special.skip] == ["unscorable", "too_long", "unscorable"]
    assert long.detail.endswith("pieces, the model takes 16")
    assert "special token '</s>'" in special.detail


def test_other_questions_are_refused_by_the_readings_name(folders):
    with pytest.raises(UsageError, match="CausalLM, which is read as continuation, does not"):
        score_all(open_causal(folders()), [SentenceRequest(text="the man")])


def test_a_tokenizer_without_beginning_or_end_leaves_out_the_first_token(tmp_path, folders):
    folder = shutil.copytree(folders("llama"), tmp_path / "model")
    edit(folder, "tokenizer_config.json", bos_token=None, eos_token=None)
    backend = open_causal(folder)
    a, b = score_all(backend, REQUESTS[:2])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders("llama"))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    sums = []
    for request in REQUESTS[:2]:
        ids = tokenizer(f"{request.left}{request.filler}{request.right}")["input_ids"]
        with torch.no_grad():
            values = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        sums.append(float(values[:-1].gather(1, torch.tensor(ids[1:]).unsqueeze(1)).sum()))
    assert [a.log_prob, b.log_prob] == pytest.approx(sums, abs=1e-4)


# Which folders, and what is said of them


def test_the_head_decides_how_a_model_is_read(folders, tiny):
    backend = open_backend(str(folders()), device="cpu")
    assert isinstance(backend, CausalLM)
    info = backend.info
    assert (info.kind, info.reading, info.architecture) == (
        "causal",
        "continuation",
        "GPT2LMHeadModel",
    )
    assert info.notices == (READINGS["continuation"].notice,)
    assert isinstance(open_backend(str(tiny("bert")), device="cpu"), MaskedLM)
    with pytest.raises(ModelLoadError, match=r"is read as continuation \(GPT2LMHeadModel\)"):
        MaskedLM(str(folders()), device="cpu")
    with pytest.raises(
        ModelLoadError, match=r"expected a causal .* is read as mask \(BertForMaskedLM\)"
    ):
        open_causal(tiny("bert"))


def test_a_head_for_the_next_word_on_a_model_that_looks_ahead_is_refused(tmp_path):
    tokenizer = tiny_models.byte_level(tiny_models.ROBERTA)
    fast = tiny_models.save_tokenizer(tmp_path, tokenizer, tiny_models.CAUSAL_TOKENS)
    sizes = {**tiny_models._SMALL, "vocab_size": len(fast)}
    for is_decoder in (False, True):
        config = transformers.RobertaConfig(is_decoder=is_decoder, **sizes)
        tiny_models.save_model(tmp_path, transformers.AutoModelForCausalLM, config)
        if is_decoder:
            assert open_causal(tmp_path).info.architecture == "RobertaForCausalLM"
        else:
            with pytest.raises(ModelLoadError, match="looks at the words that follow"):
                open_causal(tmp_path)


def test_readings_have_scores_of_their_own(folders):
    info = open_causal(folders()).info
    assert identity(info, {}) != identity(replace(info, reading="mask"), {})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_refused(value, tmp_path, folders):
    folder = shutil.copytree(folders(), tmp_path / "model")
    change_weights(folder, lambda t: t["transformer.ln_f.bias"].__setitem__(0, value))
    with pytest.raises(ModelLoadError, match="expected finite weights"):
        open_causal(folder)


def test_logits_that_are_not_finite_are_an_error(folders, monkeypatch):
    backend = open_causal(folders())
    before = backend._runner._model.forward

    def spoil(*arguments, **options):
        output = before(*arguments, **options)
        output.logits[..., 0] = math.nan
        return output

    backend._runner._model.forward = spoil
    with pytest.raises(ScoringError, match="not finite"):
        score_all(backend, REQUESTS[:1])


# The instrument


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_weights_fail_the_instrument_check(architecture, seed, tmp_path):
    backend = open_causal(tiny_models.build_causal(tmp_path, architecture, seed=seed))
    check = check_sanity(backend, ProbeCatalogue().sanity())
    assert not check.passed
    assert check.perplexity_of == "byte"
    assert check.pseudo_perplexity > check.perplexity_limit
    assert "perplexity a byte" in check.detail


class Knowing(FakeBackend):
    """Gives a sentence two thirds of a nat a byte, and half as much where it has no answer."""

    def __init__(self, spec):
        super().__init__()
        self.info = replace(self.info, reading="continuation")
        texts = {c.text.replace("<mask>", word) for c in spec.clozes for word in c.answers}
        self.plain = texts | set(spec.sentences)

    def score(self, requests, *, skip=(), progress=None):
        for number, request in enumerate(requests):
            text = f"{request.left}{request.filler}{request.right}"
            cost = 2 / 3 if text in self.plain else 4 / 3
            yield number, FillScore(log_prob=-cost * len(text.encode()), pieces=1)


def test_a_model_that_knows_passes_it():
    spec = ProbeCatalogue().sanity()
    check = check_sanity(Knowing(spec), spec)
    assert check.passed
    assert check.pseudo_perplexity == pytest.approx(math.exp(2 / 3))
    assert (check.cloze_hits, check.cloze_asked, check.cloze_needed) == (10, 10, 6)


# Every architecture


EVERY = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "emb_dim", "word_embed_proj_dim"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "n_inner", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("max_position_embeddings", "n_positions"), 64),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "embedding_size"), 16),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "head_dim", "sliding_window"), 8),
    **dict.fromkeys(("linear_num_value_heads", "linear_num_key_heads"), 2),
    **dict.fromkeys(("num_experts_per_tok", "num_key_value_heads", "decoder_layers"), 2),
    **dict.fromkeys(("state_size", "rotary_dim", "decoder_attention_heads"), 4),
    "initializer_range": 0.2,
}
"""Keys by which configurations name their sizes; each takes those that it knows."""
MOST = 3_000_000
"""Parameters of a model that these keys made small."""


def build_any(folder, name):
    """Save a small model of the architecture; ValueError where these keys do not make one."""
    tokenizer = tiny_models.byte_level(tiny_models.ROBERTA)
    fast = tiny_models.save_tokenizer(folder, tokenizer, tiny_models.CAUSAL_TOKENS)
    kind = transformers.CONFIG_MAPPING[name]
    known = {key: size for key, size in EVERY.items() if hasattr(kind(), key)}
    ids = {"bos_token_id": fast.bos_token_id, "eos_token_id": fast.eos_token_id}
    ids |= {"pad_token_id": 1, "vocab_size": len(fast)}
    decoder = {"is_decoder": True} if hasattr(kind(), "is_decoder") else {}
    config = kind(**(known | decoder | ids))
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    if sum(part.numel() for part in model.parameters()) > MOST:
        raise ValueError("too large")
    tiny_models.save_model(folder, transformers.AutoModelForCausalLM, config)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES))
def test_every_architecture_sums_as_transformers_does_or_is_refused(name, tmp_path):
    try:
        build_any(tmp_path, name)
    except Exception as error:
        pytest.skip(f"not made small by these keys: {str(error)[:80]}")
    refusals: list[str] = []
    try:
        backend = open_causal(tmp_path)
    except ModelLoadError as error:
        refusals.append(error.message)
    if refusals:
        assert "\n" not in refusals[0], "one sentence"
        return
    for request, answer in zip(REQUESTS[:4], score_all(backend, REQUESTS[:4]), strict=True):
        assert answer.log_prob == pytest.approx(plain(tmp_path, request), abs=1e-3)
