"""Every reader on a file of its format: what it yields, and what it says about a wrong file."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import sys
from itertools import islice

import pytest

from bias_audit.datasets import DATASETS, open_dataset, readers
from bias_audit.datasets.dataset import collect
from bias_audit.datasets.readers.stereoset import blank_words
from bias_audit.errors import FileError, UnknownNameError, UsageError
from bias_audit.metrics.registry import INFOS
from tests.datasets import files

COUNTS = {
    "bbq": (4, 1, 3, {"Trade": 4}),
    "bec-pro": (2, 1, 0, {"female": 1, "male": 1}),
    "crows-pairs": (4, 3, 1, {"age": 2, "size": 2}),
    "crows-pairs-revised": (4, 3, 1, {"age": 2, "size": 2}),
    "eec": (3, 2, 0, {"gender": 2, "gender-race": 1}),
    "holistic-bias": (22, 2, 0, {"craft": 18, "null": 4}),
    "honest": (2, 2, 0, {"sea": 2}),
    "redditbias": (2, 0, 0, {"trade1": 2}),
    "seat": (4, 0, 0, {"sent-kites": 4}),
    "stereoset": (4, 2, 0, {"intersentence: profession": 1, "intrasentence: profession": 3}),
    "winobias": (4, 2, 0, {"anti type1 dev": 2, "pro type1 dev": 2}),
    "winogender": (3, 1, 0, {"female": 1, "male": 1, "neutral": 1}),
    "winoqueer": (2, 1, 0, {"Lilac": 1, "Violet": 1}),
}
every = pytest.mark.parametrize("name", list(DATASETS))


@pytest.fixture
def read(tmp_path):
    return lambda name: list(open_dataset(name, files.write(tmp_path, name)))


@pytest.fixture
def spoil(tmp_path):
    """Rewrite all files of a data set, and return what is said about the first."""

    def problem(name, change):
        path = files.write(tmp_path, name)
        for file in [path] if path.is_file() else path.iterdir():
            file.write_bytes(change(file.read_bytes()))
        with pytest.raises(FileError) as caught:
            list(open_dataset(name, path))
        assert caught.value.exit_code == 2
        (only,) = caught.value.problems
        assert only.file.startswith(str(path))
        return only

    return problem


@every
def test_a_good_file_is_read_and_counted(name, tmp_path):
    path = files.write(tmp_path, name)
    dataset = open_dataset(name, path)
    summary = dataset.summary()
    rows, clusters, duplicates, categories = COUNTS[name]
    assert (summary.rows, summary.clusters, summary.duplicates) == (rows, clusters, duplicates)
    assert summary.categories == categories
    assert list(dataset) == list(dataset), "reading twice gives the same"
    assert len({item.id for item in dataset if hasattr(item, "id")}) in (rows, 0)
    assert not any(file.known for file in summary.files)
    if path.is_file():
        assert summary.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert summary.files[0].bytes == path.stat().st_size


@every
def test_an_empty_file_is_refused(name, tmp_path):
    path = files.write(tmp_path, name)
    for file in [path] if path.is_file() else path.iterdir():
        file.write_bytes(b"")
    with pytest.raises(UsageError, match=r"is empty|holds no record|expected JSON") as caught:
        open_dataset(name, path).summary()
    assert str(path) in str(caught.value)


@every
def test_bytes_that_are_not_text_have_their_line(name, spoil):
    problem = spoil(name, lambda content: content.rstrip(b"\n") + b"\n\n\xf6")
    assert problem.message == "expected UTF-8 text, got the byte 0xf6"
    assert problem.line > 2


@every
def test_another_table_is_refused_with_what_was_expected(name, spoil):
    problem = spoil(name, lambda _: b"subject,verb\ncat,sat\n")
    assert problem.line == 1
    assert problem.message.startswith("expected ")
    if DATASETS[name].give.endswith(("csv", "tsv")):
        assert "expected the column" in problem.message
        assert "got 'subject', 'verb'" in problem.message
        assert problem.hint == f"expected {DATASETS[name].give}"


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "message"),
    [
        ("crows-pairs", "sent_less", "sent_lesss", 1, "expected the column 'sent_less' of CrowS-P"),
        ("winoqueer", "sent_x,sent_y", "a,b", 1, "expected the columns 'sent_x', 'sent_y' of Win"),
        ("crows-pairs", ",antistereo,", ",anti-stereo,", 3, "expected stereo or antistereo, got"),
        ("crows-pairs", ",w2,[]", ",w2", 3, "expected 8 fields as in the header, got 7"),
        ("crows-pairs", ",The short baker", ',"The short baker', 3, "this row cannot be read: "),
        ("crows-pairs", "sent_less", "sent_more", 1, "the column 'sent_more' is here twice"),
        ("winogender", "0.female", "0.girl", 3, "expected an id such as cook.guest.1.female.txt"),
        ("winogender", "that she", "that he", 3, "expected a female pronoun in the sentence"),
        ("winobias", "[she] was", "she was", 1, "expected one [entity] and a [pronoun]"),
        ("winobias", "2 The", "The", 2, "expected a number and a sentence, got 'The sailor"),
        ("bec-pro", "[MASK] tends lamps.\tShe", "- tends lamps.\tShe", 3, "expected [MASK] in the"),
        ("honest", "known as [M].", "known as.", 3, "expected [M] once in 'template_masked'"),
        ("seat", '"examples"', '"words"', 2, "targ1: expected the key 'examples', got category"),
        ("seat", '"attr1"', '"attr9"', 1, "expected the key 'attr1', got targ1"),
        ("bbq", '"label": 1', '"label": 3', 1, "label: expected 0, 1 or 2, got 3"),
        ("bbq", '"nonneg"', '"pos"', 2, "question_polarity: expected neg or nonneg, got 'pos'"),
        ("bbq", '"context": "', '"context": 7, "x": "', 1, "expected text in 'context', got a nu"),
        ("bbq", "{", "", 1, "expected one JSON object on each line"),
        ("holistic-bias", '"descriptor": "ash"', '"word": "ash"', 1, "expected the key 'descrip"),
        ("stereoset", "unrelated", "off", 6, "expected stereotype or anti-stereotype or unrelated"),
        ("stereoset", '"target"', '"word"', 6, "data.intrasentence[0]: expected the key 'target'"),
        ("stereoset", '"data"', '"items"', 1, "StereoSet: expected the key 'data', got version"),
        ("stereoset", '"1.1",', '"1.1"', 3, "expected JSON: Expecting ',' delimiter"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_and_says_what_was_expected(name, old, new, line, message, spoil):
    problem = spoil(name, lambda content: content.replace(old.encode(), new.encode(), 1))
    assert message in problem.message
    assert problem.line == line


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_no_text_has_its_own_line_and_column(mark, end, tmp_path):
    path = tmp_path / "crows.csv"
    head = "sent_more,sent_less,stereo_antistereo,bias_type"
    lines = [head, "A b,A c,stereo,age", "Un été,Un hiver,stereo,age"]
    path.write_bytes(mark + end.join(lines).encode("latin-1"))
    with pytest.raises(FileError, match="expected UTF-8 text, got the byte 0xe9") as caught:
        list(open_dataset("crows-pairs", path))
    (only,) = caught.value.problems
    assert (only.line, only.column) == (3, 4)


def test_rows_without_a_text_are_left_out_and_counted(tmp_path):
    path = files.write(tmp_path, "crows-pairs")
    path.write_text(path.read_text("utf-8").replace("The short baker was late again.", " ", 1))
    dataset = open_dataset("crows-pairs", path)
    assert [pair.id for pair in dataset] == ["0", "2", "3"]
    summary = dataset.summary()
    assert (summary.rows, summary.left_out) == (3, {"no text in the column 'sent_less'": 1})
    path.write_text("sent_more,sent_less,stereo_antistereo,bias_type\n,A c,stereo,age\n")
    with pytest.raises(UsageError, match=r"no record of Crows?.*1 left out .no text in the column"):
        open_dataset("crows-pairs", path).summary()


def test_redditbias_as_published_is_read_by_its_folder(tmp_path):
    one_group = "attribute_in_window,comment,comments_processed,bias_sent,bias_phrase\n1,A,a,1,a\n"
    for axis, group, other in (
        ("religion1", "bakers", "cooks"),
        ("religion2", "bakers", "potters"),
    ):
        folder = tmp_path / "data" / axis
        folder.mkdir(parents=True)
        stem = f"reddit_comments_{axis}"
        (folder / f"{stem}_{group}_biased_test_reduced.csv").write_text(files.REDDITBIAS)
        (folder / f"{stem}_{group}_biased_valid_reduced.csv").write_text(files.REDDITBIAS)
        (folder / f"{stem}_{other}_biased_test_reduced.csv").write_text(one_group)
    summary = open_dataset("redditbias", tmp_path / "data").summary()
    assert summary.categories == {"religion1": 2, "religion2": 2}, "two axes"
    (note,) = summary.notes
    assert note == (
        "2 files not read: it holds comments about one group, without those about the other"
    )
    with pytest.raises(FileError, match="without those about the other") as caught:
        open_dataset("redditbias", folder / f"{stem}_{other}_biased_test_reduced.csv")
    assert "give the file of the other group" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    "wrong", [None, 5, -1, 1e308, 10**200, True, "x", [], {}, [[]], [5], {"x": 5}, ["a", 1]]
)
@pytest.mark.parametrize("name", ["bbq", "seat", "stereoset", "holistic-bias"])
def test_any_value_of_json_may_be_wrong(name, wrong, tmp_path):
    """Every node of every file in turn: it is read, or refused as the user's mistake."""
    path = files.write(tmp_path, name)
    for file in [path] if path.is_file() else sorted(path.iterdir()):
        good = file.read_text("utf-8")
        content = json.loads(good.splitlines()[0] if name == "bbq" else good)
        for changed in _one_changed(content, wrong):
            file.write_text(json.dumps(changed), "utf-8")
            with contextlib.suppress(UsageError):
                open_dataset(name, path).summary()
        file.write_text(good, "utf-8")


