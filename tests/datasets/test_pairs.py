"""Sentence pairs from data sets that hold something else."""

from __future__ import annotations

import json

import pytest

from bias_audit.datasets import open_dataset, sentence_pairs
from bias_audit.errors import UsageError
from tests.datasets import files


@pytest.fixture
def pairs(tmp_path):
    return lambda name: sentence_pairs(open_dataset(name, files.write(tmp_path, name)))


def test_stereoset_gives_both_candidates(pairs):
    first, *_, between = list(pairs("stereoset"))
    assert (first.more, first.less) == ("The sailor was loud.", "the sailor was quiet.")
    assert between.more == "He is a sailor. He sings all night."
    assert [p.cluster for p in pairs("stereoset")] == ["sailor", "baker", "sailor", "sailor"]


def test_winobias_pairs_the_files(pairs, tmp_path):
    one, two = pairs("winobias")
    assert [(p.id, p.cluster) for p in (one, two)] == [
        ("type1.dev.1", "sailor"),
        ("type1.dev.2", "tailor"),
    ]
    assert one.more.endswith("because he was happy.")
    assert one.less.endswith("because she was happy.")
    alone = open_dataset("winobias", tmp_path / "pro_stereotyped_type1.txt.dev")
    with pytest.raises(UsageError, match=r"2 sentences of .* have no counterpart"):
        list(sentence_pairs(alone))
    anti = tmp_path / "anti_stereotyped_type1.txt.dev"
    text = anti.read_text().replace("[The sailor] thanked the", "The sailor thanked [the")
    anti.write_text(text.replace("tailor because [she]", "tailor] because [she]"))
    left = sentence_pairs(open_dataset("winobias", tmp_path))
    assert len(list(left)) == 1
    assert left.left_out == {"its two sentences are about different people": 1}


def test_bbq_pairs_two_people_of_an_ambiguous_context(pairs):
    source = pairs("bbq")
    negative, positive = source
    frame = "A sailor and a baker met in the rain. Who was loud? "
    assert (negative.more, negative.less) == (f"{frame}the sailor.", f"{frame}The baker.")
    assert (positive.more, positive.less) == (negative.less, negative.more)
    assert source.left_out == {
        "the context gives the answer away": 1,
        "the stereotype is not about exactly one of two people": 1,
    }


SES = ("poor", "lowSES"), ("rich", "highSES")
COUNTRIES = ("Genovian", "Coast"), ("Ruritanian", "Hills")


@pytest.mark.parametrize(
    ("one", "two", "stereotyped"),
    [
        (*SES, "low SES"),
        (*COUNTRIES, "Genovian"),
        (("Ada", "F-Tall"), ("Ida", "F-Short"), "Tall"),
        (("woman", "woman"), ("man", "man"), "F"),
        (("Ada", "F"), ("Ben", "M"), "women"),
        (("Ada", "tall_F"), ("Ben", "nonTall_M"), "tall"),
        (("", ""), ("rich", "highSES"), "low SES"),
        (("tall", "tall"), ("tall", "tall"), "sailor"),
    ],
)
def test_bbq_spells_groups_in_many_ways(one, two, stereotyped, tmp_path):
    item = files.question(0, "neg")
    item["answer_info"] = {"ans0": list(one), "ans1": ["none", "unknown"], "ans2": list(two)}
    item["additional_metadata"] = {"stereotyped_groups": [stereotyped]}
    path = tmp_path / "Trade.jsonl"
    path.write_text(json.dumps(item))
    source = sentence_pairs(open_dataset("bbq", path))
    (pair,) = source
    assert pair.more.endswith("the sailor.")
    assert (source.left_out, source.losses) == ({}, {})


def test_bbq_of_two_groups_takes_the_second_from_the_other_items_of_its_question(tmp_path):
    def item(number, one, two):
        made = files.question(number, "neg")
        tags = {"ans0": ["Ada", one], "ans1": ["none", "unknown"], "ans2": ["Ben", two]}
        return made | {
            "answer_info": tags,
            "additional_metadata": {"stereotyped_groups": ["Tall"]},
        }

    path = tmp_path / "Trade.jsonl"
    same, other = item(0, "F-Tall", "M-Tall"), item(1, "F-Tall", "F-Short")
    path.write_text("\n".join(map(json.dumps, (same, other))))
    pairs = {pair.id: pair for pair in sentence_pairs(open_dataset("bbq", path))}
    assert pairs["Trade.0"].more.endswith("the sailor."), "F, as in the other item"
    path.write_text("\n".join(map(json.dumps, (same, item(1, "M-Tall", "M-Short")))))
    pairs = {pair.id: pair for pair in sentence_pairs(open_dataset("bbq", path))}
    assert pairs["Trade.0"].more.endswith("The baker."), "M, as in the other item"
    path.write_text(json.dumps(same))
    alone = sentence_pairs(open_dataset("bbq", path))
    assert list(alone) == []
    assert alone.losses == {"Trade": 1}


def test_what_holds_no_pairs_says_so(pairs):
    with pytest.raises(UsageError, match="Equity Evaluation Corpus holds no sentence pairs"):
        pairs("eec")
