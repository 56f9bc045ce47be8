"""What counts as one unit: said in files, or seen in texts."""

from __future__ import annotations

import pytest

from bias_audit.errors import FileError
from bias_audit.metrics.design import sampled_shares
from bias_audit.probes.catalogue import ProbeCatalogue
from bias_audit.probes.clusters import target_clusters, template_clusters
from tests.analysis.world import controlled, plant, scored_by

PROBE = """kind: probe
id: mine
title: Mine
axis: age
templates:
  - "The [group] always bought <mask> on the long way home."
  - "The [group] always sold <mask> on the long way home."
  - {text: "At noon, the [group] was seen with <mask>.", cluster: noon}
  - {text: "The <mask> of the [group] stood outside.", cluster: noon}
groups:
  old: [{sg: 60-year-old}, {sg: 65-year-old}, {sg: pensioner}]
  young: [{sg: 20-year-old, cluster: a}, {sg: 25-year-old}, {sg: pupil, cluster: a}]
targets:
  plus: [software engineer, civil engineer, {sg: nurse, cluster: care}, {sg: carer, cluster: care}]
  minus: [bus driver, car driver, cook]
"""


def probe_of(tmp_path, text=PROBE):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return ProbeCatalogue().read_probe_file(path)


def test_sentences_that_differ_in_a_number_only_are_one_unit(tmp_path):
    old = PROBE[PROBE.index('  - "The [group] always bought') : PROBE.index("groups:")]
    lines = "".join(f'  - "In {year}, the [group] drank <mask>."\n' for year in range(1990, 2002))
    probe = probe_of(tmp_path, PROBE.replace(old, lines))
    assert len(probe.frames) == 12
    assert set(template_clusters(probe.frames).values()) == {"01"}


def test_texts_that_are_alike_are_one_unit_and_files_have_the_last_word(tmp_path):
    probe = probe_of(tmp_path)
    assert template_clusters(probe.frames) == {"01": "01", "02": "01", "03": "noon", "04": "noon"}
    found = target_clusters(target.word for target in probe.targets)
    assert found["software-engineer"] == found["civil-engineer"] != found["bus-driver"]
    assert found["bus-driver"] == found["car-driver"]
    assert (found["nurse"], found["carer"]) == ("care", "care")
    cube = scored_by(probe, plant(0.5)).cube
    assert [unit.cluster for unit in cube.units] == [
        "#-year-old", "#-year-old", "pensioner", "a", "#-year-old", "a",
    ]  # fmt: skip
    assert cube.shared_clusters == {
        "templates": {"01": "01", "02": "01", "03": "noon", "04": "noon"},
        "terms": {
            "old:60-year-old": "#-year-old", "old:65-year-old": "#-year-old",
            "young:20-year-old": "a", "young:pupil": "a",
        },
        "targets": {
            "software-engineer": "... engineer", "civil-engineer": "... engineer",
            "nurse": "care", "carer": "care",
            "bus-driver": "... driver", "car-driver": "... driver",
        },
    }  # fmt: skip


LEXICON = """kind: lexicon
id: words
title: Words
sets:
  jobs:
    population: {population}
    entries: [{{sg: nurse{cluster}}}, teacher, cook]
"""


def catalogue_with(folder, **values):
    place = folder / "templates" / "lexicons"
    place.mkdir(parents=True)
    (place / "words.yaml").write_text(LEXICON.format(**values), encoding="utf-8")
    return ProbeCatalogue([folder])


@pytest.mark.parametrize(
    ("population", "cluster", "said"),
    [
        (9, ", cluster: alone", "nothing else is in the cluster 'alone'"),
        (2, "", "the set has 3 words, more than its 'population'"),
        (0, "", "expected a number of at least 1, got the number 0"),
    ],
)
def test_clusters_of_one_and_impossible_populations_are_mistakes(
    tmp_path, population, cluster, said
):
    with pytest.raises(FileError, match=said):
        catalogue_with(tmp_path, population=population, cluster=cluster).lexicon("words")


def test_a_census_is_known_to_the_analysis(tmp_path):
    scored = scored_by(controlled(), plant(0.5))
    assert sampled_shares(scored) == (0.0, 0.0)
    text = PROBE.replace("[bus driver, car driver, cook]", "{lexicon: words, set: jobs}")
    text = text.replace("{sg: nurse, cluster: care}", "dentist")
    text = text.replace("{sg: carer, cluster: care}", "smith")
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    probe = catalogue_with(tmp_path, population=4, cluster="").read_probe_file(path)
    assert sampled_shares(scored_by(probe, plant(0.5))) == (0.0, 0.75)
