"""Loading: what is refused, with which words, and what is recorded of what is not."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
import warnings

import huggingface_hub
import pytest
import tiny_models
import torch
import transformers
from conftest import ask
from safetensors.torch import load_file, save_file

from bias_audit.errors import ModelLoadError, UnknownNameError
from bias_audit.scoring import _folder, _load
from bias_audit.scoring.masked_lm import MaskedLM


def refusal(name, **options):
    """The message with which a model is refused."""
    with pytest.raises(ModelLoadError) as caught:
        MaskedLM(str(name), device="cpu", **options)
    assert caught.value.exit_code == 4
    assert caught.value.hint or "or" in caught.value.message, "says what to do"
    return str(caught.value)


def edit(folder, name, **changes):
    """Change keys of a JSON file; None removes one."""
    file = folder / name
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def change_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def save_as(folder, auto_class, **changes):
    """Save the folder's model anew with another head."""
    config = transformers.AutoConfig.from_pretrained(folder, **changes)
    tiny_models.save_model(folder, auto_class, config)
    return folder


# What is recorded


def test_reference_model_is_described(reference):
    info = reference.info
    assert (info.name, info.revision, info.kind, info.dtype, info.device) == (
        *("reference", None, "masked", "float32", "cpu"),
    )
    assert info.notices == ()
    config = json.loads((_folder.REFERENCE / "config.json").read_text())
    assert info.vocabulary_size == config["vocab_size"]
    assert info.max_length == config["max_position_embeddings"] - 2
    assert info.parameters > 1_000_000


def test_digests_follow_the_files(copy, scorer):
    original = scorer("bert").info
    folder = copy()
    same = MaskedLM(str(folder), device="cpu").info
    assert (same.fingerprint, same.tokenizer_digest) == (
        original.fingerprint,
        original.tokenizer_digest,
    )
    edit(folder, "tokenizer_config.json", extra="changed")
    change_weights(folder, lambda t: next(iter(t.values())).add_(1e-3))
    other = MaskedLM(str(folder), device="cpu").info
    assert other.fingerprint != original.fingerprint
    assert other.tokenizer_digest != original.tokenizer_digest
    assert re.fullmatch("[0-9a-f]{64}", other.fingerprint)


def test_sharded_weights_score_the_same(copy, scorer):
    folder = copy()
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    prompt = ask("The man was a ", "zebra")
    assert MaskedLM(str(folder), device="cpu").fill_mask([prompt]) == scorer("bert").fill_mask([prompt])


def test_tied_head_needs_no_tensor_of_its_own(copy):
    """The decoder's weight is the embedding's; files leave it out."""
    folder = copy()
    assert "cls.predictions.decoder.weight" not in load_file(folder / "model.safetensors")
    assert MaskedLM(str(folder), device="cpu").info.architecture == "BertForMaskedLM"


def test_unused_tensors_are_told(copy):
    folder = copy()
    change_weights(folder, lambda t: t.update({"bert.extra.weight": torch.zeros(2)}))
    (notice,) = MaskedLM(str(folder), device="cpu").info.notices
    assert notice == (
        "1 tensors in the weight file have no place in BertForMaskedLM "
        "and were not used (first: bert.extra.weight)"
    )


def test_a_pooler_is_nothing_to_tell(copy):
    folder = copy()
    change_weights(folder, lambda t: t.update({"bert.pooler.dense.bias": torch.zeros(32)}))
    assert MaskedLM(str(folder), device="cpu").info.notices == ()


