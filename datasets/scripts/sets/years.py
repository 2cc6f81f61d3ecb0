"""A year to regress: texts that name one year, in digits, in words, or as a decade with a distance, among other numbers."""

from core import Grammar
from sets.lexicon import ENGLISH

UNDER = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "0 10 twenty thirty forty fifty sixty seventy eighty ninety".split()


def words(n):
    if n < 20:
        return UNDER[n]
    return TENS[n // 10] + ("-" + UNDER[n % 10] if n % 10 else "")


def spoken(year):
    if year >= 2000 and year < 2010:
        return "two thousand" + (" and " + UNDER[year % 100] if year % 100 else "")
    low = year % 100
    return words(year // 100) + " " + ("hundred" if low == 0 else "oh-" + UNDER[low] if low < 10 else words(low))


FRAMES = [
    "The {building} of {town} was built in {Y} by a~ {job} named {surname}.", "{first} {surname} was born in {Y}, in a small house near {city}.", "In {Y} there was so much {weather} that the {plant} died.",
    "The letter bears the date {dayno} {month} {Y} and smells of {food}.", "It was {Y}, and nobody in {town} had ever seen a~ {animal}.", "The law of {Y} forbade every {job} to own more than {tens} {animal}s.",
    "{^few} ships left {city} in the spring of {Y}; one came back.", "Since {Y} the {building} has been closed on {day}s.", "On a wall in {city} someone had scratched the year {Y} and {few} letters.",
    "The {object} was made about {Y} and sold for {tens} pounds.", "By {Y}, {hundreds} people lived in {town}, most of them {job}s.", "The winter of {Y} was long, and {first} {surname} wrote {few} songs about it.",
    "A~ {job} from {country} drew the first map of {town} in {Y}.", "They married in {Y}, when she was {tens2} and he {tens2}.", "The coin shows a~ {animal} and the year {Y}.", "Until {Y}, {subject} was not taught at the school of {town}.",
    "The great fire of {Y} spared the {building} and {few} houses.", "In the summer of {Y}, {first} crossed {country} on foot in {tens} days.", "The oldest tree in {town} was planted in {Y} beside the {building}.", "The war ended in {Y}; {first} came home on a~ {day} in {month}.",
    "A newspaper of {Y} tells of a~ {animal} that walked into the {building}.", "{first} {surname} opened her shop in {Y} with {few} {object}s and a~ {animal}.", "The church bell, cast in {Y}, weighs {hundreds} pounds.", "This recipe for {food} was written down in {Y} by a~ {job}.",
    "When the bridge fell in {Y}, {few} carts were on it.", "Historians agree that the town of {town} was sold in {Y} for {hundreds} crowns.", "The picture of a~ {colour} {object} was painted in {Y}, in {city}.", "In {month} {Y} the {job}s of {city} refused to work for {few} weeks.",
    "The diary begins in {Y} and breaks off {few} years later.", "A stone in the {room} says: {first} {surname}, {Y}.",
]


def examples(rng, count):
    lists = dict(ENGLISH)
    for name in ("year", "newyear", "oldyear"):
        del lists[name]
    lists["tens2"] = ["19", "20", "22", "24", "27", "31"]
    grammar = Grammar(rng, lists)
    found, seen = [], set()
    while len(found) < count:
        i = len(found) % len(FRAMES)
        year = rng.between(1500, 2024)
        dice = rng.below(100)
        written = str(year) if dice < 55 else spoken(year) if dice < 85 else "%s years after %s" % (words(year % 50), "%d" % (year - year % 50)) if year % 50 > 1 else str(year)
        if dice >= 85 and ("{month} {Y}" in FRAMES[i] or "the year {Y}" in FRAMES[i] or "of {Y}" in FRAMES[i] or "surname}, {Y}" in FRAMES[i] or "in {Y}" not in FRAMES[i]):
            written = str(year)
        text = grammar.fill(FRAMES[i].replace("in {Y}", written[0].upper() + written[1:] if FRAMES[i].startswith("In {Y}") else written) if " years after " in written and "in {Y}" in FRAMES[i] and not FRAMES[i].startswith("In {Y}") else FRAMES[i].replace("{Y}", written))
        text = text[0].upper() + text[1:]
        if text not in seen:
            seen.add(text)
            found.append({"text": text, "label": year, "group": "year-%02d" % (i + 1)})
    return found
