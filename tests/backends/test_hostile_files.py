"""Files of a model that hold the wrong thing are its mistake: one sentence, exit code 4."""

from __future__ import annotations

import json

import pytest
from conftest import edit, refusal

from bias_audit.backends.masked_lm import MaskedLM

DEEP = "[" * 100_000
WRONG = [None, 5, -1, True, "lots", [], {}, [5], {"x": 5}, 1.5]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("architectures", 5, "holds no usable architectures: '5'"),
        ("architectures", {"x": 1}, "holds no usable architectures: \"{'x': 1}\""),
        ("num_hidden_layers", 10**30, "a num_hidden_layers of more than 10,000, as no model has"),
        ("num_labels", 10**30, "a num_labels of more than 1,000,000, as no model has"),
        ("model_type", 5, "does not name its model_type"),
    ],
)
def test_configuration_of_the_wrong_kind(key, value, message, copy):
    folder = copy()
    edit(folder, "config.json", **{key: value})
    assert message in refusal(folder)


@pytest.mark.parametrize("value", ["lots", [], {}, [5]])
def test_a_length_that_is_no_number(value, copy):
    folder = copy()
    edit(folder, "tokenizer_config.json", model_max_length=value)
    assert f"model_max_length is {str(value)!r}, expected a number" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("text", [DEEP, "5", "", '{"model_type": ' + "9" * 5_000 + "}"])
def test_json_that_is_something_else(name, text, copy):
    folder = copy()
    (folder / name).write_text(text)
    if name == "tokenizer_config.json" and text in ("", "5"):
        text = load_or_refuse(folder)
    else:
        text = refusal(folder)
    assert len(text) < 600


def load_or_refuse(folder):
    try:
        MaskedLM(str(folder), device="cpu")
    except Exception:
        return refusal(folder)
    return ""


def test_a_list_of_weight_files_that_is_none(copy):
    folder = copy()
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    for content in ([], 5, None, {"weight_map": []}, {"weight_map": {"a": 5}}, {"x": 1}):
        (folder / "model.safetensors.index.json").write_text(json.dumps(content))
        assert "model.safetensors.index.json" in refusal(folder)
    (folder / "model.safetensors.index.json").write_text(DEEP)
    assert "is no list of weight files" in refusal(folder)


def test_a_tokenizer_whose_code_panics(copy, capfd):
    folder = copy()
    content = json.loads((folder / "tokenizer.json").read_text())
    content["post_processor"]["special_tokens"] = {}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    assert "the tokenizer" in refusal(folder)


@pytest.mark.parametrize("name", ["x" * 5_000, "x/" * 2_500, "a\0b", "~nobody-at-all/x"])
def test_names_that_no_folder_can_have(name):
    refusal(name, offline=True)


@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("config.json", ["hidden_size", "vocab_size", "pad_token_id", "dtype", "hidden_act"]),
        ("tokenizer_config.json", ["mask_token", "pad_token", "tokenizer_class", "padding_side"]),
    ],
)
def test_any_value_may_be_of_the_wrong_kind(file, keys, copy):
    """Each is loaded or refused, and never a crash."""
    folder = copy()
    good = (folder / file).read_text()
    for key in keys:
        for value in WRONG:
            (folder / file).write_text(json.dumps(json.loads(good) | {key: value}))
            load_or_refuse(folder)
