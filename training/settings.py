"""The configuration of a training run: one YAML file, checked before hours are spent."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """What is read."""

    held_out: float = Field(gt=0, lt=0.5)
    """Share of the paragraphs, the last ones, that training never sees."""


class Pieces(_Part):
    """The vocabulary."""

    size: int = Field(ge=1000, le=65000)
    whole_from: int = Field(ge=1)
    """Words that audits look at and that occur at least so often become one piece."""
    whole_weight: int = Field(ge=1)
    """How often such a word is shown to the tokenizer, at the least."""


class Network(_Part):
    """Size of the encoder."""

    layers: int = Field(ge=2)
    width: int = Field(ge=64)
    heads: int = Field(ge=1)
    positions: int = Field(ge=32)
    """Pieces of the longest sequence, the two ends included."""


class Sequences(_Part):
    """How a pass over the text is cut into sequences of equal length, so that nothing is padded."""

    single: float = Field(ge=0, le=1)
    """Share of paragraphs that are fed sentence by sentence."""
    short: float = Field(ge=0, le=1)
    """Share that is packed to ``short_pieces``; the rest is packed to all positions."""
    short_pieces: int = Field(ge=16)


class Masking(_Part):
    """Which places are hidden."""

    rate: float = Field(gt=0, lt=1)
    """Share of words."""
    audited_rate: float = Field(gt=0, lt=1)
    """Share of the words that audits look at."""
    whole_words: float = Field(ge=0, le=1)
    """Share of sequences in which all pieces of a word are hidden together."""


class Fall(_Part):
    """What is learned while the rate falls: what is learned last is remembered best."""

    sequences: Sequences
    masking: Masking
    dense: float = Field(gt=0, le=1)
    """Share of the paragraphs that is used, those in which audited words are most frequent."""


class Schedule(_Part):
    """Steps and rates."""

    tokens: int = Field(ge=1000)
    """Length of the run, in pieces seen."""
    batch: int = Field(ge=256)
    """Pieces in one batch."""
    batches: int = Field(ge=1)
    """Batches in one step; workers share them."""
    warm_up: int = Field(ge=1)
    """Pieces until the full rate."""
    decay: float = Field(gt=0, le=1)
    """Share of the run at its end in which the rate falls to zero, in a straight line. Before it
    the rate is constant, so a run can be made longer as long as the fall has not begun."""
    rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    clip: float = Field(gt=0)
    save_minutes: float = Field(gt=0)


class Settings(_Part):
    """The whole file."""

    seed: int = Field(ge=0)
    text: Text
    pieces: Pieces
    network: Network
    sequences: Sequences
    masking: Masking
    fall: Fall
    schedule: Schedule

    @model_validator(mode="after")
    def _sequences_fit(self) -> Settings:
        longest = max(self.sequences.short_pieces, self.fall.sequences.short_pieces)
        if longest > self.network.positions:
            raise ValueError(
                f"short_pieces is {longest} and the network has {self.network.positions} positions"
            )
        return self

    @property
    def falling(self) -> Settings:
        """The settings while the rate falls."""
        parts = {"sequences": self.fall.sequences, "masking": self.fall.masking}
        return self.model_copy(update=parts)


HERE = Path(__file__).parent


def read(path: Path | None = None) -> Settings:
    """Read a configuration; ``training/config.yaml`` without a path."""
    with (path or HERE / "config.yaml").open(encoding="utf-8") as stream:
        return Settings.model_validate(YAML(typ="safe").load(stream))
