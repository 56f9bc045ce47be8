"""Every reader on a file of its format: what it yields, and what it says about a wrong file."""

from __future__ import annotations

import hashlib
import json

import pytest

from bias_audit.datasets import DATASETS, open_dataset, sentence_pairs
from bias_audit.datasets._stereoset import fills
from bias_audit.errors import FileError, UnknownNameError, UsageError
from tests.datasets import files


@pytest.fixture
def read(tmp_path):
    return lambda name: list(open_dataset(name, files.write(tmp_path, name)))


@pytest.fixture
def wrong(tmp_path):
    """The message about a file that was spoiled."""

    def message(name, old, new):
        path = files.write(tmp_path, name)
        place = path if path.is_file() else sorted(path.iterdir())[0]
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(FileError) as caught:
            list(open_dataset(name, path))
        assert caught.value.exit_code == 2
        (problem,) = caught.value.problems
        assert problem.file == str(place)
        return problem

    return message


COUNTS = {
    "crows-pairs": (4, 3, 1, {"age": 2, "size": 2}),
    "crows-pairs-revised": (4, 3, 1, {"age": 2, "size": 2}),
    "stereoset": (4, 2, 0, {"intersentence: profession": 1, "intrasentence: profession": 3}),
    "winobias": (4, 2, 0, {"anti type1 dev": 2, "pro type1 dev": 2}),
    "winogender": (3, 1, 0, {"female": 1, "male": 1, "neutral": 1}),
    "bec-pro": (2, 1, 0, {"female": 1, "male": 1}),
    "eec": (3, 2, 0, {"gender": 2, "gender-race": 1}),
    "holistic-bias": (22, 2, 0, {"craft": 18, "null": 4}),
    "honest": (2, 2, 0, {"sea": 2}),
    "seat": (4, 0, 0, {"sent-kites": 4}),
    "redditbias": (2, 0, 0, {"trade": 2}),
    "winoqueer": (2, 1, 0, {"Lilac": 1, "Violet": 1}),
    "bbq": (4, 1, 3, {"Trade": 4}),
}


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_data_set_is_read_and_counted(name, tmp_path):
    path = files.write(tmp_path, name)
    dataset = open_dataset(name, path)
    facts = dataset.facts()
    rows, clusters, duplicates, categories = COUNTS[name]
    assert (facts.rows, facts.clusters, facts.duplicates) == (rows, clusters, duplicates)
    assert facts.categories == categories
    assert len(list(dataset)) == rows, "reading twice gives the same"
    assert len({record.id for record in dataset if hasattr(record, "id")}) in (rows, 0)
    assert not any(file.known for file in facts.files)
    if path.is_file():
        assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert facts.files[0].bytes == path.stat().st_size


def test_crows_pairs_keeps_the_order_the_writer_and_the_line(read):
    first, second, third, last = read("crows-pairs")
    assert first.more == "Old sailors forget where they left the boat, always."
    assert first.less == "Young sailors forget where they left the boat, always."
    assert (first.id, first.direction, first.category, first.cluster) == (
        "0",
        "stereo",
        "age",
        "w1",
    )
    assert (second.direction, second.more) == ("antistereo", "The tall baker was late again.")
    assert third.more == 'The old gardener said: "No\nrain today."'
    assert [r.line for r in (first, second, third, last)] == [2, 3, 4, 7]


def test_crows_pairs_with_tabs_and_without_writers_is_read_too(tmp_path):
    path = tmp_path / "revised.tsv"
    path.write_text(
        "\ufeffsent_more\tsent_less\tstereo_antistereo\tbias_type\nA b\tA c\tstereo\tage\n"
    )
    (pair,) = open_dataset("crows-pairs-revised", path)
    assert (pair.id, pair.more, pair.cluster, pair.line) == ("0", "A b", "", 2)


