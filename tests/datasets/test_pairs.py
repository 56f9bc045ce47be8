"""Sentence pairs from data sets that hold something else."""

from __future__ import annotations

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


def test_what_holds_no_pairs_says_so(pairs):
    with pytest.raises(UsageError, match="Equity Evaluation Corpus holds no sentence pairs"):
        pairs("eec")