def _one_changed(value, wrong):
    """The value with each of its parts replaced in turn."""
    yield wrong
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            for new in _one_changed(value[key], wrong):
                other = copy.copy(value)
                other[key] = new
                yield other


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 100_000, "9" * 5_000])
@pytest.mark.parametrize("name", ["bbq", "seat", "stereoset", "holistic-bias"])
def test_deep_json_and_huge_numbers_are_mistakes_of_the_file(name, text, spoil):
    problem = spoil(name, lambda _: text.encode())
    assert "nested too deeply" in problem.message or "5,000 digits" in problem.message


def test_a_misspelt_column_gets_the_nearest_and_a_mistake_does_not_hide_rows_before_it(tmp_path):
    path = files.write(tmp_path, "crows-pairs")
    good = path.read_text("utf-8")
    path.write_text(good.replace("sent_less", "sent_lesss", 1), "utf-8")
    with pytest.raises(FileError, match="is 'sent_lesss' the column"):
        list(open_dataset("crows-pairs", path))
    path.write_text(f"{good}4,broken\n", "utf-8")
    items = iter(open_dataset("crows-pairs", path))
    assert [item.id for item in islice(items, 4)] == ["0", "1", "2", "3"]
    with pytest.raises(FileError, match=r"pairs_anonymized\.csv:8:1: expected 8 fields"):
        next(items)


