"""Token-level sets: number of nouns, names, parts of speech, gendered words. `[[label:words]]` marks a span; the marks are taken out later."""

import re

from core import Grammar, candidates, with_spans
from sets.lexicon import ENGLISH

# Number of nouns: with words whose singular ends in s and whose plural does not.
NOUNS = """lens/lenses bus/buses glass/glasses class/classes dress/dresses boss/bosses cross/crosses atlas/atlases gas/gases princess/princesses hostess/hostesses walrus/walruses
circus/circuses virus/viruses iris/irises compass/compasses mattress/mattresses address/addresses witness/witnesses actress/actresses child/children man/men woman/women foot/feet tooth/teeth goose/geese
mouse/mice ox/oxen nucleus/nuclei cactus/cacti fungus/fungi medium/media bacterium/bacteria stimulus/stimuli alumnus/alumni larva/larvae vertebra/vertebrae fireman/firemen fisherman/fishermen
grandchild/grandchildren gentleman/gentlemen louse/lice policeman/policemen lamp/lamps river/rivers doctor/doctors apple/apples window/windows teacher/teachers village/villages letter/letters
garden/gardens machine/machines candle/candles wolf/wolves knife/knives leaf/leaves loaf/loaves shelf/shelves calf/calves thief/thieves wife/wives half/halves scarf/scarves elf/elves hoof/hooves
radius/radii syllabus/syllabi focus/foci terminus/termini crisis/crises thesis/theses oasis/oases axis/axes diagnosis/diagnoses hypothesis/hypotheses basis/bases analysis/analyses ellipsis/ellipses
criterion/criteria phenomenon/phenomena datum/data stratum/strata erratum/errata memorandum/memoranda antenna/antennae formula/formulae alga/algae nebula/nebulae
headmistress/headmistresses duchess/duchesses countess/countesses goddess/goddesses mistress/mistresses fortress/fortresses harness/harnesses business/businesses illness/illnesses loss/losses mass/masses
pass/passes kiss/kisses guess/guesses process/processes abyss/abysses albatross/albatrosses octopus/octopuses campus/campuses bonus/bonuses chorus/choruses genius/geniuses census/censuses crocus/crocuses
platypus/platypuses surplus/surpluses canvas/canvases trellis/trellises pancreas/pancreases rhinoceros/rhinoceroses cutlass/cutlasses canvass/canvasses waitress/waitresses
policewoman/policewomen salesman/salesmen milkman/milkmen snowman/snowmen postwoman/postwomen craftsman/craftsmen clergyman/clergymen dormouse/dormice stepchild/stepchildren eyetooth/eyeteeth forefoot/forefeet
chairwoman/chairwomen spokesman/spokesmen freshman/freshmen nobleman/noblemen seaman/seamen tribesman/tribesmen schoolchild/schoolchildren brainchild/brainchildren woodlouse/woodlice
picture/pictures mountain/mountains bottle/bottles ladder/ladders uncle/uncles island/islands pencil/pencils planet/planets tower/towers engine/engines feather/feathers hammer/hammers island/islands jacket/jackets
city/cities story/stories army/armies cherry/cherries tomato/tomatoes hero/heroes potato/potatoes church/churches brush/brushes box/boxes fox/foxes watch/watches bridge/bridges page/pages""".split()
NOUNS = list(dict.fromkeys(NOUNS))


def _noun(nouns):
    """A noun of a frame's own share, in either number."""

    def draw(rng):
        index, pair = rng.below(2), rng.choice(nouns).split("/")
        return "[[%s:%s]]" % (("singular", "plural")[index], pair[index])

    return draw