def test_a_missing_column_is_named_with_the_nearest(wrong):
    problem = wrong("crows-pairs", "sent_less", "sent_lesss")
    assert (problem.line, problem.column) == (1, 1)
    assert "expected the column 'sent_less' of CrowS-Pairs, got '', 'sent_more'" in problem.message
    assert problem.hint == "is 'sent_lesss' the column?"
    both = wrong("winoqueer", "sent_x,sent_y", "a,b")
    assert "expected the columns 'sent_x', 'sent_y' of WinoQueer" in both.message
    assert both.hint == "winoqueer_final.csv"


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "said"),
    [
        ("crows-pairs", ",antistereo,", ",anti-stereo,", 3, "expected stereo or antistereo, got"),
        ("crows-pairs", ",w2,[]", ",w2", 3, "expected 8 fields as in the header, got 7"),
        ("crows-pairs", "The short baker was late again.", " ", 3, "expected text in the column"),
        ("redditbias", "my cook is loud", "", 3, "expected text in the column 'comments_p"),
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
    ],
)  # fmt: skip
def test_mistakes_have_a_line_and_say_what_was_expected(name, old, new, line, said, wrong):
    problem = wrong(name, old, new)
    assert said in problem.message
    assert problem.line == line


def test_stereoset_fills_its_blanks(read):
    loud, waved, two, between = read("stereoset")
    assert loud.fills == ("loud", "quiet", "tablecloth")
    assert (loud.left, loud.right, loud.target) == ("The sailor was ", ".", "sailor")
    assert (loud.stereotype, loud.anti) == ("The sailor was loud.", "the sailor was quiet.")
    assert waved.fills == ("son", "old daughter", "fog")
    assert (waved.left, waved.right) == ("My neighbour's ", ", a baker, waved")
    assert two.fills is None
    assert (between.kind, between.fills, between.context) == (
        *("intersentence", None),
        "He is a sailor.",
    )


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
    found = fills(context, [sentence] * 3)
    assert (found and found[2][0]) == word


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("unrelated", "off"), None, "expected stereotype or anti-stereotype or unrelated"),
        (('"target"', '"word"'), None, "data.intrasentence[0]: expected the key 'target'"),
        (('"data"', '"items"'), 1, "StereoSet: expected the key 'data', got version, items"),
    ],
)
def test_stereoset_names_the_item(change, line, said, wrong):
    problem = wrong("stereoset", *change)
    assert said in problem.message
    assert problem.line == (line or 6), "the line of the item's id"


def test_broken_json_has_its_place(wrong):
    problem = wrong("stereoset", '"version": "1.1",', '"version": "1.1"')
    assert (problem.line, problem.message) == (3, "expected JSON: Expecting ',' delimiter")


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


def test_holistic_bias_needs_all_its_files(tmp_path):
    path = files.write(tmp_path, "holistic-bias")
    (path / "nouns.json").unlink()
    with pytest.raises(UsageError, match=r"lacks nouns\.json of HolisticBias"):
        open_dataset("holistic-bias", path)


def test_pairs_from_data_sets_of_choices(tmp_path):
    pairs = list(sentence_pairs(open_dataset("stereoset", files.write(tmp_path, "stereoset"))))
    assert (pairs[0].more, pairs[0].less) == ("The sailor was loud.", "the sailor was quiet.")
    assert pairs[3].more == "He is a sailor. He sings all night."
    assert [p.cluster for p in pairs] == ["sailor", "baker", "sailor", "sailor"]


def test_winobias_pairs_the_files(tmp_path):
    path = files.write(tmp_path, "winobias")
    pairs = list(sentence_pairs(open_dataset("winobias", path)))
    assert [(p.id, p.cluster) for p in pairs] == [
        ("type1.dev.1", "sailor"),
        ("type1.dev.2", "tailor"),
    ]
    assert pairs[0].more.endswith("because he was happy.")
    assert pairs[0].less.endswith("because she was happy.")
    alone = open_dataset("winobias", path / "pro_stereotyped_type1.txt.dev")
    with pytest.raises(UsageError, match=r"2 sentences of .* have no counterpart"):
        list(sentence_pairs(alone))
    anti = path / "anti_stereotyped_type1.txt.dev"
    anti.write_text(anti.read_text().replace("[The sailor] thanked the", "The sailor thanked [the"))
    anti.write_text(anti.read_text().replace("tailor because [she]", "tailor] because [she]"))
    found = sentence_pairs(open_dataset("winobias", path))
    assert len(list(found)) == 1
    assert found.left_out == {"its two sentences are about different people": 1}