def test_wrong_paths_and_names(tmp_path):
    with pytest.raises(UnknownNameError, match="no data set named 'crows'"):
        open_dataset("crows", tmp_path)
    with pytest.raises(UsageError, match="there is nothing at") as caught:
        open_dataset("stereoset", tmp_path / "dev.json")
    assert caught.value.hint == (
        "expected dev.json; 'bias-audit datasets fetch stereoset' brings it"
    )
    with pytest.raises(UsageError, match="from https://saifmohammad"):
        open_dataset("eec", tmp_path / "x.csv")
    with pytest.raises(UsageError, match=r"holds no file of WinoBias: expected the folder"):
        open_dataset("winobias", tmp_path)
    with pytest.raises(UsageError, match=r"lacks descriptors\.json, nouns\.json"):
        open_dataset("holistic-bias", tmp_path)
    other = tmp_path / "pro.txt"
    other.write_text("1 x\n")
    with pytest.raises(FileError, match=r"expected a name such as pro_stereotyped_type1\.txt\.dev"):
        list(open_dataset("winobias", other))


def test_crows_pairs_keeps_the_order_the_writer_and_the_line(read, tmp_path):
    first, second, third, last = read("crows-pairs")
    assert first.more == "Old sailors forget where they left the boat, always."
    assert first.less == "Young sailors forget where they left the boat, always."
    assert (first.id, first.direction, first.category) == ("0", "stereo", "age")
    assert (first.cluster, second.direction) == ("w1", "antistereo")
    assert third.more == 'The old gardener said: "No\nrain today."'
    assert [r.line for r in (first, second, third, last)] == [2, 3, 4, 7]
    revised = tmp_path / "revised.tsv"
    header = "\ufeffsent_more\tsent_less\tstereo_antistereo\tbias_type\n"
    revised.write_text(f"{header}A b\tA c\tstereo\tage\n", "utf-8")
    (pair,) = open_dataset("crows-pairs-revised", revised)
    assert (pair.id, pair.more, pair.cluster, pair.line) == ("0", "A b", "", 2)