PLURAL = dict(ENGLISH)
PLURAL.update({
    "d": ["the", "my", "her", "their", "our", "the old", "the other", "the lost", "the new", "your", "the heavy", "his", "the small"],
    "who": ["{first}", "we", "the {job}", "everyone", "they", "my {relative}"], "saw": ["saw", "forgot", "noticed", "painted", "missed", "remembered", "feared", "photographed", "counted", "described"],
    "where": ["near the {building}", "in {city}", "behind the {building}", "in the {room}", "by the river", "in {town}"],
})
PLURAL_FRAMES = [
    "{^who} {saw} {d} {n} and {d} {n} {where}.", "Because of {d} {n}, {who} could not find {d} {n} {where}.", "{^where}, {who} {saw} {d} {n}, but {d} {n} had disappeared.",
    "{^d} {n} came before {d} {n}, {who} said.", "{^who} wrote a long poem about {d} {n} and {d} {n}.", "Without {d} {n}, {who} would never have found {d} {n} {where}.",
    "{^who} had {d} {n} in {month}; now only {d} {n} remained.", "{^d} {n} stood {where} and looked at {d} {n}.", "Nobody could see {d} {n} from {d} {n}, so {who} moved to {town}.",
    "{^who} dreamt that {d} {n} spoke to {d} {n}.", "After {d} {n}, {who} liked {d} {n} best.", "It cost {tens} pounds to bring {d} {n} and {d} {n} to {city}.",
    "{^who} put {d} {n} beside {d} {n} and went home.", "{^who} asked about {d} {n}, although {d} {n} mattered more.", "On {day} {who} lost {d} {n} {where} and blamed {d} {n}.",
    "{^d} {n} could have been worse than {d} {n}.", "{^who} drew {d} {n} with a pencil and coloured {d} {n}.", "When {d} {n} arrived, {who} hid {d} {n} {where}.",
    "{^who} preferred {d} {n} to {d} {n} until {month}.", "The story of {d} {n} made {who} think of {d} {n}.", "{^who} said nothing about {d} {n}, nor about {d} {n} {where}.",
    "Did {d} {n} matter less than {d} {n}? {^who} thought so.", "{^who} sold {d} {n} on {day} and kept {d} {n}.", "Between {d} {n} and {d} {n} there lay {small2} years.",
    "{^who} followed {d} {n} as far as {d} {n} {where}.", "If {d} {n} had stayed {where}, {d} {n} would have been safe.", "{^who} was proud of {d} {n} and ashamed of {d} {n}.",
    "In {country}, {d} {n} used to be dearer than {d} {n}.",
]
PLURAL["small2"] = ["two", "ten", "a hundred", "many"]

# Names.
NAMES = dict(ENGLISH)
NAMES.update({
    "P": ["[[person:{first}]]", "[[person:{first} {surname}]]", "[[person:{surname}]]"], "Pf": ["[[person:{first} {surname}]]", "[[person:{first} {i}. {surname}]]"], "i": list("ABCDEFGHJKLM"),
    "L": ["[[place:{city}]]", "[[place:{country}]]", "[[place:{town}]]", "[[place:Port {surname}]]", "[[place:{surname} Street]]", "[[place:{surname} Valley]]", "[[place:{surname} Bay]]"],
    "O": ["[[organisation:{org}]]"],
    "org": [
        "{surname} & Sons", "{surname} Bank", "the {city} Gazette", "{city} University", "the {surname} Foundation", "Northgate Foods", "Kestrel Electronics", "{city} United", "the {country} Red Cross",
        "{surname} Motors", "Brightwater Energy", "the {town} Chess Club", "{surname} and {surname}", "the Ministry of {Field}", "{city} Opera", "Silverline Railways", "Lumen", "Halcyon", "the {country} Times", "{surname}",
        "{surname} Holdings", "the Union of {Job}s", "Calder Shipping", "{town} Council",
    ],
    "Field": ["Health", "Transport", "Culture", "Fisheries", "Labour"], "Job": ["Teacher", "Baker", "Nurse", "Farmer", "Engineer", "Postal Worker"],
})
NAME_FRAMES = [
    "{P} moved from {L} to {L} to work for {O}.", "{O} said on {day} that {Pf} would leave {L}.", "The head of {O}, {Pf}, was born near {L}.", "In {L}, {P} met the founder of {O}.",
    "{O} has opened an office in {L}, run by {P}.", "Before {P} came to {L}, nobody had heard of {O}.", "{P} and {P} sued {O} in {L}.", "At {L} a man called {P} handed me a letter from {O}.",
    "{O} lost against {O} in {L}, and {P} wept.", "The train to {L} was named after {Pf}, who once led {O}.", "Does {P} still write for {O}, or has she gone back to {L}?", "{L} is where {P} feels at home; {O} is where she earns her bread.",
    "A spokesman of {O} denied that {P} had been seen in {L}.", "{P}, a~ {job} from {L}, left everything to {O}.", "{O} buys its {plant} in {L}, says {P}.", "Rain stopped the game between {O} and {O} in {L}; {P} had just come on.",
    "Ask {P} whether {O} delivers to {L}.", "For {few} years {P} drove a~ {vehicle} for {O} in {L}.", "The road from {L} to {L} was paid for by {O}, not by {P}.", "{Pf} ({O}) will speak in {L} on {day}.",
    "When {O} closed, {P} stayed in {L} and became a~ {job}.", "{P} liked {L}, but {O} sent him to {L}.", "Near {L} {P} found a~ {colour} box with the sign of {O}.", "Thanks to {O}, {P} could study in {L}.",
    "{O} was founded in {L} by {Pf} in {year}.", "My {relative} sold {O} the field by {L} that {P} wanted.", "In a letter to {O}, {P} complained about the {weather} in {L}.", "Neither {P} nor {O} owns the {building} at {L}.",
]