def test_bbq_pairs_two_people_of_an_ambiguous_context(tmp_path):
    found = sentence_pairs(open_dataset("bbq", files.write(tmp_path, "bbq")))
    negative, positive = found
    frame = "A sailor and a baker met in the rain. Who was loud? "
    assert (negative.more, negative.less) == (f"{frame}the sailor.", f"{frame}The baker.")
    assert (positive.more, positive.less) == (negative.less, negative.more)
    assert sum(found.left_out.values()) == 2
    assert "the context gives the answer away" in found.left_out


def test_what_holds_no_pairs_says_so(tmp_path):
    dataset = open_dataset("eec", files.write(tmp_path, "eec"))
    with pytest.raises(UsageError, match="Equity Evaluation Corpus holds no sentence pairs"):
        sentence_pairs(dataset)


def test_wrong_places_and_names(tmp_path):
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
    other = tmp_path / "pro.txt"
    other.write_text("1 x\n")
    with pytest.raises(FileError, match=r"expected a name such as pro_stereotyped_type1\.txt\.dev"):
        list(open_dataset("winobias", other))


def test_files_that_are_no_text_or_empty(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(files.CROWS.encode().replace(b"short", b"sh\xf6rt"))
    with pytest.raises(FileError, match="expected UTF-8 text, got the byte 0xf6"):
        list(open_dataset("crows-pairs", path))
    path.write_text("")
    with pytest.raises(FileError, match="the file is empty"):
        list(open_dataset("crows-pairs", path))
    path.write_text(files.CROWS.splitlines()[0] + "\n")
    with pytest.raises(UsageError, match="holds no record of CrowS-Pairs"):
        open_dataset("crows-pairs", path).facts()


def test_a_file_is_read_as_it_is_asked_for(tmp_path):
    """A mistake far down does not stop the records before it."""
    path = files.write(tmp_path, "crows-pairs")
    path.write_text(path.read_text() + "4,broken\n")
    records = iter(open_dataset("crows-pairs", path))
    assert next(records).id == "0"
    with pytest.raises(FileError, match=r"pairs_anonymized\.csv:8:1: expected 8 fields"):
        list(records)


def test_the_known_file_is_recognised(tmp_path, monkeypatch):
    path = files.write(tmp_path, "crows-pairs")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    from bias_audit.datasets import _homes, info

    remote = _homes.Remote(url="https://example.org/x", name=path.name, sha256=digest)
    monkeypatch.setattr(info, "HOMES", {"crows-pairs": (remote,)})
    assert open_dataset("crows-pairs", path).files[0].known


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_description_is_complete(name):
    info = DATASETS[name]
    for key in ("title", "holds", "give", "licence", "citation", "home"):
        assert getattr(info, key), key
    free = "NC" not in info.licence and "none" not in info.licence
    assert free or not info.quotable, "no sentence of a restricted data set is to be passed on"
    assert info.home.startswith("https://")
    assert all(remote.url.startswith("https://") for remote in info.files)
    assert all(len(remote.sha256) in (0, 64) for remote in info.files)


def test_measures_of_data_sets_exist():
    from bias_audit.metrics import likelihood_bias, pair_preference, stereoset

    named = {measure for info in DATASETS.values() for measure in info.measures}
    files = (pair_preference, stereoset, likelihood_bias)
    assert named == {metric.id for file in files for metric in file.METRICS}
    json.dumps(sorted(named))
