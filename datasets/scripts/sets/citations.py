"""Academic citations in many styles, and prose that mentions books, years and names without citing. Authors, titles and journals are invented."""

import re

from core import Grammar
from sets.lexicon import ENGLISH, number

LISTS = dict(ENGLISH)
LISTS.update({
    "I": [c + "." for c in "ABCDEFGHJKLMNPRSTVW"],
    "i": list("ABCDEFGHJKLMNPRSTVW"),
    "au": ["{surname}, {I}", "{surname}, {I} {I}"],
    "topic": [
        "seasonal flooding", "river trade", "bird migration", "early literacy", "urban heat", "glass making", "soil acidity", "memory in old age", "coastal erosion", "folk song", "bilingual children",
        "market prices", "sleep loss", "railway labour", "deep-sea sediments", "public libraries", "wheat rust", "machine translation", "household debt", "medieval seals", "alloy fatigue", "honeybee foraging",
    ],
    "Topic": ["{^topic}"],
    "method": ["a longitudinal study", "a field experiment", "a survey of {hundreds} households", "evidence from {country}", "a comparative review", "a simulation study", "lessons from {city}", "a new measurement", "a critical reading"],
    "title": [
        "{Topic} in {country}: {method}", "On the causes of {topic}", "{Topic} and {topic}", "A model of {topic} under uncertainty", "{Topic}: {method}", "Revisiting {topic}", "The limits of {topic}",
        "Toward a theory of {topic}", "Does {topic} explain {topic}?", "Measuring {topic} with sparse data", "What we know about {topic}",
    ],
    "book": ["The {Shape} of {Abstract}", "A History of {Topic}", "{Abstract} and {Abstract}", "Rivers of {Abstract}", "The {Shape} {Noun}", "Letters from {city}", "{Abstract} in {country}", "The {Noun} and the {Noun}"],
    "novel": ["The {Shape} {Noun}", "Letters from {city}", "The {Noun} of {town}", "{Abstract} and {Abstract}", "The {Noun} and the {Noun}", "A~ {Noun} in {^season}", "The Last {Noun} of {town}", "{woman}'s {Noun}"],
    "Shape": "Hidden Silent Burning Second Narrow Golden Distant Broken Patient Northern".split(),
    "Noun": "Harbour Lantern Orchard Clockmaker Bridge Winter Garden Mirror Compass Island Heron Ladder".split(),
    "Abstract": "Memory Trade Silence Labour Order Faith Power Light Distance Justice Reason Exile".split(),
    "journal": [
        "Journal of {field}", "Annals of {field}", "{field} Letters", "Review of {field}", "International Journal of {field}", "{country} Journal of {field}", "Quarterly of {field}", "Studies in {field}", "Archives of {field}",
    ],
    "field": ["Hydrology", "Rural History", "Cognition", "Plant Science", "Economic Geography", "Applied Statistics", "Ornithology", "Materials", "Linguistics", "Public Health", "Musicology", "Computation", "Education", "Marine Biology"],
    "press": ["{city} University Press", "Harlow Academic", "Northgate Press", "{town} House", "Meridian Books", "Institute of {field}"],
    "vol": number(2, 96), "no": number(1, 12), "p1": number(11, 299), "p2": number(301, 599), "y": number(1948, 2024), "y2": number(1985, 2024),
    "doi": ["10.{n4}/{word}.{y2}.{n5}"],
    "n4": number(1000, 9999), "n5": number(10000, 99999), "n2": number(1, 98),
    "word": "hydro cogn plant econ stat ornith mat ling health comp edu mar".split(),
    "ed": "2nd 3rd 4th rev. 5th".split(),
    "conf": ["Proceedings of the {n2}th Conference on {field}", "Proc. Int. Symp. on {field}", "Workshop on {field}, {city}"],
    "finding": [
        "yields fell by {percent} per cent after the reform", "the effect disappears once age is controlled for", "the two processes are independent", "small samples overstate the trend",
        "the increase began well before {y}", "no such difference was found in {country}", "earlier estimates were too high by {percent}%",
    ],
    "claim": ["It has often been argued that {topic} depends on {topic}", "Several authors hold that {finding}", "A common view is that {finding}", "Recent work suggests that {finding}", "The literature on {topic} agrees that {finding}"],
    "ofwhat": ["{topic}", "childhood in {country}", "a~ {job} and {his|her} {relative}", "the war", "a lost {object}", "a family in {city}", "{animal}s and {plant}"],
})

