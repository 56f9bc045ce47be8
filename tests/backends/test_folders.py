"""Folders that are refused, and with which words."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import tiny_models
import torch
import transformers
from conftest import ask, change_weights, edit, fill, refusal, save_as
from safetensors.torch import load_file

from bias_audit.backends.masked_lm import MaskedLM

LAYER = "bert.embeddings.LayerNorm.bias"


def without(name):
    return lambda folder: (folder / name).unlink()


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def config(**changes):
    return lambda folder: edit(folder, "config.json", **changes)


def head(auto_class, **changes):
    """Saved anew with another head, and further changes of the config."""

    def save(folder):
        save_as(folder, getattr(transformers, auto_class))
        if changes:
            edit(folder, "config.json", **changes)

    return save


def lose(part):
    """One tensor is missing."""

    def drop(tensors):
        del tensors[next(key for key in tensors if key.endswith(part))]

    return lambda folder: change_weights(folder, drop)


def weight(value):
    return lambda folder: change_weights(folder, lambda t: t[LAYER].__setitem__(3, value))


def cut_off(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def pickle(folder, content=None):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(content or tensors, folder / "pytorch_model.bin")
    return folder


def sharded(folder, shard):
    """The list of weight files names this one."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    torch.save({"x": Evil()}, folder / "evil.bin")
    names = dict.fromkeys(tensors, "model-1.safetensors") | {next(iter(tensors)): shard}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


class Evil:
    def __reduce__(self):
        return (print, ("code in a pickle was run",))