def test_loading_is_silent_and_restores_settings(tiny, capfd):
    log = transformers.utils.logging
    log.enable_progress_bar()
    log.set_verbosity(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MaskedLM(str(tiny("roberta")), device="cpu")
            refusal("./nowhere")
        assert log.get_verbosity() == logging.INFO
        assert log.is_progress_bar_enabled()
        assert not huggingface_hub.utils.are_progress_bars_disabled()
    finally:
        log.set_verbosity(logging.WARNING)
        log.disable_progress_bar()
    assert capfd.readouterr() == ("", "")


# Names


@pytest.mark.parametrize("name", ["./nowhere", "../nowhere", "/nowhere/at/all", "~/nowhere-at-all", "a/b/c", ""])
def test_missing_folder(name):
    assert refusal(name) == (
        f"no such folder: '{name}'\n  name a folder with a model's files, or a hub id"
    )


def test_home_is_expanded(tiny, monkeypatch):
    folder = tiny("bert")
    monkeypatch.setenv("HOME", str(folder.parent))
    assert MaskedLM(f"~/{folder.name}", device="cpu").info.kind == "masked"


def test_revision_of_a_folder(tiny):
    assert "a revision ('main') belongs to a hub model" in refusal(tiny("bert"), revision="main")


@pytest.fixture
def hub(monkeypatch):
    """Puts an answer in the place of the hub."""

    def answer(how):
        monkeypatch.setattr(huggingface_hub, "snapshot_download", how)

    return answer


def failing(error):
    def fetch(*_, **__):
        raise error

    return fetch


def test_hub_model_is_loaded_from_its_snapshot(hub, tiny, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(tiny("bert"), tmp_path / commit)
    asked = []

    def fetch(name, **options):
        asked.append((name, options))
        return str(tmp_path / commit)

    hub(fetch)
    loose = MaskedLM("someone/model", device="cpu", offline=True).info
    pinned = MaskedLM("someone/model", device="cpu", revision=commit).info
    assert (loose.name, loose.revision) == ("someone/model", commit)
    assert loose.notices == (f"revision not pinned; resolved to {commit}",)
    assert pinned.notices == ()
    (name, options), (_, second) = asked
    assert name == "someone/model"
    assert (options["local_files_only"], second["local_files_only"]) == (True, False)
    assert second["revision"] == commit
    assert "model*.safetensors" in options["allow_patterns"]
    assert not [p for p in options["allow_patterns"] if p.endswith((".bin", ".py", ".pt"))]


def test_hub_unreachable_is_one_sentence(hub):
    hub(failing(OSError("no route to host")))
    assert refusal("someone/model") == (
        "the hub could not be reached to fetch 'someone/model': check the connection, name a local "
        "folder or 'reference', or use --offline if the model was fetched before"
    )


def test_offline_without_a_cached_copy(monkeypatch, tmp_path):
    """The hub's real client, with an empty cache."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    started = time.monotonic()
    assert refusal("someone/a-model-nobody-has", offline=True) == (
        "'someone/a-model-nobody-has' is not in the local cache and --offline forbids fetching it: "
        "run once without --offline, or name a local folder or 'reference'"
    )
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["not a hub id!", "someone/--x--"])
def test_a_name_that_the_hub_cannot_have(name):
    assert f"no model named '{name}'" in refusal(name)


def test_hub_knows_no_such_model_or_revision(hub):
    class Answer:
        headers: dict = {}
        request = None
        status_code = 404

    errors = huggingface_hub.errors
    hub(failing(errors.RepositoryNotFoundError("404", response=Answer())))
    assert "check the spelling; for a private model set HF_TOKEN" in refusal("someone/model")
    hub(failing(errors.RevisionNotFoundError("404", response=Answer())))
    assert "has no revision 'v9'" in refusal("someone/model", revision="v9")


# Devices and dtypes


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu", ""])
def test_unknown_device(device):
    with pytest.raises(UnknownNameError, match=f"there is no device named '{device}'"):
        MaskedLM("reference", device=device)


def test_unknown_dtype():
    with pytest.raises(UnknownNameError, match=r"no dtype named 'float23'\n  did you mean 'float32'"):
        MaskedLM("reference", device="cpu", dtype="float23")


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_absent_device(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelLoadError, match=f"the device '{device}' was asked for") as caught:
        MaskedLM("reference", device=device)
    assert "(none found)\n  use --device auto or --device cpu" in str(caught.value)


def test_device_auto_takes_the_fastest(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(_load.pick_device("auto")) == "cuda"
    assert str(_load.pick_device("cuda:1")) == "cuda:1"
    with pytest.raises(ModelLoadError, match="2 found"):
        _load.pick_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(_load.pick_device("auto")) == "cpu"


# Folders


def test_empty_folder(tmp_path):
    assert f"'{tmp_path}' holds no config.json" in refusal(tmp_path)


@pytest.mark.parametrize(("text", "says"), [("{", "is not valid JSON"), ("[]", "model_type"), ("{}", "model_type")])
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
    assert "holds only pickled ones (pytorch_model.bin), and loading a pickle can run any code" in message
    assert "convert it: AutoModelForMaskedLM" in message
    assert "--allow-pickle" in message


def test_pickles_load_when_allowed(copy, scorer):
    backend = MaskedLM(str(pickled(copy())), device="cpu", allow_pickle=True)
    prompt = ask("The man was a ", "zebra")
    assert backend.fill_mask([prompt]) == scorer("bert").fill_mask([prompt])


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
    assert "is of type 'gpt2', which transformers has no masked language model for" in refusal(folder)


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
    [("bert", "cls.predictions.bias"), ("roberta", "lm_head.dense.weight"), ("roberta", "query.bias")],
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
    assert "hold NaN or infinity in torch.float32 (first: bert.embeddings.LayerNorm.bias)" in message


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
    edit(folder, "tokenizer.json", model={"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"})
    assert "has no pieces besides its special tokens" in refusal(folder)


def test_longest_sentence_follows_the_tokenizer_too(copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", model_max_length=10)
    backend = MaskedLM(str(folder), device="cpu")
    assert backend.info.max_length == 10
    assert backend.fill_mask([ask("the man " * 5, "nurse")])[0].skip == "too_long"
    edit(folder, "tokenizer_config.json", model_max_length=10**30)
    assert MaskedLM(str(folder), device="cpu").info.max_length == 40