CITATIONS = {
    "apa-article": "{au}, & {au} ({y}). {title}. {journal}, {vol}({no}), {p1}–{p2}.{| https://doi.org/{doi}}",
    "apa-three": "{au}, {au}, & {au} ({y2}). {title}. {journal}, {vol}, {p1}–{p2}. https://doi.org/{doi}",
    "apa-book": "{au} ({y}). {book}: {title} ({ed} ed.). {press}.",
    "apa-chapter": "{au} ({y}). {title}. In {I} {surname} & {I} {surname} (Eds.), {book} (pp. {p1}–{p2}). {press}.",
    "mla-article": "{surname}, {first}. \"{title}.\" {journal}, vol. {vol}, no. {no}, {y}, pp. {p1}–{p2}.",
    "mla-book": "{surname}, {first}, and {first} {surname}. {book}: {title}. {press}, {y}.",
    "chicago-note": "{dig3}. {first} {surname}, \"{title},\" {journal} {vol}, no. {no} ({y}): {p1}–{p2}.",
    "chicago-bibliography": "{surname}, {first}, {first} {surname}, and {first} {surname}. \"{title}.\" {journal} {vol} ({y}): {p1}–{p2}.",
    "chicago-ibid": "{dig3}. {surname}, {book}, {p1}; cf. {surname} and {surname}, \"{title},\" {p2}. See also {surname}, {book}, ch. {no}.",
    "ieee-article": "[{n2}] {I} {surname}, {I} {I} {surname} and {I} {surname}, \"{title},\" {journal}, vol. {vol}, no. {no}, pp. {p1}–{p2}, {mon3} {y2}.",
    "ieee-conference": "[{n2}] {I} {surname} and {I} {surname}, \"{title},\" in {conf}, {city}, {country}, {y2}, pp. {p1}–{p2}.",
    "vancouver": "{n2}. {surname} {i}{i}, {surname} {i}, {surname} {i}{i}. {title}. {journal}. {y2};{vol}({no}):{p1}–{p2}.",
    "vancouver-book": "{n2}. {surname} {i}, {surname} {i}{i}, editors. {book}: {title}. {ed} ed. {city}: {press}; {y}. p. {p1}–{p2}.",
    "harvard": "{surname}, {I} and {surname}, {I} ({y}) '{title}', {journal}, {vol}({no}), pp. {p1}–{p2}. doi: {doi}.",
    "harvard-web": "{surname}, {I} ({y2}) {title}. {city}: {press}. Available at: https://example.org/{word}/{n5} (Accessed: {dayno} {month} {newyear}).",
    "nature": "{surname}, {I} {I}, {surname}, {I} & {surname}, {I} {title}. {journal} {vol}, {p1}–{p2} ({y2}).",
    "acm": "{first} {surname}, {first} {surname}, and {first} {surname}. {y2}. {title}. In {conf}. {press}, {p1}–{p2}. https://doi.org/{doi}",
    "bibtex-article": "@article{<{surname}{y2}<,\n  author = {<{surname}, {first} and {surname}, {first}>},\n  title = {<{title}>},\n  journal = {<{journal}>},\n  volume = {<{vol}>},\n  pages = {<{p1}--{p2}>},\n  year = {<{y2}>}\n>}",
    "ris": "TY  - JOUR\nAU  - {surname}, {first}\nAU  - {surname}, {I}\nTI  - {title}\nJO  - {journal}\nVL  - {vol}\nSP  - {p1}\nPY  - {y2}\nER  -",
    "thesis": "{surname}, {first}. \"{title}.\" {PhD diss.|Master's thesis|Doctoral thesis}, University of {city}, {y}. {Unpublished|Microfilm {n5}|Archive no. {n4}}.",
    "preprint": "{I} {surname}, {I} {surname}, {I} {surname}, et al. {title}. Preprint, version {no}, {month} {newyear}. {word}:{n4}.{n5}.",
    "turabian-edited": "{surname}, {first}, ed. {book}. {ed} ed. Vol. {no} of {journal} Monographs. {city}: {press}, {y}.",
    "report": "Institute of {field}. ({y2}). {title} (Report No. {n2}-{n4}). {press}. https://example.org/reports/{n5}",
    "intext-apa": "{claim} ({surname} & {surname}, {y}; {surname} et al., {y2}). {surname} and {surname} ({y2}, pp. {p1}–{p2}) showed, however, that {finding}.",
    "intext-numbers": "{claim} [{n2}], [{n2}], although {surname} et al. [{n2}, Sec. {no}] report that {finding}. See [{n2}] for a survey and [{n2}, Fig. {no}] for {country}.",
    "intext-mla": "{claim} ({surname} {p1}; {surname} and {surname} {p2}). In \"{title},\" {surname} insists that {finding} ({p1}–{p2}).",
    "classics": "{surname}, {book} {no}.{n2}–{vol}; cf. {surname}, Frag. {n2}, and the scholia (ed. {surname}, {city} {y}, pp. {p1}–{p2}).",
    "legal-journal": "{first} {surname}, {title}, {vol} {city} L. Rev. {p1}, {p2} ({y}); see also {surname} & {surname}, {book} § {no}.{n2} ({ed} ed. {y2}).",
}

