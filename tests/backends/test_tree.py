"""What texts share from the left stands once: against a count of all their beginnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bias_audit.backends.clm.tree import batches, keep_apart, share

TEXTS = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=9).map(tuple), max_size=25, unique=True
)
FEW = st.integers(1, 6)
MANY = 10_000


def path(tree, place):
    """The places of a token and of all before it."""
    above = tree.above[place]
    return [*(path(tree, above) if above >= 0 else []), place]


def text(tree, place):
    return tuple(tree.ids[at] for at in path(tree, place))


def ends(trees):
    pairs = [(number, text(tree, at)) for tree in trees for number, at in tree.ends.items()]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_an_example_by_hand():
    (tree,) = share([(7, 1, 2), (7, 1, 3, 4), (7, 5)], most_tokens=6, most_texts=3)
    assert tree.ids == [7, 1, 2, 3, 4, 5]
    assert tree.above == [-1, 0, 1, 1, 3, 0]
    assert tree.ends == {0: 2, 1: 4, 2: 5}
    assert tree.depths() == [0, 1, 2, 2, 3, 1]
    assert tree.sight()[4].tolist() == [True, True, False, True, True, False]
    assert not tree.is_line


@given(TEXTS)
def test_with_enough_room_every_beginning_stands_once(texts):
    trees = share(texts, most_tokens=MANY, most_texts=MANY)
    beginnings = {each[:n] for each in texts for n in range(1, len(each) + 1)}
    assert len(trees) == bool(texts)
    assert sum(map(len, trees)) == len(beginnings)
    assert ends(trees) == dict(enumerate(texts))


@given(TEXTS, st.integers(1, 12), FEW)
def test_every_text_ends_where_it_should_and_no_tree_is_too_large(texts, tokens, most):
    trees = share(texts, most_tokens=tokens, most_texts=most)
    assert ends(trees) == dict(enumerate(texts))
    for tree in trees:
        assert len(tree) <= tokens or (tree.is_line and len(tree.ends) == 1)
        assert len(tree.ends) <= most
    assert sum(map(len, trees)) <= sum(map(len, texts))


@given(TEXTS)
def test_a_token_sees_its_own_text(texts):
    for tree in share(texts, most_tokens=20, most_texts=MANY):
        for place, (depth, seen) in enumerate(zip(tree.depths(), tree.sight(), strict=True)):
            before = path(tree, place)
            assert depth == len(before) - 1
            assert seen.nonzero()[0].tolist() == before


def test_a_tree_ends_where_its_texts_share_least():
    first = [(1, 2, n) for n in range(3, 7)]
    second = [(8, 9, n) for n in range(3, 7)]
    trees = share(first + second, most_tokens=8, most_texts=MANY)
    assert [sorted(tree.ends) for tree in trees] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@given(TEXTS)
def test_apart_every_text_is_a_line(texts):
    trees = keep_apart(texts)
    assert ends(trees) == dict(enumerate(texts))
    assert all(tree.is_line for tree in trees)


@given(TEXTS, st.integers(1, 12), st.integers(1, 30), FEW)
def test_batches_are_bounded_and_lines_are_not_filled_up(texts, size, tokens, most):
    trees = share(texts, most_tokens=size, most_texts=most)
    found = list(batches(trees, most_tokens=tokens, most_texts=most))
    assert ends([tree for batch in found for tree in batch]) == dict(enumerate(texts))
    for batch in found:
        longest = max(map(len, batch))
        assert len(batch[0]) == longest
        assert len(batch) * longest <= tokens or len(batch) == 1
        assert sum(len(tree.ends) for tree in batch) <= most
        lines = [tree for tree in batch if tree.is_line]
        assert lines in ([], batch)
        assert len({len(tree) for tree in lines}) <= 1
