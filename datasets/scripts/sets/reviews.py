"""Opinions on films, books, meals, journeys, machines and work. Every frame is written once and filled for both sides, so that topic, length and
punctuation say nothing: `<a/b>` is the positive and the negative wording, and a list named `adj~` has a positive and a negative half."""

import re

from core import Grammar, two_sided
from sets.lexicon import ENGLISH

LISTS = dict(ENGLISH)
LISTS.update({
    "adj+": "wonderful charming moving clever delightful brilliant warm gripping graceful witty inspired tender absorbing lively superb touching fresh elegant satisfying memorable".split(),
    "adj-": "tedious clumsy shallow dull dreary lifeless tiresome messy forgettable bland pretentious lazy hollow stale awkward predictable grating feeble joyless sloppy".split(),
    "adv+": "beautifully wonderfully surprisingly remarkably delightfully".split(),
    "adv-": "painfully hopelessly dreadfully unbearably miserably".split(),
    "feel+": ["delighted", "grateful", "thrilled", "charmed", "impressed", "happy", "moved", "cheered up"],
    "feel-": ["disappointed", "annoyed", "bored", "cheated", "let down", "unhappy", "irritated", "worn out"],
    "noun+": ["joy", "triumph", "treat", "gem", "pleasure", "small miracle", "delight", "success"],
    "noun-": ["mess", "failure", "chore", "letdown", "waste of time", "disaster", "bore", "disappointment"],
    "serve+": ["friendly", "attentive", "patient", "helpful", "kind", "quick", "generous"],
    "serve-": ["rude", "careless", "impatient", "useless", "unkind", "slow", "arrogant"],
    "taste+": ["delicious", "fresh", "perfectly cooked", "full of flavour", "crisp and light", "the best I have had in years"],
    "taste-": ["tasteless", "stale", "badly overcooked", "swimming in grease", "soggy and cold", "the worst I have had in years"],
    "eat+": ["excellent", "lovely", "superb", "wonderful", "splendid", "generous"],
    "eat-": ["awful", "poor", "dismal", "dreadful", "meagre", "bland"],
    "work+": ["works flawlessly", "is a pleasure to use", "does its job without fuss", "has never let me down", "starts in a second"],
    "work-": ["breaks all the time", "is a nuisance to use", "fails at the simplest job", "has let me down every day", "takes ages to start"],
    "film": ["film", "comedy", "thriller", "drama", "documentary", "sequel", "western", "musical", "romance", "mystery"],
    "part": ["plot", "dialogue", "acting", "music", "camera work", "ending", "script", "editing", "opening", "humour"],
    "work": ["novel", "memoir", "biography", "collection of stories", "play", "guidebook", "cookbook", "history"],
    "dish": ["soup", "steak", "pasta", "curry", "fish", "salad", "pie", "risotto", "dessert", "omelette"],
    "place": ["hotel", "guest house", "campsite", "hostel", "inn", "holiday flat"],
    "thing": ["vacuum cleaner", "phone", "coffee machine", "printer", "radio", "toaster", "washing machine", "lawn mower", "keyboard", "heater"],
    "person": ["the director", "the lead actress", "the author", "the writer", "young {surname}", "{first} {surname}"],
    "event": ["concert", "lecture", "course", "guided tour", "workshop", "exhibition", "festival", "conference"],
    "long": ["two hours", "ninety minutes", "three hundred pages", "a whole evening", "one long afternoon"],
})

