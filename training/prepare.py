"""Step 1: a folder of text becomes a vocabulary and numbers.

    python -m training.prepare TEXT WORK

Writes into WORK: ``tokenizer.json`` and its configuration, ``train.npz`` and ``held_out.npz`` (all
pieces in one row, where sentences and paragraphs end), ``pieces.npz`` (what each piece of the
vocabulary is) and ``text.json`` (counts and the digest of the text).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training import settings, text, tokenizer, words
from training.settings import Settings

PUNCTUATION = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def encode(found: Tokenizer, paragraphs: list[list[str]]) -> dict[str, np.ndarray]:
    """Return ``pieces`` (uint16) and the ends of sentences and paragraphs (into them)."""
    pieces, sentences, ends = [], [], []
    total = 0
    for start in range(0, len(paragraphs), 20000):
        chunk = paragraphs[start : start + 20000]
        coded = iter(found.encode_batch([s for p in chunk for s in p], add_special_tokens=False))
        for paragraph in chunk:
            for _ in paragraph:
                ids = next(coded).ids
                pieces.append(np.array(ids, dtype=np.uint16))
                total += len(ids)
                sentences.append(total)
            ends.append(len(sentences))
    return {
        "pieces": np.concatenate(pieces),
        "sentences": np.array(sentences, dtype=np.int64),
        "paragraphs": np.array(ends, dtype=np.int64),
    }


def describe(found: Tokenizer) -> dict[str, np.ndarray]:
    """Return for each piece: begins a word, is punctuation, is a whole word that audits look at."""
    wanted = set(words.audited())
    size = found.get_vocab_size()
    starts, marks, audited = (np.zeros(size, dtype=bool) for _ in range(3))
    for piece in range(tokenizer.MASK + 1, size):
        name = found.id_to_token(piece) or ""
        bare = name.lstrip("Ġ")
        starts[piece] = name.startswith("Ġ")
        marks[piece] = bool(bare) and set(bare) <= PUNCTUATION
        audited[piece] = starts[piece] and bare in wanted
    return {"starts": starts, "marks": marks, "audited": audited}


def run(source: Path, work: Path, options: Settings) -> None:
    """Prepare ``source`` in ``work``."""
    began = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    everything = list(text.paragraphs(source))
    kept = len(everything) - max(1, round(len(everything) * options.text.held_out))
    train, held_out = everything[:kept], everything[kept:]
    print(f"{len(everything):,} paragraphs, {len(held_out):,} held out", flush=True)
    found = tokenizer.train((s for p in train for s in p), words.audited(), options.pieces)
    tokenizer.save(found, work, options.network.positions)
    found = Tokenizer.from_file(str(work / "tokenizer.json"))
    np.savez(work / "pieces.npz", **describe(found))
    print(f"vocabulary of {found.get_vocab_size():,} after {time.monotonic() - began:.0f} s")
    sizes = {}
    for name, part in (("train", train), ("held_out", held_out)):
        coded = encode(found, part)
        np.savez(work / f"{name}.npz", **coded)
        sizes[name] = {
            "paragraphs": len(part),
            "sentences": len(coded["sentences"]),
            "words": sum(len(s.split()) for p in part for s in p),
            "pieces": len(coded["pieces"]),
        }
    single = int(np.load(work / "pieces.npz")["audited"].sum())
    content = {
        "sha256": text.digest(source),
        **sizes,
        "audited_words": len(words.audited()),
        "audited_words_in_one_piece": single,
    }
    (work / "text.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=1))
    print(f"prepared in {time.monotonic() - began:.0f} s")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="training.prepare", description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--config", type=Path)
    asked = parser.parse_args()
    run(asked.text, asked.work, settings.read(asked.config))


if __name__ == "__main__":
    main()
