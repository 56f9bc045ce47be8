"""Find a model's files, here or on the hub, and check them; no weights are read here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict

from bias_audit.backends.base import require_possible
from bias_audit.backends.hf.gguf import SUFFIX, find_gguf
from bias_audit.backends.hf.hub import fetch
from bias_audit.backends.hf.model_config import read_by_head, read_config, require_head
from bias_audit.backends.hf.pooling import ENCODER_FILES, Pooling, PoolingMode, read_pooling
from bias_audit.errors import ModelLoadError
from bias_audit.utils.readings import READINGS, Reading

REFERENCE = Path(__file__).parents[2] / "models" / "reference"
"""The model that ships with the package."""
_LIST = ".index.json"
INDEX = f"model.safetensors{_LIST}"
PICKLES = "pytorch_model*.bin"
PICKLE_INDEX = f"pytorch_model.bin{_LIST}"
_NAMED_WEIGHTS = "transformers_weights"
"""Key of config.json: a weight file, or a list of some, of another name."""
TOKENIZER_FILES = (
    "added_tokens.json",
    "bpe.codes",
    "dict.txt",
    "entity_vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "special_tokens_map.json",
    "spiece.model",
    "spm.model",
    "spm_char.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
_TOKENIZER_CONFIG = "tokenizer_config.json"
_NO_VOCABULARY = (
    "added_tokens.json",
    "bpe.codes",
    "dict.txt",
    "entity_vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    _TOKENIZER_CONFIG,
)
_VOCABULARIES = tuple(name for name in TOKENIZER_FILES if name not in _NO_VOCABULARY)
_GGUF_CONFIG = {"model_type": "gguf", "architectures": ["GgufForCausalLM"]}
"""What is known of a GGUF file before it is loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOptions:
    """Say which model to load, and how."""

    name: str = "reference"
    """``reference`` (the bundled model), a local folder or a hub id."""
    revision: str | None = None
    """Branch, tag or commit on the hub; the default branch if None."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``."""
    dtype: str = "float32"
    """``float32``, ``bfloat16``, ``float16``, or ``auto`` for that of the weight file."""
    offline: bool = False
    """Use no network."""
    allow_pickle: bool = False
    """Accept pickled weights where there are no safetensors; no code in them is run."""
    reading: Reading | None = None
    """How the model is to be read, where its files allow several ways."""
    pooling: PoolingMode | None = None
    """Read it as a sentence encoder, with this pooling, where the folder states none."""


FILE_OPTIONS = frozenset(field.name for field in fields(ModelOptions))
"""Options of a model that concern its files."""


