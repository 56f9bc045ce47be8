"""Loading: what is refused, with which words, and what is recorded of what is not."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
import warnings
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
import transformers
from conftest import ask, change_weights, edit, fill, refusal
from safetensors.torch import load_file, save_file

from bias_audit.backends.hf import load, model_files
from bias_audit.backends.hf.identify import identify
from bias_audit.backends.masked_lm import MaskedLM
from bias_audit.errors import ModelLoadError, UnknownNameError

# What is recorded


def test_reference_model_is_described(reference):
    info = reference.info
    assert (info.name, info.revision, info.kind, info.dtype, info.device) == (
        *("reference", None, "masked", "float32", "cpu"),
    )
    assert info.notices == ()
    config = json.loads((model_files.REFERENCE / "config.json").read_text())
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


def test_the_file_that_is_loaded_is_the_one_that_is_digested(copy):
    """``transformers_weights`` names another file; swapping that one is noticed."""
    folder = copy()
    shutil.copy(folder / "model.safetensors", folder / "v2.safetensors")
    edit(folder, "config.json", transformers_weights="v2.safetensors")
    prompt = ask("The man was a ", "zebra")
    one = MaskedLM(str(folder), device="cpu")
    assert one.info.fingerprint == model_files.digest([folder / "v2.safetensors"])
    tensors = load_file(folder / "v2.safetensors")
    for tensor in tensors.values():
        tensor.mul_(2)
    save_file(tensors, folder / "v2.safetensors", metadata={"format": "pt"})
    two = MaskedLM(str(folder), device="cpu")
    assert fill(one, [prompt])[0].log_prob != pytest.approx(fill(two, [prompt])[0].log_prob)
    assert one.info.fingerprint != two.info.fingerprint
    files = identify(model_files.ModelOptions(name=str(folder), device="cpu"))
    assert files.fingerprint == two.info.fingerprint


def test_a_tokenizer_of_another_name_is_digested(copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", fast_tokenizer_files=["tokenizer.4.0.json"])
    shutil.copy(folder / "tokenizer.json", folder / "tokenizer.4.0.json")
    one = MaskedLM(str(folder), device="cpu")
    text = (folder / "tokenizer.4.0.json").read_text()
    word = max(one.info.words, key=len)
    (folder / "tokenizer.4.0.json").write_text(text.replace(f'"{word}"', f'"{word}x"'))
    two = MaskedLM(str(folder), device="cpu")
    assert (word in two.info.words, f"{word}x" in two.info.words) == (False, True)
    assert one.info.tokenizer_digest != two.info.tokenizer_digest


def test_what_is_not_digested_is_not_opened(copy, tmp_path):
    """A path in the tokenizer's configuration leads nowhere, and neither does a loose file."""
    folder, plain = copy(), {}
    for step in ("before", "after"):
        plain[step] = MaskedLM(str(folder), device="cpu").info
        (tmp_path / "vocab.txt").write_text("zebra\n")
        edit(folder, "tokenizer_config.json", vocab_file=str(tmp_path / "vocab.txt"))
        (folder / "chat_template.jinja").write_text("{{ broken")
        (folder / "generation_config.json").write_text("{")
    assert plain["before"].words == plain["after"].words


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_files_that_are_swapped_while_they_are_loaded(name, copy, monkeypatch):
    folder = copy()
    real = transformers.AutoModelForMaskedLM.from_pretrained

    def load_and_swap(*given, **options):
        loaded = real(*given, **options)
        shutil.copy(folder / name, folder / "new")
        (folder / "new").replace(folder / name)
        return loaded

    monkeypatch.setattr(transformers.AutoModelForMaskedLM, "from_pretrained", load_and_swap)
    assert "changed while they were loaded" in refusal(folder)


def test_sharded_weights_score_the_same(copy, scorer):
    folder = copy()
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    prompt = ask("The man was a ", "zebra")
    sharded = MaskedLM(str(folder), device="cpu")
    assert fill(sharded, [prompt]) == fill(scorer("bert"), [prompt])
    edit(folder, "model.safetensors.index.json", extra=1)
    other = MaskedLM(str(folder), device="cpu").info
    assert other.fingerprint != sharded.info.fingerprint, "the list is opened too"


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
    log, folder = transformers.utils.logging, str(tiny("roberta"))
    log.enable_progress_bar()
    log.set_verbosity(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MaskedLM(folder, device="cpu")
            refusal("./nowhere")
        assert log.get_verbosity() == logging.INFO
        assert log.is_progress_bar_enabled()
        assert not huggingface_hub.utils.are_progress_bars_disabled()
    finally:
        log.set_verbosity(logging.WARNING)
        log.disable_progress_bar()
    assert capfd.readouterr() == ("", "")


# Names


@pytest.mark.parametrize(
    "name", ["./nowhere", "../nowhere", "/nowhere/at/all", "~/nowhere-at-all", "a/b/c", ""]
)
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
    answer = SimpleNamespace(headers={}, request=None, status_code=404)
    errors = huggingface_hub.errors
    hub(failing(errors.RepositoryNotFoundError("404", response=answer)))
    assert "check the spelling; for a private model set HF_TOKEN" in refusal("someone/model")
    hub(failing(errors.RevisionNotFoundError("404", response=answer)))
    assert "has no revision 'v9'" in refusal("someone/model", revision="v9")


# Devices and dtypes


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu", ""])
def test_unknown_device(device):
    with pytest.raises(UnknownNameError, match=f"there is no device named '{device}'"):
        MaskedLM("reference", device=device)


def test_unknown_dtype():
    with pytest.raises(
        UnknownNameError, match=r"no dtype named 'float23'\n  did you mean 'float32'"
    ):
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
    assert str(load.pick_device("auto")) == "cuda"
    assert str(load.pick_device("cuda:1")) == "cuda:1"
    with pytest.raises(ModelLoadError, match="2 found"):
        load.pick_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(load.pick_device("auto")) == "cpu"


# Arithmetic that the processor does not have


def test_auto_takes_no_bfloat16_where_the_processor_imitates_it(copy, monkeypatch):
    folder = copy()
    transformers.AutoModelForMaskedLM.from_pretrained(folder).bfloat16().save_pretrained(folder)
    dtypes = {}
    for there in (True, False):
        monkeypatch.setattr(load, "has_bfloat16", lambda there=there: there)
        for dtype in ("auto", "bfloat16", "float32"):
            info = MaskedLM(str(folder), device="cpu", dtype=dtype).info
            dtypes[there, dtype] = info.dtype, [n for n in info.notices if "instructions" in n]
    assert dtypes[True, "auto"] == ("bfloat16", [])
    assert dtypes[True, "bfloat16"] == ("bfloat16", [])
    assert dtypes[False, "auto"] == ("float32", [load._IN_FLOAT32])
    assert dtypes[False, "bfloat16"] == ("bfloat16", [load._SLOW]), "told, once"
    assert dtypes[False, "float32"] == ("float32", [])
