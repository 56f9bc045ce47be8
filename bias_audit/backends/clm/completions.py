"""Complete sentences by whole words: a search along the likeliest tokens, to where a word ends.

The texts of one sentence with all its group words are searched together, so that the same words are
told apart after each of them. All other words stay together as one share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bias_audit.backends.clm.forward import Opening, PassageRunner
from bias_audit.backends.clm.questions import Beginning, Planner
from bias_audit.backends.hf.tokenization import Encoder
from bias_audit.backends.request_batch import RejectionError
from bias_audit.records import CompletionRequest, CompletionScore
from bias_audit.utils.arrays import Floats

LEAST = 1e-3
"""Probability of a beginning of a word, the mean over the texts, from which it is followed."""
FEWEST, MOST = 20, 100
"""First tokens that are followed at least, and beginnings of one length at most."""
DEEPEST = 5
"""Tokens of the longest word."""
NOT_LAST = (
    "read as continuation, a model completes what stands before the mask, and here words follow:"
    " put the mask at the end of the sentence"
)
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Spread:
    """The words after each of some texts."""

    words: tuple[str, ...]
    """In alphabetical order."""
    chances: Floats
    """(texts, words) probability that the text goes on with the word and the word then ends."""
    mass: Floats
    """(texts,) probability that the text goes on with any word."""

    def answer(self, at: int, top_k: int) -> CompletionScore:
        """Return what follows one of the texts."""
        row, mass = self.chances[at], float(self.mass[at])
        best = np.argsort(-row, kind="stable")[:top_k]
        shares = row / mass
        return CompletionScore(
            top=tuple((self.words[i], float(row[i])) for i in best),
            words=shares.astype(np.float32),
            word_mass=min(mass, 1.0),
            vocabulary=self.words,
            others=max(0.0, 1.0 - float(shares.sum())),
        )


class WordSearch:
    """Answers to open questions of a causal model.

    A word is a token that begins one, any tokens of letters behind it, and something that does not
    continue it: a space, a sign, the end. Its probability is the product; only the tokens into
    which the tokenizer itself splits the word count.

    Args:
        runner: the model.
        planner: turns texts into its tokens.
        encoder: its tokenizer.
    """

    def __init__(self, runner: PassageRunner, planner: Planner, encoder: Encoder) -> None:
        self._runner, self._planner, self._encoder = runner, planner, encoder
        self._starts = [encoder.first_pieces(place) for place in (0, 1)]
        self._inner = self._starts[1]
        self._ids = [self._tensor(ids) for ids, _ in self._starts]
        self._onward = self._tensor(encoder.onward_pieces)

    def _tensor(self, ids: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(ids).to(self._runner.device)

    def answers(
        self, requests: Mapping[int, CompletionRequest]
    ) -> Iterator[tuple[int, CompletionScore]]:
        """Yield the answer to each request with its number.

        Raises:
            ScoringError: the model's output is not finite, or it cannot read a text.
        """
        asked = requests.values()
        known = self._planner.beginnings({t for one in asked for t in (one.left, *one.siblings)})
        families: dict[tuple[Beginning, ...], list[tuple[int, Beginning]]] = {}
        for number, one in requests.items():
            own = known[one.left]
            if any(map(str.isalnum, one.right)):
                own = RejectionError("not_applicable", NOT_LAST)
            if isinstance(own, RejectionError):
                yield number, CompletionScore(skip=own.skip, detail=own.detail)
                continue
            beside = (known[text] for text in {one.left, *one.siblings})
            family = {b for b in beside if isinstance(b, Beginning) and b.place == own.place}
            families.setdefault(tuple(sorted(family)), []).append((number, own))
        for texts, members in families.items():
            spread = self._search(texts)
            for number, own in members:
                yield number, spread.answer(texts.index(own), requests[number].top_k)

    def _search(self, texts: Sequence[Beginning]) -> _Spread:
        """Follow the likeliest beginnings of words after all texts, a token at a time."""
        openings = [self._runner.begin(text.ids) for text in texts]
        place = texts[0].place
        ids = self._ids[place]
        first = np.stack([one.log_probs(ids).cpu().numpy() for one in openings])
        chosen = _likeliest(np.exp(first).mean(axis=0), at_least=FEWEST)
        starts, names = self._starts[place]
        paths: list[Path] = [(int(starts[i]),) for i in chosen]
        words = [names[i] for i in chosen]
        room = min(DEEPEST, self._planner.max_length - max(len(text.ids) for text in texts))
        every: dict[str, Floats] = {}
        for _ in range(room):
            if not paths:
                break
            ends, onward = self._follow(openings, paths)
            for column, (word, path) in enumerate(zip(words, paths, strict=True)):
                if self._is_own(texts[0], word, path):
                    every[word] = ends[:, column]
            below = [divmod(int(i), onward.shape[1]) for i in _likeliest(onward.ravel())]
            pieces, endings = self._inner
            words = [words[row] + endings[i] for row, i in below]
            paths = [(*paths[row], int(pieces[i])) for row, i in below]
        ordered = tuple(sorted(every))
        chances = np.array([every[word] for word in ordered]).reshape(-1, len(texts)).T
        return _Spread(words=ordered, chances=chances, mass=np.exp(first).sum(axis=1))

    def _follow(self, openings: Sequence[Opening], paths: Sequence[Path]) -> tuple[Floats, Floats]:
        """Read beginnings of words after every text.

        Args:
            openings: the texts.
            paths: beginnings of one length.

        Returns:
            (texts, paths) probability of each as a word that ends there; (paths, letters) mean
            probability of each with a further piece of letters.
        """
        ends = np.zeros((len(openings), len(paths)))
        onward = torch.zeros(
            (len(paths), len(self._ids[1])), device=self._runner.device, dtype=torch.float32
        )
        for number, opening in enumerate(openings):
            for rows, log_probs, chances in self._runner.go_on(opening, paths):
                here = np.exp(log_probs)
                going = chances[:, self._onward].sum(dim=1).cpu().numpy().astype(np.float64)
                ends[number, rows] = here * np.maximum(1 - going, 0)
                weights = torch.tensor(here, device=onward.device, dtype=onward.dtype)
                onward[rows] += weights.unsqueeze(1) * chances[:, self._ids[1]]
        return ends, onward.cpu().numpy() / len(openings)

    def _is_own(self, text: Beginning, word: str, path: Path) -> bool:
        """Say whether the tokenizer itself splits a word after a text into these tokens."""
        whole = f"{text.left}{word}"
        encoded = self._encoder.encode([whole])[whole]
        own = [i for i, added in zip(encoded.ids, encoded.added, strict=True) if not added]
        return tuple(own[-len(path) :]) == path and len(own) == text.pieces + len(path)


def _likeliest(mean: Floats, *, at_least: int = 0) -> list[int]:
    """Numbers of what is followed: the likeliest first, equal ones in order."""
    enough = np.flatnonzero(mean >= LEAST)
    if len(enough) < at_least:
        enough = np.arange(len(mean))
        most = at_least
    else:
        most = MOST
    order = enough[np.argsort(-mean[enough], kind="stable")]
    return [int(i) for i in order[:most]]
