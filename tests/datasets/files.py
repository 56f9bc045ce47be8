"""Small files in the format of every data set; every sentence was written for these tests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path


def table(*rows: tuple[str, ...], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


BOAT = "{} sailors forget where they left the boat, always."
RAIN = 'The {} gardener said: "No\nrain today."'
BAKER = "The {} baker was late again."
CROWS = table(
    (
        *("", "sent_more", "sent_less", "stereo_antistereo", "bias_type"),
        *("annotations", "anon_writer", "anon_annotators"),
    ),
    ("0", BOAT.format("Old"), BOAT.format("Young"), "stereo", "age", "[['age']]", "w1", "['x1']"),
    ("1", BAKER.format("tall"), BAKER.format("short"), "antistereo", "size", "[[]]", "w2", "[]"),
    ("2", RAIN.format("old"), RAIN.format("young"), "stereo", "age", "[]", "w1", "[]"),
    ("3", BAKER.format("tall"), BAKER.format("short"), "stereo", "size", "[]", "w3", "[]"),
)
WINOQUEER = """\
,Gender_ID_x,Gender_ID_y,sent_x,sent_y
0,Lilac,Amber,Lilac people plant too many trees.,Amber people plant too many trees.
1,Violet,Amber,Violet people plant too many trees.,Amber people plant too many trees.
"""
REDDITBIAS = """\
initial_demo,replaced_demo,comments,comments_processed
['bakers'],['cooks'],all bakers sing at work,all cooks sing at work
['baker'],['cook'],my baker is loud,my cook is loud
"""
WINOBIAS = {
    "pro_stereotyped_type1.txt.dev": "1 [The sailor] thanked the tailor because [he] was happy.\n"
    "2 The sailor thanked [The tailor] because [she] fixed [her] coat.\n",
    "anti_stereotyped_type1.txt.dev": "1 [The sailor] thanked the tailor because [she] was happy.\n"
    "2 The sailor thanked [the tailor] because [he] fixed [his] coat.\n",
}
WINOGENDER = (
    "sentid\tsentence\n"
    "sailor.guest.0.male.txt\tThe sailor told the guest that he liked the harbour.\n"
    "sailor.guest.0.female.txt\tThe sailor told the guest that she liked the harbour.\n"
    "sailor.guest.1.neutral.txt\tThe sailor gave the guest their hat.\n"
)
_BEC = ("Sentence", "Sent_TM", "Sent_AM", "Sent_TAM", "Template", "Person", "Gender")
BEC_PRO = "\n".join(
    "\t".join(row)
    for row in (
        ("", *_BEC, "Profession", "Prof_Gender"),
        (
            *("0", "He tends lamps.", "[MASK] tends lamps.", "He tends [MASK]."),
            *("[MASK] tends [MASK].", "1", "he", "male", "lamp tender", "male"),
        ),
        (
            *("1", "She tends lamps.", "[MASK] tends lamps.", "She tends [MASK]."),
            *("[MASK] tends [MASK].", "1", "she", "female", "lamp tender", "male"),
        ),
    )
)
EEC = """\
ID,Sentence,Template,Person,Gender,Race,Emotion,Emotion word
En-1,Nadira sounds merry.,<person subject> sounds <emotion word>.,Nadira,female,Northern,joy,merry
En-2,My uncle sounds merry.,<person subject> sounds <emotion word>.,My uncle,male,,joy,merry
En-3,My aunt owns a kite.,<person subject> owns a kite.,My aunt,female,,,
"""
HONEST = (
    "\ttemplate_masked\traw\tidentity\tnumber\tcategory\ttype\n"
    "0\tThe sailor dreams of being a [M].\t[I] dreams of being a [M]\tsailor\tsingular\tsea\twork\n"
    "1\tSailors are known as [M].\t[I] are known as [M]\tsailors\tplural\tsea\tdescriptive\n"
)
SEAT = {
    "targ1": {"category": "Kites", "examples": ["This is a kite.", "There are kites."]},
    "targ2": {"category": "Stones", "examples": ["This is a stone.", "There are stones."]},
    "attr1": {"category": "Up", "examples": ["It rises.", "It climbs."]},
    "attr2": {"category": "Down", "examples": ["It falls.", "It sinks."]},
}
HOLISTIC = {
    "nouns.json": {"female": [["aunt", "aunts"]], "neutral": [["elder", "elders"]]},
    "descriptors.json": {
        "craft": {
            "wood": ["oaken", {"descriptor": "ash", "preference": "dispreferred"}],
            "metal": [{"descriptor": "honest-metal", "article": "an", "gender": "female"}],
        }
    },
    "sentence_templates.json": {
        "I know {noun_phrase}.": {},
        "What do {plural_noun_phrase} eat?": {"must_be_noun": True},
    },
    "standalone_noun_phrases.json": {
        "craft": [
            {"noun_phrase": "a potter", "plural_noun_phrase": "potters"},
            "{article} {noun} with a loom",
        ]
    },
}


def choice(kind, number, context, sentences, target="sailor"):
    labels = ("stereotype", "anti-stereotype", "unrelated")
    return {
        "id": f"{kind[4]}{number}",
        "target": target,
        "bias_type": "profession",
        "context": context,
        "sentences": [
            {"id": f"{kind[4]}{number}{label[0]}", "sentence": text, "gold_label": label}
            for label, text in zip(labels, sentences, strict=True)
        ][::-1],
    }


STEREOSET = {
    "version": "1.1",
    "data": {
        "intrasentence": [
            choice(
                "intrasentence",
                0,
                "The sailor was BLANK.",
                ["The sailor was loud.", "the sailor was quiet.", "The sailor was tablecloth."],
            ),
            choice(
                "intrasentence",
                1,
                "My neighbour's BLANK, a baker, waved",
                [f"My neighbour's {w}, a baker, waved." for w in ("son", "old daughter", "fog")],
                target="baker",
            ),
            choice(
                "intrasentence",
                2,
                "BLANK of the BLANK",
                ["One of the crew", "Two of the crew", "Ink of the fog"],
            ),
        ],
        "intersentence": [
            choice(
                "intersentence",
                0,
                "He is a sailor.",
                ["He sings all night.", "He hates singing.", "Kites are made of paper."],
            )
        ],
    },
}


def question(number, polarity, condition="ambig", groups=("sailor", "unknown", "baker")):
    return {
        "example_id": number,
        "question_index": "1",
        "question_polarity": polarity,
        "context_condition": condition,
        "category": "Trade",
        "answer_info": {f"ans{n}": [f"the {group}", group] for n, group in enumerate(groups)},
        "additional_metadata": {"stereotyped_groups": ["Sailor"]},
        "context": "A sailor and a baker met in the rain.",
        "question": "Who was loud?",
        "ans0": "the sailor",
        "ans1": "Nobody can tell",
        "ans2": "The baker.",
        "label": 1,
    }


BBQ = [question(0, "neg"), question(1, "nonneg"), question(2, "neg", "disambig")]
BBQ += [question(3, "neg", groups=("sailor", "unknown", "sailor"))]


def write(folder: Path, name: str) -> Path:
    """Write the files of one data set; return what a user would name."""
    folder.mkdir(parents=True, exist_ok=True)
    single = {
        "crows-pairs": ("crows_pairs_anonymized.csv", CROWS),
        "crows-pairs-revised": ("crows_revised.csv", CROWS),
        "stereoset": ("dev.json", json.dumps(STEREOSET, indent=1)),
        "winogender": ("all_sentences.tsv", WINOGENDER),
        "bec-pro": ("BEC-Pro_EN.tsv", BEC_PRO),
        "eec": ("Equity-Evaluation-Corpus.csv", EEC),
        "honest": ("en_template.tsv", HONEST),
        "seat": ("sent-kites.jsonl", json.dumps(SEAT, indent=1)),
        "redditbias": ("reddit_comments_trade1_bakers_biased_test_reduced.csv", REDDITBIAS),
        "winoqueer": ("winoqueer_final.csv", WINOQUEER),
        "bbq": ("Trade.jsonl", "\n".join(map(json.dumps, BBQ)) + "\n"),
    }
    if name in single:
        file, text = single[name]
        (folder / file).write_text(text, encoding="utf-8")
        return folder / file
    texts = WINOBIAS if name == "winobias" else {n: json.dumps(v) for n, v in HOLISTIC.items()}
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder
