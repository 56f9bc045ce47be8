"""Folders that are refused, and with which words."""

from __future__ import annotations

import re
import shutil

import pytest
import tiny_models
import torch
import transformers
from conftest import ask, change_weights, edit, fill, refusal, save_as
from safetensors.torch import load_file

from bias_audit.backends.masked_lm import MaskedLM

# Folders


def test_empty_folder(tmp_path):
    assert f"'{tmp_path}' holds no config.json" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"), [("{", "is not valid JSON"), ("[]", "model_type"), ("{}", "model_type")]
)
def test_broken_config(text, says, copy):
    folder = copy()
    (folder / "config.json").write_text(text)
    assert says in refusal(folder)


def test_no_weights(copy):
    folder = copy()
    (folder / "model.safetensors").unlink()
    assert "holds no weights: expected model.safetensors" in refusal(folder)


def test_cut_off_weights(copy):
    folder = copy()
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert "could not be loaded" in refusal(folder)


def pickled(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder


def test_pickles_are_refused_with_a_way_out(copy):
    message = refusal(pickled(copy()))
    assert (
        "holds only pickled ones (pytorch_model.bin), and loading a pickle can run any code"
        in message
    )
    assert "convert it: AutoModelForMaskedLM" in message
    assert "--allow-pickle" in message


def test_pickles_load_when_allowed(copy, scorer):
    backend = MaskedLM(str(pickled(copy())), device="cpu", allow_pickle=True)
    prompt = ask("The man was a ", "zebra")
    assert fill(backend, [prompt]) == fill(scorer("bert"), [prompt])


class Evil:
    def __reduce__(self):
        return (print, ("code in a pickle was run",))


def test_allowed_pickles_still_run_no_code(copy, capfd):
    folder = pickled(copy())
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    assert "could not be loaded" in refusal(folder, allow_pickle=True)
    assert "code in a pickle was run" not in capfd.readouterr().out


def test_safetensors_win_over_pickles(copy):
    folder = copy()
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    assert MaskedLM(str(folder), device="cpu", allow_pickle=True).info.kind == "masked"


def test_adapters_are_refused(copy):
    folder = copy()
    (folder / "adapter_config.json").write_text("{}")
    assert "merge the adapter into its model" in refusal(folder)


def test_own_code_is_never_run(copy):
    folder = copy()
    (folder / "modeling_own.py").write_text("raise SystemExit('own code was run')")
    edit(folder, "config.json", auto_map={"AutoModelForMaskedLM": "modeling_own.Own"})
    (notice,) = MaskedLM(str(folder), device="cpu").info.notices
    assert "auto_map) was not run" in notice
    edit(folder, "config.json", model_type="own")
    message = refusal(folder)
    assert "needs Python code from its own folder (auto_map, model_type 'own')" in message
    assert "never run" in message


# Heads


def test_causal_language_model(copy):
    folder = copy("roberta")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=2
    )
    tiny_models.save_model(folder, transformers.AutoModelForCausalLM, config)
    message = refusal(folder)
    assert "is a causal language model (GPT2LMHeadModel)" in message
    assert "use a masked language model with its vocabulary head" in message
    edit(folder, "config.json", architectures=None)
    assert "is of type 'gpt2', which transformers has no masked language model for" in refusal(
        folder
    )


def test_unknown_model_type(copy):
    folder = copy()
    edit(folder, "config.json", model_type="never-heard-of", architectures=None)
    assert "is of type 'never-heard-of'" in refusal(folder)


def test_decoder(copy):
    folder = copy()
    edit(folder, "config.json", is_decoder=True)
    assert "is a decoder (is_decoder is true)" in refusal(folder)


def test_encoder_decoder(copy):
    folder = copy()
    edit(folder, "config.json", is_encoder_decoder=True)
    assert "is an encoder-decoder" in refusal(folder)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_sequence_classifier(architecture, copy):
    folder = save_as(copy(architecture), transformers.AutoModelForSequenceClassification)
    assert "is a sequence classifier" in refusal(folder)
    edit(folder, "config.json", architectures=None)
    message = refusal(folder)
    assert "random numbers in their place would be scored" in message
    assert "(saved as unknown) lack" in message