class Digests(TypedDict):
    """SHA-256 of a model's files, as in :class:`~bias_audit.records.ModelInfo`."""

    fingerprint: str
    tokenizer_digest: str
    config_digest: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFolder:
    """A local folder with a model's files."""

    name: str
    """As the user named the model."""
    path: Path
    revision: str | None = None
    """Commit of the hub repository, if the files came from there."""
    config: dict[str, Any]
    """The folder's config.json."""
    pickled: bool = False
    """Whether the weights are pickles, which the user has allowed."""
    gguf: Path | None = None
    """The file that is the whole model, where it is of this format."""
    chosen: Reading | None = None
    """How it is to be read, where the user says so."""
    pooling: Pooling | None = None
    """How the vector of a text is made, of a sentence encoder."""
    notices: tuple[str, ...] = ()

    @property
    def made_as(self) -> str:
        """The architectures that its config.json names."""
        return ", ".join(map(str, self.config.get("architectures") or ()))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """How the model can be read: an encoder by its pooling, else by its head; the usual first.

        An encoder that was saved with its head for words can be read by that too.
        """
        by_head = read_by_head(self.config)
        if self.pooling is not None:
            return ("similarity", "mask") if by_head == "mask" else ("similarity",)
        return (by_head or "mask",)

    @property
    def reading(self) -> Reading:
        """How the model is read."""
        return self.chosen or self.readings[0]

    @property
    def index(self) -> Path | None:
        """The list of weight files, where there are several."""
        single = "pytorch_model.bin" if self.pickled else "model.safetensors"
        name = self.config.get(_NAMED_WEIGHTS) or single
        if not name.endswith(_LIST) and not (self.path / name).is_file():
            name = PICKLE_INDEX if self.pickled else INDEX
        return self.path / name if name.endswith(_LIST) else None

    @property
    def weights(self) -> list[Path]:
        """The weight files, sorted by name: all that is opened, after the list that names them."""
        if self.index is not None:
            return [self.index, *(self.path / name for name in _shards(self.name, self.index))]
        single = "pytorch_model.bin" if self.pickled else "model.safetensors"
        return [self.path / (self.config.get(_NAMED_WEIGHTS) or single)]

    @property
    def tokenizer_files(self) -> list[Path]:
        """The tokenizer's files, sorted by name."""
        names = {*TOKENIZER_FILES, *_versioned_tokenizers(self.path)}
        return [self.path / name for name in sorted(names) if (self.path / name).is_file()]

    @property
    def files(self) -> list[Path]:
        """Every file that loading may open; all are digested."""
        if self.gguf is not None:
            return [self.gguf]
        return [self.path / "config.json", *self.weights, *self.tokenizer_files]

    @property
    def _settings(self) -> list[Path]:
        """The files that say how the weights are used."""
        if self.gguf is not None:
            return [self.gguf]
        more = self.pooling.files if self.pooling else ()
        return [self.path / "config.json", *(self.path / name for name in more)]

    def digests(self) -> Digests:
        """Return the digests of the files."""
        each: dict[str, str] = {}
        if self.gguf is not None:
            whole = digest([self.gguf], each)
            return {
                "fingerprint": whole,
                "tokenizer_digest": whole,
                "config_digest": whole,
                "files": tuple(sorted(each.items())),
            }
        settings = digest(self._settings, each)
        if self.pooling is not None and not self.pooling.files:
            stated = f"{settings} pooling {self.pooling.mode}"
            settings = hashlib.sha256(stated.encode()).hexdigest()
        return {
            "fingerprint": digest(self.weights, each),
            "tokenizer_digest": digest(self.tokenizer_files, each),
            "config_digest": settings,
            "files": tuple(sorted(each.items())),
        }

    @contextlib.contextmanager
    def expose(self) -> Iterator[Path]:
        """Yield a folder with the files that are digested, and no other that could be opened.

        Raises:
            ModelLoadError: one of them was changed meanwhile, so nobody knows which was loaded.
        """
        before = self._state()
        with tempfile.TemporaryDirectory(prefix="bias-audit-") as name:
            for file in self.files:
                if file.name == _TOKENIZER_CONFIG and (text := _without_paths(file)):
                    Path(name, file.name).write_text(text, encoding="utf-8")
                else:
                    _link(file.resolve(), Path(name, file.name))
            yield Path(name)
        if self._state() != before:
            raise ModelLoadError(
                f"the files of '{self.name}' changed while they were loaded", hint="run again"
            )

    def _state(self) -> list[tuple[object, ...]]:
        """What changes when a file is written or replaced."""
        stats = [(file, file.stat()) for file in {*self.files, *self._settings}]
        return [(f, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for f, s in stats]


def _link(file: Path, place: Path) -> None:
    try:
        place.symlink_to(file)
    except OSError:  # Windows lets few people make links
        shutil.copyfile(file, place)


def _shards(name: str, index: Path) -> list[str]:
    """The weight files that a list names: beside it, and of its own format.

    Raises:
        ModelLoadError: it is no such list, or names something else.
    """
    ending = ".safetensors" if index.name.endswith(f".safetensors{_LIST}") else ".bin"
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelLoadError(
            f"'{name}': {index.name} is no list of weight files", hint="save the model again"
        ) from error
    for shard in names:
        if not (_is_plain(shard) and shard.endswith(ending) and (index.parent / shard).is_file()):
            raise ModelLoadError(
                f"'{name}': {index.name} names '{shard}', expected a file beside it that ends in"
                f" {ending}",
                hint="save the model again with save_pretrained",
            )
    return names


def _is_plain(name: object) -> bool:
    """Whether this is the name of a file, without a folder."""
    return isinstance(name, str) and name == Path(name).name and name != ".."


def _tokenizer_config(path: Path) -> dict[str, Any]:
    """What tokenizer_config.json says; nothing where it cannot be read, which loading reports."""
    try:
        content = json.loads((path / _TOKENIZER_CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _versioned_tokenizers(path: Path) -> list[str]:
    """Files that take the place of tokenizer.json in newer versions of transformers."""
    names = _tokenizer_config(path).get("fast_tokenizer_files")
    return [name for name in names if _is_plain(name)] if isinstance(names, list) else []


def _without_paths(file: Path) -> str:
    """The tokenizer's configuration without paths of files, which could lead anywhere."""
    content = _tokenizer_config(file.parent)
    plain = {key: value for key, value in content.items() if not key.endswith("_file")}
    return json.dumps(plain) if plain != content else ""


def locate_model(options: ModelOptions) -> ModelFolder:
    """Find the folder of a model and check the files in it.

    Raises:
        ModelLoadError: When there is no such model, it cannot be fetched, or its files do not hold
            a model that is safe to load.
        UsageError: it cannot be read as the options say.
    """
    name, revision = options.name, options.revision
    commit: str | None = None
    notices: list[str] = []
    here = None if name == "reference" else find_folder(name)
    gguf = None if name == "reference" else find_gguf(name, here)
    if revision is not None and (here or gguf):
        raise ModelLoadError(
            f"a revision ('{revision}') belongs to a hub model, but '{name}' is a local"
            f" {'folder' if here else 'file'}",
            hint="leave the revision out",
        )
    if gguf is not None:
        wanted = "similarity" if options.pooling else options.reading
        folder = ModelFolder(name=name, path=gguf.parent, gguf=gguf, config=_GGUF_CONFIG)
        require_possible(name, wanted, folder.readings)
        return folder
    if name == "reference":
        path = REFERENCE
    elif here is not None:
        path = here
    elif not name or is_path(name):
        raise ModelLoadError(
            f"no such folder or GGUF file: '{name}'"
            if name.endswith(SUFFIX)
            else f"no such folder: '{name}'",
            hint="name a folder with a model's files, or a hub id",
        )
    else:
        path = fetch(name, revision, _patterns(options), offline=options.offline)
        commit = path.name
        if revision is None:
            notices.append(f"revision not pinned; resolved to {commit}")
    config = read_config(name, path)
    pooling = read_pooling(name, path, options.pooling)
    require_head(name, config, pooling)
    pickled = _check_weights(name, path, config, allow_pickle=options.allow_pickle)
    _check_tokenizer(name, path)
    if "auto_map" in config:
        notices.append(
            "the model's own Python code (auto_map) was not run; transformers' class was used"
        )
    folder = ModelFolder(
        name=name,
        path=path,
        revision=commit,
        config=config,
        pickled=pickled,
        chosen=options.reading,
        pooling=pooling,
        notices=tuple(notices),
    )
    require_possible(name, options.reading, folder.readings)
    return folder


def find_folder(name: str) -> Path | None:
    """Return the folder of this name; None where there is none, or no folder can have the name."""
    try:
        path = Path(name).expanduser()
        return path if name and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def digest_local(place: Path) -> dict[str, str]:
    """SHA-256 of each file of a local model, by name, as its runs record them; nothing is loaded.

    Raises:
        ModelLoadError: there is no whole model.
        OSError: a file is not there, or cannot be read.
    """
    name, here = str(place), find_folder(str(place))
    gguf = find_gguf(name, here)
    if gguf is not None:
        return dict(
            ModelFolder(name=name, path=gguf.parent, gguf=gguf, config={}).digests()["files"]
        )
    config = read_config(name, place)
    pickled = _check_weights(name, place, config, allow_pickle=True)
    pooling = read_pooling(name, place, None)
    folder = ModelFolder(name=name, path=place, config=config, pickled=pickled, pooling=pooling)
    return dict(folder.digests()["files"])


def digest(files: Iterable[Path], each: dict[str, str] | None = None) -> str:
    """SHA-256 over names, sizes and contents of the files, in the order given.

    ``each`` takes the digest of each file by itself, under its name.
    """
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        own = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
                own.update(block)
        if each is not None:
            each[file.name] = own.hexdigest()
    return total.hexdigest()


def is_path(name: str) -> bool:
    """Return whether a name can only be that of a local folder."""
    return (
        name.startswith(("./", "../", "/", "~", ".\\", "..\\"))
        or name in (".", "..")
        or (name.count("/") > 1 or "\\" in name)
        or name.endswith(SUFFIX)
    )


def require_reading(folder: ModelFolder, reading: Reading) -> None:
    """Refuse a model of another kind than the one that is wanted.

    Raises:
        ModelLoadError: it is read in another way.
    """
    if reading not in folder.readings:
        raise ModelLoadError(
            f"expected {READINGS[reading].wanted}, but '{folder.name}' is read as {folder.reading}"
            f" ({folder.made_as or 'no architecture is named'})",
            hint="open it with bias_audit.open_backend, which chooses",
        )


def _check_weights(name: str, path: Path, config: dict[str, Any], *, allow_pickle: bool) -> bool:
    """Return whether the weights are pickles; refuse them unless allowed."""
    if (path / "adapter_config.json").is_file():
        raise ModelLoadError(
            f"'{name}' holds an adapter (adapter_config.json), not a whole model",
            hint="merge the adapter into its model, save that with save_pretrained, "
            "and name the new folder",
        )
    named = config.get(_NAMED_WEIGHTS)
    if named is not None:
        fits = _is_plain(named) and named.endswith((".safetensors", f".safetensors{_LIST}"))
        if fits and (path / named).is_file():
            return False
        raise ModelLoadError(
            f"config.json of '{name}' names '{named}' as its weights ({_NAMED_WEIGHTS}), expected"
            " a file of safetensors beside it",
            hint="save the model again with save_pretrained",
        )
    if (path / "model.safetensors").is_file() or (path / INDEX).is_file():
        return False
    pickles = sorted(path.glob(PICKLES))
    if pickles and allow_pickle:
        return True
    if pickles:
        raise ModelLoadError(
            f"expected weights as model.safetensors, but '{name}' holds only pickled ones "
            f"({pickles[0].name}), and loading a pickle can run any code",
            hint="convert it: AutoModelForMaskedLM.from_pretrained(FOLDER)"
            ".save_pretrained(NEW_FOLDER); or, if you trust its maker, use --allow-pickle",
        )
    raise ModelLoadError(
        f"'{name}' holds no weights: expected model.safetensors",
        hint="save the model with save_pretrained; a hub model that has only pytorch_model.bin "
        "needs --allow-pickle",
    )


def _patterns(options: ModelOptions) -> list[str]:
    """The files of a hub model that are fetched."""
    wanted = ["config.json", "model*.safetensors", INDEX, *TOKENIZER_FILES, "tokenizer.*.json"]
    return [*wanted, *ENCODER_FILES, *((PICKLES, PICKLE_INDEX) if options.allow_pickle else ())]


def _check_tokenizer(name: str, path: Path) -> None:
    if not any((path / vocabulary).is_file() for vocabulary in _VOCABULARIES):
        raise ModelLoadError(
            f"'{name}' holds no tokenizer: expected tokenizer.json",
            hint="save the model's tokenizer into the same folder with save_pretrained",
        )