PROSE = {
    "shop-window": "In {year} the bookshop of {surname#1} & Sons in {city} put {hundreds} copies of \"{novel}\" in its window. By {day} they were gone. {first} {surname#1}, who was then {tens}, kept the last one, numbered {p1}, and never sold it, whatever people offered.",
    "reader": "My {relative} read \"{novel}\" every {month} from {oldyear2} until {year2}. She knew chapter {no} by heart, and on page {p1} there is still {a pressed flower|a bus ticket|a coffee stain}. When I asked why she liked it, she said that {first}, the {job} in it, reminded her of someone.",
    "birth": "{man} {surname} was born in {city} on {dayno} {month} {year}, the {third|fourth|fifth} of {few} children. At {digit}, he could recite {hundreds} lines of verse; at {tens}, he left for {country} with \"{novel}\" and {few} shirts in a suitcase.",
    "review-novel": "\"{novel}\", {woman} {surname#1}'s new novel, runs to {p2} pages, and about {p1} of them are dull. The rest is a fine story of {ofwhat}. {surname#1}, who won a prize in {newyear} for \"{novel}\", writes best about {weather} and {food}; her lovers talk too much.",
    "film": "The film of \"{novel}\" opened in {month} {newyear} and ran for {n2} weeks. {first} {surname} plays the {job}, {first} {surname} the {relative}. It cost {digit} million and was shot in {country}, mostly at the old {building} of {town}, in {weather} and {weather}.",
    "library": "The library of {town} was founded in {oldyear} with {hundreds} books, among them a Bible of {old16} and \"{novel}\". In {year} a fire destroyed {p1} volumes. {first} {surname}, a~ {job}, carried out the rest in {few} hours and was given a medal.",
    "school": "In our {subject} class of {newyear} we had to choose between \"{novel}\" and \"{novel}\". Most took the shorter one ({p1} pages against {p2}). Mr {surname} was disappointed: he had taught the other since {year2} and said that no one under {tens} had patience any more.",
    "auction": "Lot {n2}, a first edition of \"{novel}\" ({year}), went to a~ {job} from {city} for {p1} pounds. Lot {p1}, {few} letters from {woman} {surname} to her {relative}, found no buyer. The sale ended at {hour} o'clock, and by {day} the room was a ballroom again.",
    "timeline": "{built}: the {building} opens. {y1a}: {first} {surname} arrives from {country} with {hundreds} books. {newyear}: the town buys the house, No. {n2}, for {p1},000 pounds, and names it after \"{novel}\", though nobody is sure that the book was written there.",
    "war": "{^month} {year}. {surname#1} had marched {p1} miles since {month} and owned {few} things: a blanket, a spoon, \"{novel}\", of which {n2} pages were missing, and a photograph of {first}, dated {year}. He traded the spoon on a {day} and kept the book.",
    "club": "The {town} reading club ({n2} members, founded {newyear}) meets on {day} at {hour}. This {season} we read \"{novel}\" and \"{novel}\"; {first} {surname} will bring {food}. Copies cost {digit}.{tens} at the {building}. New readers, \"even slow ones\", are welcome.",
    "museum-label": "{^object}, {material}, about {oldyear}. Given by {first} and {first} {surname} in {year}; no. {n4}. It belonged to the {job} who is said to have been the model for the hero of \"{novel}\", and stood in the {room} of {p1} {surname} Street until {year2}.",
    "publisher-history": "{surname#1} & {surname#2} published {n2} novels between {oldyear} and {year}. {surname#1} chose them; {surname#2}, a former {job}, did the sums. Only \"{novel}\" sold more than {p1} copies a year, and it paid for all the others, as {surname#2} liked to say at dinner.",
    "interview": "\"I wrote it in {few} weeks,\" {woman} {surname#1} says of \"{novel}\" ({p2} pages). \"Then, in {newyear}, I threw it away.\" {A~ {job}|A neighbour} found the pages. Today {surname#1}, {age}, lives near {city} with {few} {animal}s and, she says, no books at all.",
    "train": "Seat {n2}, coach {no}: a woman with \"{novel}\", a man with a newspaper of {dayno} {month}, and {first}, {digit}, who counted cows. At {town} she had {p1}. At {town}, {tens} minutes later, {p2}. The woman shut her book and began to count too.",
    "shelf": "Shelf {no}: {few} atlases ({year}, torn), the letters of {first} {surname}, \"{novel}\" in {two|three|four} volumes. Shelf {digit}: cookery, {n2} books; one, by {first} {surname}, falls open at page {p1}, {food}. Shelf {tens}, the top one, can be reached only from the chair.",
    "calendar": "{day}, {dayno} {month}, {hour}.{mins}: reading by {first} {surname} from \"{novel}\" at the {building}, {city}. {day}, {dayno} {month}: talk on {ofwhat} by {first} {surname} (sold out). Tickets {digit} pounds, {tens} seats, doors open at {hour}.",
    "obituary": "{man} {surname#1}, who has died at {age2}, was a~ {job} until \"{novel}\" made his name in {year2}. {surname#1} went on working on {day}s and said that {few} readers had once been enough. {^few} more books followed, the last, \"{novel}\", in {newyear}.",
    "translation": "\"{novel}\" has been translated {n2} times. In {country} it is called \"{novel}\", which puzzles everyone; in {city}, in {year}, a printer left out pages {p1} to {p2}, and {first} {surname} has met readers who like that version best.",
    "quarrel": "{surname#1} and {surname#2} did not speak from {oldyear} to {oldyear2b}. The cause was \"{novel}\": {surname#1} thought the {job} in chapter {no} was meant to be him. When they met by chance in {city}, {surname#2} said only, \"Page {p1}. That was you,\" and both laughed.",
    "house-sale": "For sale: {n2} {surname} Street, {town}, built {oldyear}, {few} rooms, {material} floors, {p2} square metres of garden. {first} {surname} wrote \"{novel}\" here in {year}. The {room} was redone in {newyear}. Price {p1},000; viewing on {day}s, {hour} to {hour2}.",
    "radio": "Radio {city}, {day}, {hour}:{mins}. \"{novel}\", part {2|3|4|5} of {6|8|10}: {first} {surname} reads. It is {y1a}, and the {job}, who has lost {p1} crowns at cards, meets {woman} {surname} on the ferry. After the news: songs from {country}, {y1a} to {year2}.",
    "statue": "The statue of {first} {surname#1} ({birth}–{death}) in {city} holds a book, and every {season} someone paints its title in {colour}: \"{novel}\", then \"{novel}\". The town has spent {p1} pounds on cleaning since {newyear}. {surname#1}, a~ {job}, is not known to have read either.",
    "printer": "To print {hundreds} copies of \"{novel}\" in {oldyear} took {few} men {n2} days. {first} {surname}, aged {tens}, set pages {p1} to {p2} alone, by candle, and left one mistake on purpose, on the last line, so that his {relative} in {town} would know that it was he.",
    "gift": "To {first}, {dayno} {month} {year}, from {first}: \"{novel}\", {city}, with a~ {colour} ribbon at page {p1}. Inside, in pencil: \"{^few} days late, {few} pages missing, but yours.\" I bought it for {digit} euros in {newyear}, at the market of {town}, from a~ {job}.",
    "prize": "The {city} Prize, worth {p1},000 euros, goes to {first} {surname} ({age}) for \"{novel}\". Of {n2} books sent in, the jury under {first} {surname} had chosen {few}. {surname}'s \"{novel}\" ({p2} pages) came second, as it had done in {newyear} with another jury.",
    "dictionary-maker": "{surname#1} began the dictionary in {built}, reached the letter D after {few} years and died at M, in {y1a}. {first} {surname} went on from slip {n4}. Volume {no}, {p2} pages, was printed in {city} in {year2}; a~ {job} bought the first copy to press {plant} in.",
    "bet": "In {month} {newyear}, {first} {surname} bet {first} {surname} {p1} pounds that nobody at the {building} had finished \"{novel}\". They asked {n2} people. {^few} had, {digit} said so, and one, a~ {job}, was able to tell them what happens on page {p2}.",
}

