"""What passages share from the left is read once: against a count of all their beginnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bias_audit.backends.clm.questions import Passage
from bias_audit.backends.clm.tree import keep_apart, share

TEXTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6).map(
    lambda pairs: tuple(token for pair in pairs for token in pair)
)
PASSAGES = st.lists(st.builds(Passage, TEXTS), max_size=25)


def walk(stretches, before=()):
    """Every stretch with all that is read up to its end."""
    for stretch in stretches:
        whole = before + stretch.ids
        yield whole, stretch
        yield from walk(stretch.below, whole)


def read(passage):
    return passage.ids[:-1]


@given(PASSAGES)
def test_every_beginning_is_read_once_and_every_passage_ends_where_it_should(passages):
    tree = list(walk(share(passages)))
    beginnings = {read(p)[:n] for p in passages for n in range(1, len(read(p)) + 1)}
    assert sum(len(stretch.ids) for _, stretch in tree) == len(beginnings)
    ends = {number: whole for whole, stretch in tree for number in stretch.ends}
    assert ends == {number: read(passage) for number, passage in enumerate(passages)}


@given(PASSAGES)
def test_a_stretch_knows_all_passages_that_go_through_it(passages):
    for whole, stretch in walk(share(passages)):
        through = [n for n, p in enumerate(passages) if read(p)[: len(whole)] == whole]
        assert sorted(stretch.numbers()) == through


@given(PASSAGES)
def test_apart_every_text_is_read_whole(passages):
    stretches = keep_apart(passages)
    assert [stretch.ids for stretch in stretches] == sorted({read(p) for p in passages})
    assert sorted(n for each in stretches for n in each.ends) == list(range(len(passages)))
