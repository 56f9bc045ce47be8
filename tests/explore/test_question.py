"""Questions, their limits, and the files that are made of what was collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from bias_audit import fill
from bias_audit.backends import FakeBackend
from bias_audit.cli.app import run
from bias_audit.errors import FileError, ScoringError, UnknownNameError, UsageError
from bias_audit.explore.question import (
    MOST_LETTERS,
    GroupChoice,
    Question,
    SharedModel,
    file_text,
    paraphrases,
    split_words,
)
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.scaffold import write_new

CATALOGUE = ProbeCatalogue()
TEXT = "The [group] worked as a <mask>."
TYPED = GroupChoice(typed="women=woman|lady,men=man")


@pytest.fixture(scope="module")
def model() -> SharedModel:
    return SharedModel(FakeBackend(), CATALOGUE)


def test_typed_groups_are_asked_as_fill_asks(model: SharedModel) -> None:
    made = model.ask(Question(sentence=TEXT, groups=TYPED, words=("nurse",)))
    assert made == fill(TEXT, {"women": ["woman", "lady"], "men": "man"}, FakeBackend(), ["nurse"])
    assert model.ask(Question(sentence=TEXT, groups=TYPED, words=("nurse",))) is made


def test_groups_of_a_lexicon_have_its_forms_and_articles(model: SharedModel) -> None:
    names = GroupChoice(lexicon="names", use=("women",))
    made = model.ask(Question(sentence=TEXT, groups=names))
    assert all(not text.startswith("The ") for text in made.groups[0].sentences)
    people = GroupChoice(lexicon="religion", use=("muslim", "hindu"))
    made = model.ask(Question(sentence="Two [group:pl] met a <mask>.", groups=people))
    assert "Two Muslim people met a <mask>." in made.groups[0].sentences
    german = GroupChoice(lexicon="gender-de", use=("women", "men"))
    made = model.ask(
        Question(sentence="Gestern dachte [group:nom] an <mask>.", groups=german, language="de")
    )
    assert all(text.endswith(" an <mask>.") for text in made.groups[0].sentences)


@pytest.mark.parametrize(
    "question",
    [
        Question(sentence="", groups=TYPED),
        Question(sentence="[group] <mask>" + "x" * MOST_LETTERS, groups=TYPED),
        Question(sentence=TEXT, groups=GroupChoice()),
        Question(sentence=TEXT, groups=GroupChoice(typed="x" * 10_000)),
        Question(sentence=TEXT, groups=GroupChoice(typed=",".join(f"w{i}" for i in range(101)))),
        Question(sentence=TEXT, groups=GroupChoice(lexicon="gender")),
        Question(sentence="[group:nom] <mask>.", groups=TYPED),
        Question(sentence=TEXT, groups=TYPED, words=tuple(f"w{i}" for i in range(101))),
        Question(sentence=TEXT, groups=TYPED, words=("<mask>",)),
    ],
)
def test_what_cannot_be_asked_is_one_message(model: SharedModel, question: Question) -> None:
    with pytest.raises(UsageError):
        model.ask(question)


def test_an_error_is_not_remembered() -> None:
    class Weak(FakeBackend):
        fails = True

        def score(self, requests, **more):  # type: ignore[no-untyped-def]
            if self.fails:
                raise ScoringError("not now")
            return super().score(requests, **more)

    backend = Weak()
    weak = SharedModel(backend, CATALOGUE)
    with pytest.raises(ScoringError):
        weak.ask(Question(sentence=TEXT, groups=TYPED))
    backend.fails = False
    assert weak.ask(Question(sentence=TEXT, groups=TYPED)).groups


def test_words_are_split_and_each_is_there_once() -> None:
    assert split_words(" nurse, pilot\nnurse,,\n") == ("nurse", "pilot")
    with pytest.raises(UsageError, match="characters"):
        split_words("x" * 5_000)


def test_paraphrases_have_the_group_and_the_mask_that_the_reading_needs() -> None:
    assert len(paraphrases(CATALOGUE.template_set("occupation"), "mask")) == 16
    assert paraphrases(CATALOGUE.template_set("pronoun"), "mask") == []
    plural = paraphrases(CATALOGUE.template_set("occupation-plural"), "continuation")
    assert plural
    assert all("[group:pl]" in text for text in plural)
    assert paraphrases(CATALOGUE.template_set("occupation"), "label") == []


def written(groups: GroupChoice, sentences: list[str], **more: str) -> str:
    return file_text(
        "mine",
        title=more.get("title", "Mine"),
        axis="gender",
        question=Question(sentence=TEXT, groups=groups),
        sentences=sentences,
        poles=[("care", ("nurse", "teacher")), ('"tools": #1', ("engineer", "it's"))],
        catalogue=CATALOGUE,
    )


@pytest.mark.parametrize(
    ("groups", "sentences", "words"),
    [
        (GroupChoice(lexicon="gender", use=("women", "men")), [TEXT], 16),
        (TYPED, [TEXT, "We saw the [group], a <mask>: yes # no"], 3),
        (TYPED, ["Two [group:pl] met a <mask>."], 3),
        (GroupChoice(typed="Frau: 1=Frau,Mann 'x'=Mann,Ä=Äffin,é=été"), [TEXT], 4),
    ],
)
def test_a_probe_file_says_what_was_collected(
    groups: GroupChoice, sentences: list[str], words: int, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(written(groups, sentences, title='a: "b" #c {'), encoding="utf-8")
    probe = CATALOGUE.with_files([path]).read_probe_file(path)
    assert [frame.template.text for frame in probe.frames] == sentences
    assert sum(len(group.words) for group in probe.groups) == words
    assert [group.label for group in probe.groups] == [*groups.words(CATALOGUE)]
    assert [t.word.label for t in probe.targets] == ["nurse", "teacher", "engineer", "it's"]
    assert (probe.plus_name, probe.minus_name) == ("care", '"tools": #1')
    assert probe.spec.title == 'a: "b" #c {'
    assert run(["probes", "check", str(path)]) == 0


def test_a_file_is_written_once_and_never_replaced(tmp_path: Path) -> None:
    text = written(TYPED, [TEXT])
    path, _schema = write_new("probe", "mine", tmp_path, CATALOGUE, text=text)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "yaml-language-server" not in line] == text.splitlines()
    for name in ("mine", "../mine", "occupation-gender", ""):
        with pytest.raises(UsageError):
            write_new("probe", name, tmp_path, CATALOGUE, text="kind: probe\n")
    assert path.read_text(encoding="utf-8").splitlines() == lines
    assert [one.name for one in tmp_path.glob("**/*.yaml")] == ["mine.yaml"]


def test_what_is_no_text_cannot_become_keys_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    evil = 'x"\nrole: positive_control\n"'
    path.write_text(written(TYPED, [TEXT], title=evil), encoding="utf-8")
    with pytest.raises(FileError, match=r"mine.yaml:7:8: .* has a line break"):
        CATALOGUE.with_files([path]).read_probe_file(path)


def test_without_poles_it_is_a_set_of_sentences(tmp_path: Path) -> None:
    text = file_text(
        "mine",
        title="Mine",
        axis="x",
        question=Question(sentence=TEXT, groups=TYPED),
        sentences=["I met the [group].", "The [group] left."],
        poles=[],
        catalogue=CATALOGUE,
    )
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert run(["probes", "check", str(tmp_path / "mine.yaml")]) == 0


def test_an_unknown_lexicon_is_an_error(model: SharedModel) -> None:
    with pytest.raises(UnknownNameError):
        model.ask(Question(sentence=TEXT, groups=GroupChoice(lexicon="gendr", use=("x",))))