LISTS.update({
    "mins": ["00", "05", "10", "15", "20", "30", "40", "45", "50"], "built": number(1850, 1889), "y1a": number(1902, 1959),
    "dig3": number(1, 180), "mon3": "Jan. Feb. Mar. Apr. May June July Aug. Sept. Oct. Nov. Dec.".split(), "age": number(24, 71), "age2": number(72, 98), "old16": number(1510, 1620),
    "oldyear2": number(1930, 1960), "year2": number(1961, 1994), "oldyear2b": number(1892, 1919), "material": ["oak", "brass", "clay", "pine", "slate", "tin"], "hour2": ["four", "five", "six", "noon"],
    "birth": number(1790, 1860), "death": number(1882, 1931),
})


def grammar(rng):
    return Grammar(rng, LISTS)


def _braces(template):
    """BibTeX's own braces are written `{<` and `>}` in a template."""
    if "{<" not in template:
        return template
    plain = template.replace("@article{<{surname}{y2}<,", "@article\x01{surname}{y2},").replace("{<", "\x01").replace(">}", "\x02")

    def fill(grammar):
        return grammar.fill(plain).replace("\x01", "{").replace("\x02", "}")

    return fill


def _often_two(group, template):
    """Half of the time two entries of a list, one below the other."""

    def once(grammar):
        return template(grammar) if callable(template) else grammar.fill(template)

    def fill(grammar):
        text = once(grammar)
        if group.startswith(("intext", "bibtex", "ris")) or len(text) > 220 or not grammar.rng.chance(50):
            return text
        return text + "\n" + once(grammar)

    return fill


def _often_shorter(template):
    """Half of the time without the last sentence."""

    def fill(grammar):
        text = grammar.fill(template)
        if grammar.rng.chance(50):
            shorter = re.match(r"(?s)(.*[a-z0-9][.!?]\"?) [A-Z\"].*", text)
            if shorter and len(shorter.group(1)) > 80 and shorter.group(1).count("\"") % 2 == 0:
                return shorter.group(1)
        return text

    return fill


def citation_templates(label):
    return [(label, "citation-" + group, _often_two(group, _braces(template))) for group, template in CITATIONS.items()]


def prose_templates(label):
    return [(label, "prose-" + group, _often_shorter(template)) for group, template in PROSE.items()]