REFUSED = {
    "no config": (without("config.json"), "holds no config.json"),
    "broken config": (write("config.json", "{"), "is not valid JSON"),
    "config is a list": (write("config.json", "[]"), "model_type"),
    "empty config": (write("config.json", "{}"), "model_type"),
    "no weights": (without("model.safetensors"), "holds no weights: expected model.safetensors"),
    "cut off": (cut_off, "could not be loaded"),
    "pickles": (
        pickle,
        r"only pickled ones \(pytorch_model.bin\), and loading a pickle can run any code"
        r"(.|\n)*convert it: AutoModelForMaskedLM.*--allow-pickle",
    ),
    "adapter": (write("adapter_config.json", "{}"), "merge the adapter into its model"),
    "an adapter as weights": (
        config(transformers_weights="adapter_model.bin"),
        "'adapter_model.bin' as its weights .* expected a file of safetensors beside it",
    ),
    "weights elsewhere": (config(transformers_weights="../a.safetensors"), "beside it"),
    "weights that are not there": (config(transformers_weights="v2.safetensors"), "beside it"),
    "a pickle among the shards": (
        lambda folder: sharded(folder, "evil.bin"),
        r"names 'evil.bin', expected a file beside it that ends in \.safetensors",
    ),
    "a shard elsewhere": (lambda folder: sharded(folder, "../a.safetensors"), "beside it"),
    "a broken list": (
        lambda folder: (
            sharded(folder, "x"),
            write("model.safetensors.index.json", "[]")(folder),
        ),
        "model.safetensors.index.json is no list of weight files",
    ),
    "another config": (
        config(configuration_files=["config.5.0.0.json"]),
        r"names other files to be read in its place \(configuration_files\)",
    ),
    "a kernel of the hub": (
        config(attn_implementation="someone/kernel"),
        r"asks for code of the hub \(attn_implementation\), which is never run",
    ),
    "unknown type": (
        config(model_type="never-heard-of", architectures=None),
        "is of type 'never-heard-of'",
    ),
    "decoder": (config(is_decoder=True), r"is a decoder \(is_decoder is true\)"),
    "encoder-decoder": (config(is_encoder_decoder=True), "is an encoder-decoder"),
    "classifier": (head("AutoModelForSequenceClassification"), r"is read as label \(Bert"),
    "undeclared classifier": (
        head("AutoModelForSequenceClassification", architectures=None),
        r"\(saved as unknown\) lack .*random numbers in their place would be scored",
    ),
    "a tensor of the head": (lose("cls.predictions.bias"), "lack [12] tensors .*random numbers"),
    "a tensor of a block": (lose("query.bias"), "lack [12] tensors .*random numbers"),
    "other shapes": (
        config(intermediate_size=64),
        r"another shape than its config.json says .*intermediate\.dense",
    ),
    "not a number": (weight(float("nan")), rf"NaN or infinity in torch\.float32 .*{LAYER}"),
    "infinite": (weight(float("inf")), "hold NaN or infinity"),
    "no tokenizer": (without("tokenizer.json"), "no tokenizer: expected tokenizer.json"),
    "broken tokenizer": (write("tokenizer.json", "{}"), "could not be loaded"),
    "no mask token": (
        lambda folder: edit(folder, "tokenizer_config.json", mask_token=None),
        r"expected a tokenizer with a mask token(.|\n)*set mask_token in tokenizer_config.json",
    ),
    "no ordinary pieces": (
        lambda folder: edit(
            folder,
            "tokenizer.json",
            model={"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
        ),
        "has no pieces besides its special tokens",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_a_folder_is_told(name, copy):
    folder = copy()
    spoil, message = REFUSED[name]
    spoil(folder)
    assert re.search(message, refusal(folder))


@pytest.mark.parametrize("architecture", sorted(tiny_models.ARCHITECTURES))
def test_embedding_only_checkpoint(architecture, copy):
    message = refusal(save_as(copy(architecture), transformers.AutoModel))
    assert "is an encoder without a head" in message
    assert "--pooling mean; for words at a mask use a masked language model" in message


def test_electra_discriminator(copy):
    message = refusal(save_as(copy("electra"), transformers.AutoModelForPreTraining))
    assert "(saved as ElectraForPreTraining) lack" in message


def test_untied_head_without_its_weight(copy):
    folder = copy("roberta")
    edit(folder, "config.json", tie_word_embeddings=False)
    assert re.search(r"lack [12] tensors \(first: lm_head\.decoder", refusal(folder))


def test_causal_language_model(copy):
    folder = copy("roberta")
    size = len(transformers.AutoTokenizer.from_pretrained(folder))
    gpt2 = transformers.GPT2Config(
        vocab_size=size, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=2
    )
    tiny_models.save_model(folder, transformers.AutoModelForCausalLM, gpt2)
    message = refusal(folder)
    assert "is read as continuation (GPT2LMHeadModel)" in message
    assert "expected a masked language model with its vocabulary head" in message
    edit(folder, "config.json", architectures=None)
    assert "'gpt2', which transformers has no masked language model for" in refusal(folder)


def test_pickles_load_when_allowed_but_run_no_code(copy, scorer, capfd):
    folder = pickle(copy())
    prompt = ask("The man was a ", "zebra")
    backend = MaskedLM(str(folder), device="cpu", allow_pickle=True)
    assert fill(backend, [prompt]) == fill(scorer("bert"), [prompt])
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    assert "could not be loaded" in refusal(folder, allow_pickle=True)
    assert "code in a pickle was run" not in capfd.readouterr().out


def test_safetensors_win_over_pickles(copy):
    folder = copy()
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    assert MaskedLM(str(folder), device="cpu", allow_pickle=True).info.kind == "masked"


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


def test_weights_too_large_for_half_precision(copy):
    folder = copy()
    weight(1e6)(folder)
    assert MaskedLM(str(folder), device="cpu").info.dtype == "float32"
    assert "hold NaN or infinity in torch.float16" in refusal(folder, dtype="float16")


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


def test_longest_sentence_follows_the_tokenizer_too(copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", model_max_length=10)
    backend = MaskedLM(str(folder), device="cpu")
    assert backend.info.max_length == 10
    assert fill(backend, [ask("the man " * 5, "nurse")])[0].skip == "too_long"
    edit(folder, "tokenizer_config.json", model_max_length=10**30)
    assert MaskedLM(str(folder), device="cpu").info.max_length == 40
