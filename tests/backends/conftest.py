"""Fixtures for the scoring tests: tiny models, built once a session."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
import transformers
from safetensors.torch import load_file, save_file

from bias_audit.backends import MaskedLM, score_all, score_stream
from bias_audit.errors import ModelLoadError
from bias_audit.records import (
    BlankRequest,
    ModifiedRequest,
    PairRequest,
    Prompt,
    SentenceRequest,
)

transformers.utils.logging.disable_progress_bar()


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


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny models only lose by threads, above all where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ask(left: str, filler: str | None, right: str = ".", **extra: str) -> Prompt:
    """A prompt of which only the sentence matters."""
    names = dict.fromkeys(("probe", "template", "variant", "group", "term", "label", "target"), "")
    return Prompt(**(names | extra), pole="", left=left, filler=filler, right=right)


def fill(backend, prompts, *, top_k=10, progress=None):
    """The answers to prompts, in order."""
    requests = [prompt.request for prompt in prompts]
    requests = [replace(r, top_k=top_k) if hasattr(r, "top_k") else r for r in requests]
    return score_all(backend, requests, progress=progress)


def totals(backend, texts):
    """The pseudo-log-likelihood of each sentence, and its tokens."""
    scores = score_all(backend, [SentenceRequest(text=t, variant="original") for t in texts])
    return [
        (float(score.log_probs.sum()), score.log_probs.size) if score.skip is None else (np.nan, 0)
        for score in scores
    ]


class Sentences:
    """A backend asked about many sentences of one kind."""

    def __init__(self, backend):
        self.backend = backend

    def pairs(self, pairs, **more):
        return self._stream((PairRequest(first=a, second=b) for a, b in pairs), **more)

    def modified(self, pairs, **more):
        requests = (ModifiedRequest(first=a, second=b) for a, b in pairs)
        return ((pair.first, pair.second) for pair in self._stream(requests, **more))

    def pieces(self, texts, *, progress=None, **options):
        return self._stream((SentenceRequest(text=t, **options) for t in texts), progress=progress)

    def unmasked(self, texts, **options):
        return self.pieces(texts, variant="unmasked", ranks=True, **options)

    def fills(self, blanks, **more):
        return self._stream((BlankRequest(left=a, word=b, right=c) for a, b, c in blanks), **more)

    def slots(self, requests, **more):
        return self._stream(requests, **more)

    def embed(self, requests, **more):
        return self._stream(requests, **more)

    def _stream(self, requests, *, progress=None):
        return score_stream(self.backend, requests, progress=progress)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Folder of a tiny model, by architecture."""
    known = {}

    def folder(architecture):
        if architecture not in known:
            path = tmp_path_factory.mktemp(architecture)
            known[architecture] = tiny_models.build(path, architecture)
        return known[architecture]

    return folder


@pytest.fixture(scope="session")
def plain(tiny):
    """A tiny model as transformers has it, and its tokenizer, by architecture."""
    known = {}

    def load(architecture):
        if architecture not in known:
            model = transformers.AutoModelForMaskedLM.from_pretrained(
                tiny(architecture), dtype=torch.float32, attn_implementation="eager"
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(tiny(architecture))
            known[architecture] = model.eval(), tokenizer
        return known[architecture]

    return load


@torch.no_grad()
def log_softmax(model, ids, **extra):
    """Log-probabilities at every position in one plain pass, and the whole output."""
    ids = torch.tensor([ids])
    out = model(input_ids=ids, attention_mask=torch.ones_like(ids), **extra)
    return out.logits[0].log_softmax(dim=-1).double().numpy(), out


def hide(tokenizer, ids, places):
    """The sentence with masks at these places."""
    return [tokenizer.mask_token_id if n in places else i for n, i in enumerate(ids)]


@pytest.fixture(scope="session")
def scorer(tiny):
    """A loaded tiny model, by architecture."""
    known = {}

    def backend(architecture):
        if architecture not in known:
            known[architecture] = MaskedLM(str(tiny(architecture)), device="cpu")
        return known[architecture]

    return backend


@pytest.fixture(scope="session")
def reference():
    return MaskedLM("reference", device="cpu")


@pytest.fixture
def copy(tiny, tmp_path):
    """A copy of a tiny model's folder, to spoil."""

    def copied(architecture="bert"):
        return shutil.copytree(tiny(architecture), tmp_path / "model")

    return copied
