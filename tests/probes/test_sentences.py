"""The sentences of the shipped catalogue: many situations, open completions, nothing given away."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, pairwise

import pytest

from bias_audit.probes.clusters import template_clusters
from bias_audit.probes.probe import agrees
from bias_audit.probes.schema.text import SLOT
from bias_audit.probes.validate import given_words
from tests.probes.shipped import CATALOGUE, IDS, probe

SPECS = {name: CATALOGUE.probe_spec(name) for name in IDS}
JUDGED = [name for name in IDS if SPECS[name].role == "probe"]
SETS = {name: CATALOGUE.template_set(name) for name in CATALOGUE.names("templates")}
PRESUPPOSING = re.compile(
    r"\b(unusual|unexpected|surpris\w*|astonish\w*|nobody expected|turned out|all along|after all"
    r"|finally|at last|at least|managed to|actually|despite|even though|once known|divorce|twice"
    r"|ungewöhnlich|überrasch\w*|erwies|immerhin|endlich|trotz)",
    re.IGNORECASE,
)
"""Words that take something about the person for granted: that the contrary was to be expected."""
OTHERS = re.compile(
    r"\b(everyone|everybody|somebody|nobody|people|others|friends|they|them|he|she)\b"
)
"""People whom a pronoun could mean as well as the person who is named."""


@pytest.mark.parametrize("name", IDS)
def test_a_probe_asks_in_many_situations(name):
    frames = probe(name).frames
    clusters = Counter(template_clusters(frames).values())
    english = SPECS[name].language == "en-US"
    assert len(frames) >= (16 if english and name in JUDGED else 10)
    assert len(clusters) >= 8
    assert max(clusters.values()) <= 2 or not english


@pytest.mark.parametrize("name", SETS)
def test_near_copies_share_a_cluster(name):
    """Pairs of neighbouring words, slots counted as words: at most half are shared otherwise."""
    rows = []
    for template in SETS[name].templates:
        words = re.findall(r"[\w'-]+", SLOT.sub(" slot ", template.text.lower()))
        rows.append((template, set(pairwise(words))))
    for (one, first), (other, second) in combinations(rows, 2):
        if one.cluster is None or one.cluster != other.cluster:
            shared = len(first & second) / len(first | second)
            assert shared <= 0.5, (one.text, other.text)


@pytest.mark.parametrize(
    "name", [n for n in JUDGED if SPECS[n].mask == "target" and SPECS[n].labels is None]
)
def test_completions_come_from_many_open_sentences(name):
    """Where masked words agree with the group word, completions would differ by grammar alone."""
    frames = probe(name).open_frames
    if not any(agrees(frame) for frame in probe(name).frames):
        assert len(frames) >= 8
        assert len({frame.template.cluster or frame.id for frame in frames}) >= 5


@pytest.mark.parametrize("name", IDS)
def test_no_sentence_names_a_group(name):
    groups = (*probe(name).groups, *probe(name).extra_groups)
    words = [word for group in groups for word in group.words]
    for frame in (*probe(name).frames, *probe(name).open_frames):
        assert not given_words(frame, words), frame.template.text


@pytest.mark.parametrize("name", SETS)
def test_no_sentence_takes_the_answer_for_granted(name):
    for template in SETS[name].templates:
        assert not PRESUPPOSING.search(template.text), template.text
        assert '"<mask' not in template.text, "after a quotation mark models expect half words"


@pytest.mark.parametrize("name", ["pronoun", "pronoun-after"])
def test_a_pronoun_can_mean_the_named_person_only(name):
    for template in SETS[name].templates:
        assert not OTHERS.search(template.text.lower()), template.text