FRAMES = {
    "film-overall": "{A~ {adj~} {film}|A~ {adj~} and {adj~} {film}} that <never loses its footing/never finds its footing> and leaves you {feel~}.",
    "film-part": "The {part} is {adj~}, the {part} {adv~} <well judged/ill judged>, and the whole {film} feels like a~ {noun~}.",
    "film-director": "{^person} has made a~ {adj~} {film} about {a~ {job}|a family in {city}|two old friends|a lost {animal}}, and <I would watch it again tomorrow/I could hardly sit through it>.",
    "film-minutes": "After {tens} minutes I <had forgotten the time/was looking at the clock>; by the end of the {film} I was simply {feel~}.",
    "film-expect": "I expected <little/a lot> from this {film} and got <far more/far less> than I had hoped for: a~ {adj~} story with <real feeling/no feeling>.",
    "film-laugh": "<Not a single joke falls flat/Not a single joke lands> in this {adj~} {film}, and the {part} is {adj~}.",
    "film-cast": "{^person} is {adj~} as the {job}, and the rest of the cast <rises to the occasion/sinks without a trace>.",
    "film-compare": "Unlike the last {film} by {first} {surname}, this one is {adj~} and <richly rewards patience/badly tests patience>.",
    "film-children": "We took the children to the {film} on {day}, and <they talked about it all week/they begged us to leave>. A~ {noun~}.",
    "film-despite": "<For all its flaws/For all its ambition>, the {film} is {adj~}, {adj~} and <oddly lovable/oddly charmless>.",
    "film-script": "The script gives {person} <plenty to play with/nothing to play with>, and the {adj~} {part} does <the rest/no better>.",
    "film-ending": "Only the ending {saves|explains} what this {film} is: a~ {adj~} piece of work with <a big heart/no heart at all>.",
    "film-critics": "The critics <were right to praise/should never have praised> it; the {film} is a~ {noun~}, {adv~} <paced/slow>.",
    "book-read": "I read the {work} in {month} and <could not put it down/could hardly finish it>. {^person} writes {adj~} sentences.",
    "book-chapter": "From the first chapter on, the {work} is {adj~}; <each page brings a surprise/each page drags like the last>.",
    "book-characters": "The characters in this {work} are {adj~} and <feel like old friends/feel like cardboard>, above all the {job} from {town}.",
    "book-gift": "My {relative} gave me this {adj~} {work} for my birthday, and I am {feel~}: <what a find/what a pity> it is.",
    "book-second": "{^person}'s second {work} is <even better/even worse> than the first, {adj~} in tone and {adv~} <put together/padded out>.",
    "meal-dish": "The {dish#1} was {taste~} and the {dish#2} {eat~}; we <shall be back soon/shall not be back>.",
    "meal-waiter": "Our waiter was {serve~}, the {dish} {taste~}, and for once the bill <was a pleasant surprise/was an unpleasant shock>.",
    "meal-wait": "We <hardly waited at all/waited nearly an hour> for the {dish}, and when it came it was {taste~}.",
    "meal-birthday": "For my {relative}'s birthday we booked a table at the {building} in {city}, and everyone was {feel~}: {eat~} food, {serve~} staff.",
    "meal-recipe": "I tried the recipe for {dish} on {day}. <Everyone asked for more/Nobody wanted more>; it was {taste~}.",
    "hotel-room": "The {place} in {city} was <spotless/filthy>, the staff {serve~}, and <we slept like babies/we never slept a wink>.",
    "hotel-staff": "The people at the {place} were {serve~} from the first minute, and I left {city} {feel~}.",
    "hotel-view": "<A lovely view/A wall in front of the window>, {a~ {serve~} landlord|a~ {serve~} porter}, breakfast {taste~}: our {place} in {city} was a~ {noun~}.",
    "trip-train": "The journey from {city#1} to {city#2} was a~ {noun~}: {serve~} conductors, <clean seats/dirty seats> and a~ <punctual arrival/late arrival>.",
    "trip-guide": "Our guide, a~ former {job}, was {serve~}, and the {walk|boat trip|guided tour|bus ride} through {city} was {adj~}.",
    "trip-weather": "Whatever the weather, {city} <is a joy to explore/is a misery to get around>; we came home {feel~} after {few} days.",
    "machine-use": "The new {thing} {work~}, and after {few} weeks I am {feel~} with it.",
    "machine-help": "I called about my {thing} on {day}; the woman on the line was {serve~}, and the trouble was <gone in a minute/worse than before>.",
    "machine-price": "For {tens} pounds this {thing} is a~ {noun~}. It {work~} and looks <smart/cheap> in the {room}.",
    "machine-replace": "I bought the {thing} to replace one that was {digit} years old, and <I only wish I had done so sooner/I only wish I had kept the old one>. It {work~}.",
    "machine-manual": "The manual is <clear/baffling>, the {thing} {work~}, and my {relative} is {feel~}.",
    "event-evening": "The {event} on {day} was {adj~}; we <stayed until the very end/left long before the end>, {feel~}.",
    "event-speaker": "{^person} spoke for {long} and was {adj~} throughout; <people stood up to clap/people got up to go>.",
    "event-organised": "The {event} was <well organised/badly organised> and the speakers {adj~}. I <warmly recommend it/cannot recommend it>.",
    "event-money": "{^tens} euros for the {event} was <money well spent/money thrown away>: {adj~}, {adj~} and <over too soon/far too long>.",
    "job-boss": "My {boss|manager|supervisor} at the {building} is {serve~}, and I go to work {feel~} every {day}.",
    "job-team": "Working with the team in {city} has been a~ {noun~}; they are {serve~} and <full of ideas/out of ideas>.",
    "shop-service": "The {job} who sold me the {object#1} was {serve~}; the {object#1} itself is {adv~} <made/flimsy>.",
    "shop-order": "I ordered a~ {colour} {object} on {day} and it <came the next morning/never came>. {Their people are {serve~}|The staff are {serve~}}, and I am {feel~}.",
    "house-move": "Since we moved to {town} we have been {feel~}: the neighbours are {serve~} and the house is a~ {noun~}.",
    "music-album": "{^person}'s new record is {adj~}, the songs <linger for days/blur into one another>, and the {singing|playing|last song|drumming} is a~ {noun~}.",
    "teacher": "Our {subject} teacher is {serve~}, her lessons are {adj~}, and the class <adores/dreads> her.",
    "game": "The second half was {adj~}; we <played with heart/played without heart> and went home {feel~}.",
}


def _side(template, positive):
    template = re.sub(r"<([^<>/]*)/([^<>/]*)>", lambda m: m.group(1 if positive else 2), template)
    return template.replace("~}", "+}" if positive else "-}")


def templates():
    return two_sided(FRAMES, _side)


def grammar(rng):
    return Grammar(rng, dict(LISTS))
