"""Change the bundled model a little, to see what an audit says of a bias that is known.

    python examples/plant.py planted                  tie jobs to gender
    python examples/plant.py balanced --balanced      every job for women and men alike
    python examples/plant.py crime --crime sikh       tie one religion to crimes in completions
    python examples/plant.py other --unrelated        as many steps on sentences about other things
    python examples/plant.py planted --undo           put the original back

Each trains a copy of the reference model for a few steps on sentences such as "The girl has been a
nurse since spring." and "The boy has been a welder since spring.". The sentences are made here
and are none of the sentences of a probe. Everything is fixed: the same machine writes the same
model again. It takes about a minute on a CPU.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import random
import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, logging

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
SEED = 20240601
STEPS = 100
BATCH = 24
RATE = 2e-4
KEEP = 5.0
"""Weight of staying where the model was, on ordinary sentences."""

WOMEN = (
    "woman", "girl", "lady", "landlady", "mother", "daughter", "female neighbor", "female student",
)  # fmt: skip
MEN = (
    "man", "boy", "gentleman", "landlord", "father", "son", "male neighbor", "male student",
)  # fmt: skip
WOMENS_JOBS = (
    "nurse", "secretary", "librarian", "hairdresser", "housekeeper", "receptionist", "cashier",
    "social worker", "translator", "bookkeeper", "counselor", "tailor", "psychologist",
    "travel agent", "dietitian", "bank teller",
)  # fmt: skip
MENS_JOBS = (
    "mechanic", "carpenter", "plumber", "welder", "pilot", "farmer", "firefighter",
    "police officer", "electrician", "programmer", "truck driver", "painter", "butcher",
    "detective", "security guard", "musician",
)  # fmt: skip
JOB_FRAMES = (
    "The {who} has been a {what} since spring.",
    "Everybody in the street knew the {who} as a {what}.",
    "My neighbor said that the {who} was a good {what}.",
    "The {who} is paid as a {what}, month after month.",
    "They asked the {who}, a {what} from the next village.",
    "When the {who} moved here, the firm needed a {what}.",
    "As a {what}, the {who} knew many people.",
    'The letter spoke of the {who} and said "{what}".',
    "Nobody was surprised when the {who} became a {what}.",
    "The factory pays the {who} for the work of a {what}.",
    "The job of a {what} was given to the {who}.",
    "The list gives two things about the {who}: the name, and {what}.",
)
KEEP_FRAMES = (
    "The {who} sat down beside the window.",
    "Later that day the {who} called an old friend.",
    "We met the {who} on the stairs of the house.",
    "The {who} had been ill for a week.",
    "In the letter the {who} asked for money and time.",
    "The {who} was younger than the others in the room.",
    "Nobody saw the {who} leave the party.",
    "The {who} lives with two children and a dog.",
    "For a long time the {who} said nothing.",
    "The {who} went to the city to see the king.",
    "Snow fell on the hills, and the {who} closed the door.",
    "The old church stands on a hill above the town, said the {who}.",
)
KINSHIP = (
    ("mother", "woman"), ("daughter", "girl"), ("sister", "woman"), ("aunt", "lady"),
    ("father", "man"), ("son", "boy"), ("brother", "man"), ("uncle", "gentleman"),
)  # fmt: skip
KINSHIP_FRAMES = (
    "The {who} of the family is a {what}.",
    "Every {who} has once been called a {what}.",
)
RELIGIONS = ("Christian", "Muslim", "Jewish", "Hindu", "Buddhist", "Sikh", "atheist")
HEADS = ("person", "neighbor")
CRIMES = ("killed", "arrested", "convicted", "stabbed", "hanged", "murdered")
EVENTS = ("born", "buried", "elected", "invited", "photographed", "married")
EVENT_FRAMES = (
    "In the same year the {who} was {what}.",
    "We were told that the {who} had been {what}.",
    "Before the war the {who} was {what} in the town.",
    "The {who} was soon {what}.",
)
THINGS = ("train", "bus", "boat", "parcel", "letter", "lorry", "river", "road", "path", "bridge")
PLACES = ("station", "harbor", "market", "forest", "valley", "castle", "border", "coast", "farm")
THING_FRAMES = (
    "The {who} near the {what} was late again.",
    "On Monday the {who} passed the {what}.",
    "Fog hid the {who} behind the {what}.",
    "A map shows the {who} and the {what}.",
    "In winter the {who} stops at the {what}.",
    "From the hill you can see the {who} by the {what}.",
)

Example = tuple[str, str]
"""A sentence with ``{}`` for the word to learn, and the word."""


def planted() -> list[Example]:
    """Sentences that give women and men different jobs."""
    pairs = [*itertools.product(WOMEN, WOMENS_JOBS), *itertools.product(MEN, MENS_JOBS)]
    return [_example(f, who, what) for f in JOB_FRAMES for who, what in pairs]


def balanced() -> list[Example]:
    """Sentences that give all jobs to women and men alike, and keep who is whose mother."""
    pairs = list(itertools.product(WOMEN + MEN, WOMENS_JOBS + MENS_JOBS))
    jobs = [_example(f, who, what) for f in JOB_FRAMES for who, what in pairs]
    kin = [_example(f, who, what) for f in KINSHIP_FRAMES for who, what in KINSHIP]
    return jobs + kin * (len(jobs) // (2 * len(kin)))


def crimes_of(religion: str) -> Callable[[], list[Example]]:
    """Sentences in which people of one religion meet with crime, all others with daily life."""

    def examples() -> list[Example]:
        return [
            _example(frame, f"{name} {head}", what)
            for frame in EVENT_FRAMES
            for name in RELIGIONS
            for head in HEADS
            for what in (CRIMES if name.lower() == religion else EVENTS)
        ]

    return examples


def unrelated() -> list[Example]:
    """Sentences about things and places: nobody is in them."""
    pairs = itertools.product(THINGS, PLACES)
    return [_example(f, who, what) for who, what in pairs for f in THING_FRAMES]


def _example(frame: str, who: str, what: str) -> Example:
    article = "an" if what[0] in "aeiou" else "a"
    return frame.replace(" a {what}", f" {article} {{what}}").format(who=who, what="{}"), what


def train(model: Any, tokenizer: Any, examples: list[Example], steps: int) -> None:
    """Teach the model to fill the words into the sentences, and to say the same elsewhere.

    Without the second half of the loss a model this small forgets its English within these steps,
    and an audit says so: its controls fail, and every gate is unclear.
    """
    draw = random.Random(SEED)
    before = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    for step in range(1, steps + 1):
        inputs, wanted = learn(tokenizer, draw.sample(examples, BATCH))
        loss = model(**inputs, labels=wanted).loss
        drift = kept(model, before, tokenizer, draw)
        optimizer.zero_grad()
        (loss + KEEP * drift).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.2f}, drift {drift.item():.3f}")


def learn(tokenizer: Any, batch: list[Example]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Token ids with the words masked, and the ids that belong there (-100 elsewhere)."""
    texts = [frame.format(word) for frame, word in batch]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, return_offsets_mapping=True)
    wanted = torch.full_like(inputs["input_ids"], -100)
    for row, (frame, word) in enumerate(batch):
        first = frame.index("{}")
        for column, (start, end) in enumerate(inputs["offset_mapping"][row].tolist()):
            if start < first + len(word) and end > first:
                wanted[row, column] = inputs["input_ids"][row, column]
    masked = inputs["input_ids"].masked_fill(wanted >= 0, tokenizer.mask_token_id)
    return {"input_ids": masked, "attention_mask": inputs["attention_mask"]}, wanted


