"""Reads a folder of plain text: one paragraph a line, sentences separated by tabs where known."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

OPENERS: dict[str, Callable[..., IO[Any]]] = {".txt": open, ".gz": gzip.open, ".xz": lzma.open}
END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["')]))\s+(?=[A-Z"'(])""")


def files(folder: Path) -> list[Path]:
    """Return the text files of a folder, or the one file, in order of their names."""
    if folder.is_file():
        return [folder]
    found = sorted(p for p in folder.rglob("*") if p.suffix in OPENERS and p.is_file())
    if not found:
        raise SystemExit(f"no text in {folder}: expected .txt, .txt.gz or .txt.xz files")
    return found


def paragraphs(folder: Path) -> Iterator[list[str]]:
    """Yield the sentences of each paragraph."""
    for path in files(folder):
        with OPENERS[path.suffix](path, "rt", encoding="utf-8") as stream:
            for line in stream:
                sentences = line.strip().split("\t")
                if len(sentences) == 1:
                    sentences = END.split(sentences[0])
                kept = [" ".join(s.split()) for s in sentences]
                if any(kept):
                    yield [s for s in kept if s]


def digest(folder: Path) -> str:
    """Return the SHA-256 over the files, so that a model card can name its text."""
    total = hashlib.sha256()
    for path in files(folder):
        with path.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