# Parts of speech (Universal Dependencies' tags): a word and its tag; slots hold words of one tag.
POS = {
    "N": "baker river window letter garden machine candle bridge teacher animal story village winter market doctor child road answer picture farmer light table watch play dream plan walk rest fear".split(),
    "V": "sees finds paints follows forgets carries remembers builds sells watches plans fears answers pictures plays needs hears lights".split(), "Vp": "saw found painted followed forgot carried remembered built sold watched planned feared heard needed broke".split(),
    "Vi": "see find paint follow forget carry remember build sell watch plan fear answer hear play".split(), "B": "seems looks remains becomes feels sounds".split(),
    "A": "old quiet yellow heavy cold light empty famous wooden second early kind last narrow warm fast strange open".split(),
    "R": "slowly often again today quickly soon here fast early well".split(), "R1": "slowly often never quickly always soon almost".split(), "R2": "perhaps often today soon again sometimes now here".split(),
    "D": "the a this every that each another no some".split(), "P": "she he they we nobody someone it everyone".split(), "H": "she he nobody someone it everyone".split(), "PO": "him her them us me".split(),
    "E": "in near behind under with without after before over from through about".split(), "C": "and or".split(), "CC": "and but".split(), "S": "because when if while although since until".split(),
    "X": "Anna Martin Lisbon Oslo Tanaka Grace Prague Larkin Victor Nairobi Dublin Marcus".split(), "M": "two three seven twelve forty eleven ten nine".split(), "U": "can must will may should could would might".split(),
}
TAGS = {"B": "VERB", "R1": "ADV", "R2": "ADV", "H": "PRON", "CC": "CCONJ", "N": "NOUN", "V": "VERB", "Vp": "VERB", "Vi": "VERB", "A": "ADJ", "R": "ADV", "D": "DET", "P": "PRON", "PO": "PRON", "E": "ADP", "C": "CCONJ", "S": "SCONJ", "X": "PROPN", "M": "NUM", "U": "AUX"}
PLURALS = "bakers rivers windows letters gardens candles bridges teachers animals stories villages winters farmers pictures dreams plans walks".split()
POS_FRAMES = [
    "D A N Vp D N E X .", "P U R1 Vi D N E D A N .", "S X Vp D N , P Vp PO R .", "M A Ns Vp E D N CC Vp PO .", "X C X U Vi D A N .", "R2 D N V D A N E X .", "P Vp M Ns E X C E D N .",
    "D N E D A N U R1 Vi PO .", "S H V D N , X U Vi PO .", "E D A N P Vp X C M Ns .", "X V PO S H V D N R .", "U X Vi D N S D N V PO ?", "D N Vp PO R , CC X Vp D A N .", "H V D N E M A Ns .",
    "M Ns E X U R1 Vi PO .", "S D A N V PO , P U Vi D N R .", "X Vp PO E D N S P Vp D N R .", "R2 P U Vi D N , CC X U Vi PO R .", "D A CC A N Vp PO E X .", "U P Vi M Ns E D N ?", "E X D N B R1 A .",
    "P U Vi X S D N B A .", "X , D A N , Vp M Ns E PO .", "S M Ns Vp PO , D N B R1 A .", "D N V X , CC H R1 V PO .", "P Vp D A N S X Vp M Ns .", "R2 X U Vi D N C D N .", "M A Ns C D N Vp PO R .",
    "U D N Vi PO E D A N ?", "X Vp PO R S P U Vi D N .",
]