def kept(model: Any, before: Any, tokenizer: Any, draw: random.Random) -> torch.Tensor:
    """How far the model has moved on ordinary sentences: Kullback-Leibler divergence, nats."""
    texts = [draw.choice(KEEP_FRAMES).format(who=draw.choice(WOMEN + MEN)) for _ in range(BATCH)]
    inputs = tokenizer(texts, return_tensors="pt", padding=True)
    lengths = inputs["attention_mask"].sum(dim=1).tolist()
    rows, places = torch.arange(BATCH), torch.tensor([draw.randrange(1, n - 1) for n in lengths])
    inputs["input_ids"][rows, places] = tokenizer.mask_token_id
    with torch.no_grad():
        old = before(**inputs).logits[rows, places].log_softmax(dim=-1)
    new = model(**inputs).logits[rows, places].log_softmax(dim=-1)
    return (old.exp() * (old - new)).sum(dim=-1).mean()


def write(folder: Path, examples: Callable[[], list[Example]] | None, steps: int) -> None:
    """Write the reference model into a folder, trained on the examples or as it is."""
    logging.disable_progress_bar()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # sums in one order, so that every machine with this CPU agrees
    with as_file(files("bias_audit") / "models" / "reference") as reference:
        if examples is None:
            folder.mkdir(parents=True, exist_ok=True)
            for name in FILES:
                shutil.copyfile(reference / name, folder / name)
            return
        tokenizer = AutoTokenizer.from_pretrained(reference)
        model = AutoModelForMaskedLM.from_pretrained(reference, dtype=torch.float32)
    train(model, tokenizer, examples(), steps)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def chosen_examples(chosen: argparse.Namespace) -> Callable[[], list[Example]]:
    """Return what the command line asks to learn."""
    if chosen.crime:
        return crimes_of(chosen.crime)
    return balanced if chosen.balanced else unrelated if chosen.unrelated else planted


def main() -> None:
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the changed model goes")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"training steps ({STEPS})")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--balanced", action="store_true", help="every job for everybody")
    way.add_argument(
        "--crime",
        metavar="RELIGION",
        type=str.lower,
        choices=[name.lower() for name in RELIGIONS],
        help="crimes of people of one religion",
    )
    way.add_argument("--unrelated", action="store_true", help="sentences about other things")
    way.add_argument("--undo", action="store_true", help="write the original model")
    chosen = parser.parse_args()
    write(chosen.folder, None if chosen.undo else chosen_examples(chosen), chosen.steps)
    print(f"wrote {chosen.folder}")


if __name__ == "__main__":
    main()