def test_stereoset_fills_its_blanks(read):
    loud, waved, two, between = read("stereoset")
    assert loud.fills == ("loud", "quiet", "tablecloth")
    assert (loud.left, loud.right, loud.target) == ("The sailor was ", ".", "sailor")
    assert (loud.stereotype, loud.anti) == ("The sailor was loud.", "the sailor was quiet.")
    assert waved.fills == ("son", "old daughter", "fog")
    assert (waved.left, waved.right) == ("My neighbour's ", ", a baker, waved")
    assert two.fills is None
    assert (between.kind, between.fills) == ("intersentence", None)
    assert between.context == "He is a sailor."


@pytest.mark.parametrize(
    ("context", "sentence", "word"),
    [
        ("The BLANK sang.", "The cook sang.", "cook"),
        ("The BLANK sang.", "The cook sang", "cook"),
        ("The cook was BLANK", "The cook was loud.", "loud"),
        ("The cook was BLANK.", "The cook was loud!", "loud"),
        ("BLANK's hat", "Nadira's hat", "Nadira"),
        ("The BLANK sang.", "A cook sang.", None),
        ("The BLANK sang.", "The sang.", None),
    ],
)
def test_a_blank_is_found_give_or_take_the_end(context, sentence, word):
    words = blank_words(context, [sentence] * 3)[2]
    assert words == (word and (word,) * 3)


def test_pronoun_sentences_are_cut_at_the_pronoun(read):
    rows = {row.id: row for row in read("winobias")}
    pro = rows["type1.dev.2.pro"]
    assert (pro.left, pro.pronoun) == ("The sailor thanked The tailor because ", "she")
    assert (pro.right, pro.entity, pro.gender) == (" fixed her coat.", "tailor", "female")
    assert pro.text == "The sailor thanked The tailor because she fixed her coat."


def test_winogender_says_whom_the_pronoun_means(read):
    he, she, their = read("winogender")
    assert (he.pronoun, he.entity, he.occupation, he.other) == ("he", "sailor", "sailor", "guest")
    assert (she.gender, she.left) == ("female", "The sailor told the guest that ")
    assert (their.pronoun, their.entity, their.right) == ("their", "guest", " hat.")


def test_holistic_bias_makes_every_sentence(read):
    texts = {r.text: r for r in read("holistic-bias")}
    assert set(texts) == {
        *("I know an aunt.", "What do aunts eat?", "I know an elder.", "What do elders eat?"),
        *("I know oaken.", "I know an oaken aunt.", "What do oaken aunts eat?"),
        *("I know an oaken elder.", "What do oaken elders eat?"),
        *("I know ash.", "I know an ash aunt.", "What do ash aunts eat?"),
        *("I know an ash elder.", "What do ash elders eat?"),
        *("I know honest-metal.", "I know an honest-metal aunt."),
        *("What do honest-metal aunts eat?", "I know a potter."),
        *("I know an aunt with a loom.", "What do aunts with a loom eat?"),
        *("I know an elder with a loom.", "What do elders with a loom eat?"),
    }
    ash = texts["What do ash aunts eat?"]
    assert (ash.axis, ash.group, ash.term, ash.noun) == ("craft", "wood", "ash", "aunt")
    assert (ash.noun_gender, ash.preference) == ("female", "dispreferred")
    assert ash.template == "What do {plural_noun_phrase} eat?"
    assert texts["I know an aunt with a loom."].term == "with a loom"


@every
def test_a_description_is_complete(name):
    info = DATASETS[name]
    for key in ("title", "holds", "give", "licence", "citation", "home"):
        assert getattr(info, key), key
    free = "NC" not in info.licence and "none" not in info.licence
    assert free or not info.quotable, "no sentence of a restricted data set is to be passed on"
    assert info.home.startswith("https://")
    assert all(remote.url.startswith("https://") for remote in info.files)
    assert all(len(remote.sha256) in (0, 64) for remote in info.files)
    assert set(info.measures) <= set(INFOS)
    assert bool(info.default_measures) is bool(info.measures)


TOY = """
from bias_audit.datasets.info import DatasetInfo
DATASETS = (
    DatasetInfo(id="{}", title="Toy", holds="", reader=iter, give="", layout="", licence="",
                quotable=True, citation="", home=""),
)
"""


@pytest.mark.parametrize("name", ["toy", "bbq"])
def test_one_file_adds_a_data_set_and_takes_none_over(name, tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY.format(name))
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(tmp_path)])
    try:
        if name in DATASETS:
            with pytest.raises(ValueError, match="two readers describe the data set 'bbq'"):
                collect()
        else:
            assert set(collect()) == {*DATASETS, "toy"}
    finally:
        sys.modules.pop("bias_audit.datasets.readers.toy", None)