@pytest.mark.parametrize("architecture", sorted(tiny_models.ARCHITECTURES))
def test_embedding_only_checkpoint(architecture, copy):
    folder = save_as(copy(architecture), transformers.AutoModel)
    message = refusal(folder)
    assert "lack" in message
    assert "not one that was saved for classification or embeddings" in message


def test_electra_discriminator(copy):
    message = refusal(save_as(copy("electra"), transformers.AutoModelForPreTraining))
    assert "(saved as ElectraForPreTraining) lack" in message


@pytest.mark.parametrize(
    ("architecture", "part"),
    [
        ("bert", "cls.predictions.bias"),
        ("roberta", "lm_head.dense.weight"),
        ("roberta", "query.bias"),
    ],
)
def test_one_missing_tensor_is_enough(architecture, part, copy):
    folder = copy(architecture)

    def drop(tensors):
        del tensors[next(key for key in tensors if key.endswith(part))]

    change_weights(folder, drop)
    assert re.search(r"lack [12] tensors \(first: .*random numbers", refusal(folder))


def test_untied_head_without_its_weight(copy):
    folder = copy("roberta")
    edit(folder, "config.json", tie_word_embeddings=False)
    assert re.search(r"lack [12] tensors \(first: lm_head\.decoder", refusal(folder))


def test_mismatched_shapes(copy):
    folder = copy()
    edit(folder, "config.json", intermediate_size=64)
    message = refusal(folder)
    assert "have another shape than its config.json says" in message
    assert "intermediate.dense" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(value, copy):
    folder = copy()
    change_weights(folder, lambda t: t["bert.embeddings.LayerNorm.bias"].__setitem__(3, value))
    message = refusal(folder)
    assert (
        "hold NaN or infinity in torch.float32 (first: bert.embeddings.LayerNorm.bias)" in message
    )


def test_weights_too_large_for_half_precision(copy):
    folder = copy()
    change_weights(folder, lambda t: t["bert.embeddings.LayerNorm.bias"].__setitem__(3, 1e6))
    assert MaskedLM(str(folder), device="cpu").info.dtype == "float32"
    assert "hold NaN or infinity in torch.float16" in refusal(folder, dtype="float16")


# Tokenizers


def test_no_tokenizer(copy):
    folder = copy()
    (folder / "tokenizer.json").unlink()
    assert "holds no tokenizer: expected tokenizer.json" in refusal(folder)


def test_broken_tokenizer(copy):
    folder = copy()
    (folder / "tokenizer.json").write_text("{}")
    assert "could not be loaded" in refusal(folder)


def test_no_mask_token(copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", mask_token=None)
    message = refusal(folder)
    assert "expected a tokenizer with a mask token" in message
    assert "set mask_token in tokenizer_config.json" in message


def test_slow_tokenizer(copy, monkeypatch):
    monkeypatch.setattr(transformers.PreTrainedTokenizerFast, "is_fast", property(lambda _: False))
    assert "expected a fast tokenizer" in refusal(copy())


def test_tokenizer_of_another_model(copy, tiny):
    folder = copy("bert")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny("modernbert") / name, folder / name)
    message = refusal(folder)
    assert re.search(r"knows ids up to \d+, but the model only \d+ ids \(0 to \d+\)", message)
    assert "the tokenizer belongs to another model" in message


def test_tokenizer_without_ordinary_pieces(copy):
    folder = copy()
    edit(
        folder,
        "tokenizer.json",
        model={"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
    )
    assert "has no pieces besides its special tokens" in refusal(folder)


def test_longest_sentence_follows_the_tokenizer_too(copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", model_max_length=10)
    backend = MaskedLM(str(folder), device="cpu")
    assert backend.info.max_length == 10
    assert fill(backend, [ask("the man " * 5, "nurse")])[0].skip == "too_long"
    edit(folder, "tokenizer_config.json", model_max_length=10**30)
    assert MaskedLM(str(folder), device="cpu").info.max_length == 40