def _pos(frame):
    def fill(grammar):
        rng = grammar.rng
        words = []
        for slot in frame.split():
            if slot in ".,?":
                words[-1] = words[-1] + slot
                continue
            tag = "NOUN" if slot == "Ns" else TAGS[slot]
            word = rng.choice(PLURALS if slot == "Ns" else POS[slot])
            if not words:
                word = word[0].upper() + word[1:]
            words.append("[[%s:%s]]" % (tag, word))
        text = " ".join(words)
        return re.sub(r"\[\[DET:([Aa])\]\] (\[\[\w+:)(?=[aeiou])", r"[[DET:\1n]] \2", text)

    return fill


# Gendered words: each frame has pairs of its own.
PAIRS = """king/queen prince/princess duke/duchess emperor/empress lord/lady count/countess baron/baroness wizard/witch monk/nun abbot/abbess priest/priestess father/mother son/daughter brother/sister uncle/aunt
nephew/niece grandfather/grandmother husband/wife grandson/granddaughter godfather/godmother stepson/stepdaughter groom/bride widower/widow boy/girl man/woman gentleman/lady lad/lass actor/actress waiter/waitress
host/hostess hero/heroine steward/stewardess landlord/landlady policeman/policewoman salesman/saleswoman fisherman/fisherwoman chairman/chairwoman sportsman/sportswoman businessman/businesswoman schoolboy/schoolgirl
postman/postwoman milkman/milkmaid cowboy/cowgirl heir/heiress stallion/mare bull/cow ram/ewe rooster/hen drake/duck gander/goose stag/hind lion/lioness tiger/tigress boar/sow
god/goddess sorcerer/sorceress shepherd/shepherdess masseur/masseuse bachelor/spinster fiancé/fiancée patron/patroness merman/mermaid tailor/seamstress hunter/huntress""".split()
GENDER_FRAMES = [
    "The {w} of {town} asked for {food} and a place to sleep.", "In the old tale a~ {w} crosses the river on a~ {animal}.", "A~ {w} in {colour} stood near the {building} and waited for the {vehicle}.", "Nobody in {city} remembered the name of the {w}.",
    "On {day} the {w} came to the {building} with {few} others.", "\"Let the {w} speak first,\" said the {job}.", "The picture shows a~ {w}, a~ {object} and a~ {animal}.", "There was once a~ {w} who wanted to see {country}.",
    "They say that the {w} never left {town} after the {weather}.", "At the gate the {w} turned round and looked at the {building}.", "Behind the {building} we saw a~ {w} and {few} {animal}s.", "It was the {w}, not the {job}, who found the {object}.",
    "What does a~ {w} need with {few} {object}s?", "The book is about a~ {w} from {country} and a~ {job}.", "Each {season} the {w} returned to {town}.", "The {job} drew the {w} with great care, beside a~ {colour} {object}.",
    "Everyone was afraid of the {w} in the {room}.", "For {few} years a~ {w} lived there, alone with a~ {animal}.", "The song tells of a~ {w} and the {weather} over {city}.", "Somebody had painted the {w} {colour}.",
    "The {w} ate the {plant} and went back to the {building}.", "Can you see the {w} on this photograph from {country}?", "Without the {w}, the people of {town} would have been lost.", "The statue of the {w} was brought from {city} in {year}.",
    "In the {room} sat the {w} and said nothing for {few} hours.", "Of all the guests, only the {w} liked the {food}.", "The {animal} ran away when it saw the {w}.", "When {weather} came, the {w} hid in the {building}.",
    "The story of the {w} was told in {town} every {season}.", "A~ {job} and a~ {w} met by chance in {city}.", "The {w} had come from {country} by {vehicle}.", "My {object} was stolen, and the {w} saw it happen.",
]


