"""Questions and statements on the same subjects. A frame gives both. In three questions of four the mark is left out, and statements end with a full
stop, an ellipsis or nothing, so that the last sign alone says little. Statements begin with question words too ("What she wants is …")."""

from core import Grammar
from sets.lexicon import ENGLISH

LISTS = dict(ENGLISH)
LISTS.update({
    "who": ["your {relative}", "the {job}", "{first}", "Mrs {surname}", "the {job} from {town}"],
    "plant": ["roses", "tomatoes", "beans", "apple trees", "onions", "sunflowers", "pears", "potatoes", "herbs", "peonies", "cabbages"],
    "room": ["kitchen", "attic", "cellar", "hall", "garden", "workshop", "study"],
    "thing": ["the {object}", "the {colour} {object}", "the old {object}", "the {animal}", "the heavy {object}"],
    "when": ["on {day}", "in {month}", "at {hour} o'clock", "after the {weather}", "before {day}"],
    "where": ["in the {room}", "near the {building}", "in {city}", "behind the {building}", "in {town}"],
    "tail": ["", "", " {when}", " {where}"],
    "task": ["repair the {object}", "water the {plant}", "paint the {room}", "learn {subject}", "cook the {food}", "find the {animal}"],
})

# (question, statement): neither ends with a sign, which is added by `_sign`.
FRAMES = {
    "what-cost": ("What did {who} pay for {thing}{tail}", "What {who} paid for {thing} was far too much, and everyone {where} knew it"),
    "what-want": ("What does {who} want to do {where} {when}", "What {who} wants most is to {task} and then to rest {where}"),
    "where-keep": ("Where do you keep {thing} when there is {weather}", "Where {thing} used to stand, there is now a~ {object} and a pot of {plant}"),
    "where-go": ("Where can one buy {food} {when}", "Where the {building} of {town} once stood, one can now buy {food} {when}"),
    "when-leave": ("When will {who} leave for {country}", "When {who} left for {country}, nobody {where} noticed"),
    "when-open": ("When does the {building} open {tail2}", "When the {building} opens, {who} is always the first to go in"),
    "why-late": ("Why was {who} so late {when}", "Why {who} was so late {when} is a mystery to all of us"),
    "why-need": ("Why would anyone need {few} {object}s {where}", "Why anyone would need {few} {object}s {where} I have never understood"),
    "how-fix": ("How can I {task} without {a~ {object}|spending a fortune|waking {who}}", "How to {task} is something {who} can explain in {few} minutes"),
    "how-many": ("How many {animal}s live {where} {now|these days|at present}", "How many {animal}s live {where} depends on the {weather} and on the {plant}"),
    "how-far": ("How far is it from {city#1} to {city#2} by {vehicle}", "However far it is from {city#1} to {city#2}, {who} always goes by {vehicle}"),
    "who-took": ("Who took {thing} {when}", "Whoever took {thing} {when} must have known {who} well"),
    "who-remember": ("Who remembers the {year} {flood|fire|election|winter} {where}", "Those who remember the {winter|fire|flood} of {year} are getting old, {who} says"),
    "which-room": ("Which of the {few} {object}s belongs to {who}", "Which of the {few} {object}s is the oldest was settled long ago by {who}"),
    "do-know": ("Do you know whether {who} has sold {thing}", "Do tell {who} that {thing} has been sold"),
    "does-work": ("Does {thing} still work after the {weather}", "Does and hares were seen {where}, and {who} photographed them {when}"),
    "did-see": ("Did {who} see {thing} {where} {when}", "{^who} saw {thing} {where} {when} and said nothing about it"),
    "is-it-true": ("Is it true that {who} can {task} in {few} minutes", "It is true that {who} can {task} in {few} minutes"),
    "are-there": ("Are there any {plant} left {where}", "There are no {plant} left {where}, as {who} found out {when}"),
    "was-it": ("Was it {who} who forgot {thing} {where}", "It was {who} who forgot {thing} {where}, of all people"),
    "can-lend": ("Can you lend me {a~ {object}|{few} pounds|your {object}} until {day}", "Can in hand, {who} went out to water the {plant} {when}"),
    "could-explain": ("Could {who} explain the {subject} homework again", "{^who} could explain {subject} so that even a~ {animal} would have understood"),
    "would-mind": ("Would you mind if {who} stayed {where} until {day}", "You would not mind if {who} stayed {where} until {day}, you said"),
    "should-we": ("Should we take the {vehicle} or walk to the {building}", "Should there be {weather}, we take the {vehicle} to the {building}"),
    "will-come": ("Will {first} come to {city} {when} or stay at home", "Will came to {city} {when} and stayed with {who}"),
    "have-you": ("Have you ever been to {country} in {season}", "Have patience: {country} is at its best in {season}"),
    "has-anyone": ("Has anyone seen {thing} since {day}", "Hardly anyone has seen {thing} since {day}"),
    "may-i": ("May I ask how old {who} was when the {building} closed", "May was warm, and the {building} closed {when} for want of visitors"),
    "tell-me": ("{Please tell me|Tell me}, how did {who} manage to {task}", "{Please tell|Tell} {who} how you managed to {task} {when}"),
    "and-if": ("And if there is {weather} {when}, what will {who} do", "And if there is {weather} {when}, {who} will simply {task}"),
    "so-far": ("So you have never met {who}, not even {where}", "So far I have never met {who}, not even {where}"),
    "excuse": ("Excuse me, is this the {vehicle} to {city} or the one to {city}", "Excuse the noise, this is the {vehicle} to {city}, and it needs new brakes"),
    "in-which": ("In which month do the {plant} flower {where}", "In the month when the {plant} flower, {who} never leaves {town}"),
    "to-whom": ("To whom does {thing} {where} belong", "To whom it may concern: {thing} {where} belongs to {who}"),
    "since-when": ("Since when does {who} like {food}", "Since {month} {who} has liked {food}, which surprises the whole family"),
    "after-all": ("After all these years, do you still think of {town}", "After all these years, {who} still thinks of {town} and of the {food} there"),
    "what-if": ("What happens if nobody wants to {task}", "What happens if nobody wants to {task} is easy to guess"),
    "you-think": ("You think {who} would notice if we moved {thing}", "You think of {who} at once when you see {thing}"),
    "shall-we": ("Shall we meet {where} at {hour} or later", "We shall meet {where} at {hour} or a little later"),
    "isnt": ("Isn't that the {job} who sold us {thing} {when}", "That isn't the {job} who sold us {thing} {when}"),
    "or-not": ("Did the {vehicle} stop at {town} or not", "Whether the {vehicle} stopped at {town} or not, {who} got out"),
    "how-come": ("How come {who} never eats {food}", "How {who} came to dislike {food} is a long story"),
    "at-what": ("At what time does the last {vehicle} leave for {town}", "At that time the last {vehicle} left for {town} {when}"),
    "any-idea": ("Any idea where {who} put {thing}", "Any child could have told {who} where {thing} was"),
}

LISTS["tail2"] = ["{when}", "in {season}", "during the holidays", "after the repairs"]


def _signed(template, question):
    def fill(grammar):
        text = grammar.fill(template)
        text = text[0].upper() + text[1:]
        dice = grammar.rng.below(100)
        if question:
            return text + ("?" if dice < 24 else "" if dice < 62 else "." if dice < 94 else "…")
        return text + ("" if dice < 50 else "." if dice < 92 else "…")

    return fill


def templates():
    made = []
    for group, (question, statement) in FRAMES.items():
        made.append(("question", group, _signed(question, True)))
        made.append(("statement", group, _signed(statement, False)))
    return made


def grammar(rng):
    return Grammar(rng, LISTS)