def _gender(rng):
    frames = rng.shuffle(list(GENDER_FRAMES))
    found = []
    for i, frame in enumerate(frames):
        for pair in PAIRS[i :: len(frames)]:
            for label, word in zip(("masculine", "feminine"), pair.split("/")):
                found.append((label, "gender-%02d" % (i + 1), frame.replace("{w}", "[[%s:%s]]" % (label, word))))
    return found


def marked(templates, grammar, count):
    """Candidates whose marks have become spans."""
    rows = candidates(templates, grammar, count)
    for row in rows:
        row["text"], row["spans"] = with_spans(row["text"])
        del row["label"]
    return rows


def spread(rows, count, rng, groups_share=0.045):
    """`count` rows, as even over the groups as can be, without repeating a text."""
    by_group, seen = {}, set()
    for row in rng.shuffle(list(rows)):
        if row["text"] not in seen:
            seen.add(row["text"])
            by_group.setdefault(row["group"], []).append(row)
    chosen = []
    while len(chosen) < count:
        before = len(chosen)
        for group in sorted(by_group):
            if by_group[group] and len(chosen) < count:
                chosen.append(by_group[group].pop())
        if len(chosen) == before:
            raise ValueError("only %d of %d" % (before, count))
    return chosen


def balance(rows, rng, ratio=1.0):
    """Drops spans of the commoner labels, at random, until all labels are equally frequent."""
    places = {}
    for row in rows:
        for span in row["spans"]:
            places.setdefault(span["label"], []).append((row, span))
    least = min(map(len, places.values()))
    for label in sorted(places):
        for row, span in rng.shuffle(places[label])[int(least * ratio) :]:
            row["spans"] = [s for s in row["spans"] if s is not span]
    return [row for row in rows if row["spans"]]


def plural(rng):
    nouns, rows = rng.shuffle(list(NOUNS)), []
    for i, frame in enumerate(PLURAL_FRAMES):
        own = nouns[i :: len(PLURAL_FRAMES)]
        lists = dict(PLURAL, n=[_noun(own)])
        # the two nouns of a sentence differ
        made = [("any", "plural-%02d" % (i + 1), frame.replace("{n}", "{n#1}", 1).replace("{n}", "{n#2}"))]
        rows += [row for row in marked(made, Grammar(rng, lists), 40) if _different(row, own)]
    return balance(spread(rows, 480, rng), rng)


def _different(row, nouns):
    words = [row["text"][s["start"] : s["end"]] for s in row["spans"]]
    return len({noun for noun in nouns for word in words if word in noun.split("/")}) == len(words)


def _apart(frame):
    """Numbers the slots, so that no name stands twice in a sentence."""
    counts = {}

    def number(match):
        counts[match.group(1)] = counts.get(match.group(1), 0) + 1
        return "{%s#%d}" % (match.group(1), counts[match.group(1)])

    return re.sub(r"\{(P|L|O)\}", number, frame)


def names(rng):
    made = [("any", "names-%02d" % (i + 1), _apart(frame)) for i, frame in enumerate(NAME_FRAMES)]
    rows = marked(made, Grammar(rng, NAMES), 40)
    for row in rows:
        if row["text"][0].islower():
            row["text"] = row["text"][0].upper() + row["text"][1:]
        row["text"] = re.sub(r"([.?!] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), row["text"])
    return balance(spread(rows, 480, rng), rng)


def part_of_speech(rng):
    made = [("any", "sentence-%02d" % (i + 1), _pos(frame)) for i, frame in enumerate(POS_FRAMES)]
    return balance(spread(marked(made, Grammar(rng, ENGLISH), 40), 540, rng), rng)


def gender_words(rng):
    return balance(spread(marked(_gender(rng), Grammar(rng, ENGLISH), 8), 512, rng), rng)
