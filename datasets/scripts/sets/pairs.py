"""Tense, formality, numbers and sarcasm: each frame is filled for both labels."""

from core import Grammar
from sets.frames import halves, paired
from sets.lexicon import ENGLISH, number

# Tense. `<past/present>`; times of day and places fit both.
TENSE = dict(ENGLISH)
TENSE.update(halves("move", ["walked/walks", "drove/drives", "ran/runs", "rode/rides", "hurried/hurries", "cycled/cycles", "went/goes", "came/comes"]))
TENSE.update(halves("make", ["built/builds", "painted/paints", "drew/draws", "sold/sells", "bought/buys", "cleaned/cleans", "mended/mends", "carried/carries", "hid/hides", "lent/lends"]))
TENSE.update(halves("say", ["said/says", "thought/thinks", "knew/knows", "believed/believes", "wrote/writes", "explained/explains", "feared/fears", "hoped/hopes"]))
TENSE.update(halves("be", ["was/is", "seemed/seems", "looked/looks", "became/becomes", "remained/remains"]))
TENSE.update(halves("eat", ["ate/eats", "cooked/cooks", "ordered/orders", "served/serves", "shared/shares", "prepared/prepares"]))
TENSE.update(halves("grow", ["grew/grow", "flourished/flourish", "prospered/prosper", "bloomed/bloom"]))
TENSE.update(halves("do", ["slept/sleeps", "sang/sings", "worked/works", "waited/waits", "read/studies", "laughed/laughs", "dreamt/dreams", "taught/teaches"]))
TENSE.update({
    "who": ["{first}", "the {job}", "my {relative}", "Mr {surname}", "the old {job}", "our {relative}"], "at": ["in the evening", "on {day}", "before noon", "at {hour} o'clock", "in {month}", "after dark", "in {season}"],
    "state": ["tired", "empty", "quiet", "too expensive", "famous", "cold", "crowded", "dangerous", "beautiful"], "manner": ["slowly", "alone", "gladly", "without a word", "with great care", "in a hurry"],
})

TENSE["food"] = ["bread", "soup", "fish", "rice", "stew", "cheese", "porridge"]

TENSES = {
    "walk": "{^who} {move~} to the {building} {at} and {make~} a~ {object}.",
    "say": "{^who} {say~} that the {building} {be~} {state}.",
    "cook": "{^at}, {who} {eat~} {food} for {few} guests and {do~} {manner}.",
    "plants": "The {plant} {grow~} well near the {building}, {who} {say~}, although the soil {be~} poor.",
    "weather": "There <was/is> {weather} {at}, and the {train|bus|ferry|tram} to {town} <did/does> not run.",
    "work": "{^who} {do~} {manner} in the {room} while {who} {make~} the {object}.",
    "price": "A~ {object} <cost/costs> {tens} pounds in {city}, which {who} {say~} <was/is> far too much.",
    "animal": "The {animal} <lay/lies> behind the {building} and nobody <dared/dares> to touch it {at}.",
    "live": "{^who} <lived/lives> in {town} with {few} {animal}s and <had/has> no {vehicle}.",
    "learn": "The pupils <learnt/learn> {subject} {at}; {who} <showed/shows> them how to use a~ {object}.",
    "road": "The road from {city#1} to {city#2} <ran/runs> along the sea and {be~} {state} {at}.",
    "light": "A~ {colour} light <shone/shines> from the {room}; {who} {say~} that it <meant/means> {weather}.",
    "if": "When there <was/is> {weather}, {who} {move~} home {manner}.",
    "never": "{^who} never {make~} anything {at}, and the {building} {be~} {state}.",
    "open": "The {building} of {town} <opened/opens> at {hour} and <closed/closes> after dark; a~ {job} <kept/keeps> the key.",
    "birds": "{^few} birds <sat/sit> on the roof of the {building} and <watched/watch> the {animal} below.",
    "letters": "{^who} <received/receives> {few} letters {at} and <answered/answers> them {manner}.",
    "river": "Where the river <bent/bends>, there <stood/stands> a~ {building} in which {who} <kept/keeps> a~ {colour} {object}.",
    "which": "The {object} that <hung/hangs> in the {room} <belonged/belongs> to {who}.",
    "because": "Because the {vehicle} {be~} {state}, {who} <went/goes> on foot {at}.",
    "children": "The children <brought/bring> {plant} and {food}, and {who} <gave/gives> them a~ {object}.",
    "game": "{^town} <won/wins> the match by {few} points, and {who} <danced/dances> in the {building}.",
    "sea": "{^manner}, the ship <left/leaves> {city} {at}; only {who} <stood/stands> on the quay.",
    "clock": "The clock in the {room} <struck/strikes> {few} and {who} <rose/rises> from the chair.",
    "snow": "Snow <fell/falls> on {town} {at}, and the {plant} <vanished/vanish> under it.",
    "teacher": "Nobody <understood/understands> {subject} as well as {who}, who {do~} {manner}.",
    "factory": "The factory in {city} <made/makes> {object}s and <employed/employs> {hundreds} people.",
    "dog": "The {job}'s {animal} <followed/follows> {who} to the {building} and <slept/sleeps> there.",
    "meal": "The {food} <tasted/tastes> of smoke, but {who} {eat~} it {manner}.",
    "house": "{^who} <owned/owns> a~ {colour} house in {town} that <had/has> {few} windows and no {room}.",
    "speak": "{^who} <spoke/speaks> {few} languages and {do~} in {country} {at}.",
    "lose": "{^who} <lost/loses> a~ {object} {at}, but <found/finds> it again in the {room}.",
    "stand": "At the gate <stood/stands> a~ {job} who <held/holds> a~ {object} and <said/says> nothing.",
    "meeting": "The committee <met/meets> {at} and <chose/chooses> {who} as its speaker.",
    "sing": "In {country} people <sang/sing> {at}, {who} {say~}, and <drank/drink> tea in the {building}.",
    "break": "The {object} <broke/breaks> whenever {who} <touched/touches> it, and it {be~} {state}.",
    "paint": "The picture <showed/shows> a~ {job} who {move~} {manner} through {weather}.",
    "keep": "{^who} <kept/keeps> the {plant} in the {room}, where it {be~} warm.",
    "ask": "{^first#1} <asked/asks> where the {building} <was/is>, and {who} <pointed/points> to the north.",
    "wind": "The wind <blew/blows> {at}, the doors <shook/shake>, and {who} {do~} {manner}.",
    "feel": "{^who} <felt/feels> {state2} {at} and <took/takes> the {vehicle} to {city}.",
    "begin": "The lesson <began/begins> {at} and <ended/ends> with {weather} and {food}.",
}
TENSE["state2"] = ["lonely", "cheerful", "restless", "hungry", "proud", "ill", "homesick"]

# Formality. `<formal/informal>`.
FORMAL = dict(ENGLISH)
FORMAL.update(halves("hello", ["Dear Sir or Madam,/Hey there,", "Dear Ms {surname},/Hi {woman},", "Dear Mr {surname},/Hiya {man},", "Good morning,/Morning!", "Dear colleagues,/Hi all,"]))
FORMAL.update(halves("bye", ["Yours faithfully, {first} {surname}/Cheers, {first}", "With kind regards, {first} {surname}/See ya, {first}", "Yours sincerely, {surname}/Bye for now, {first}", "Respectfully, {first} {surname}/Take care, {first} x"]))
FORMAL.update(halves("very", ["exceedingly/dead", "highly/super", "rather/way", "extremely/so", "particularly/really"]))
FORMAL.update(halves("kid", ["children/kids", "students/lads", "gentlemen/guys", "colleagues/mates", "guests/folks"]))
FORMAL.update(halves("good", ["excellent/awesome", "satisfactory/okay", "most pleasing/pretty neat", "of high quality/really cool", "entirely adequate/fine"]))
FORMAL.update(halves("bad", ["unacceptable/rubbish", "unsatisfactory/crap", "regrettable/a real bummer", "inadequate/lousy", "deplorable/gross"]))
FORMAL.update(halves("get", ["obtain/get", "purchase/grab", "acquire/pick up", "procure/nab"]))
FORMAL.update(halves("soon", ["at your earliest convenience/asap", "without delay/right away", "in due course/some time soon", "promptly/quick as you can"]))
FORMAL.update({"doc": ["form", "letter", "report", "list", "plan", "ticket", "bill", "contract"]})

FORMALITY = {
    "mail-form": "{hello~} <please find enclosed/here's> the {doc} for {month}. <I should be grateful for your reply/Let me know> {soon~}. {bye~}",
    "mail-late": "{hello~} <I apologise for the delay in replying/sorry I'm late with this>. The {doc} <will be sent/is coming> on {day}. {bye~}",
    "mail-meeting": "{hello~} <I regret that I am unable to attend/sorry, can't make it to> the meeting on {day}. <May I suggest/How about> {day2} instead? {bye~}",
    "mail-object": "{hello~} <I wish to enquire whether you are willing to lend me/can I borrow> your {object} <until/till> {day}<./?> {bye~}",
    "mail-thanks": "{hello~} <I am much obliged to you for/thanks a lot for> the {object}. It is {good~}. {bye~}",
    "mail-noise": "{hello~} <I must draw your attention to/just wanted to moan about> the noise from the {room} on {day}. It is {bad~}. {bye~}",
    "food": "The {food} <which was served/we got> at the {building} on {day} was {good~}, and the {kid~} <requested a second portion/wanted more>.",
    "hotel": "<We regret to report that the room was/Ugh, the room was> {bad~} and the {object} {very~} old.",
    "buy": "<It is advisable to/You'd better> {get~} a~ {object} before {day}, <as the price is expected to rise/cos it's gonna cost more>.",
    "weather": "<Owing to/Because of all the> {weather} in {city}, <all departures have been cancelled/nothing's running>; the {kid~} <are requested to/should just> wait in the {building}.",
    "rules": "<Visitors are not permitted to/You can't> enter the {room} <unless accompanied by/without> a~ {job}.",
    "phone": "<Kindly telephone/Give me a ring at> the {building} <should you require/if you need> a~ {object} on {day}.",
    "work": "<The undersigned has been employed as/I've been> a~ {job} in {city} <for a period of/for, like,> {few} years.",
    "party": "<You are cordially invited to a reception/Come to my party> at the {building} on {day}; <dress is formal/wear whatever>.",
    "result": "<The results of the examination in/My marks in> {subject} were {good~}, <which was a source of great satisfaction/so I'm over the moon>.",
    "repair": "The {vehicle} <requires/needs> a new {part}, <a fact of which we were not informed/which nobody told us>. <This is/That's> {bad~}.",
    "ask": "<Would you be so kind as to/Could you> water the {plant} <during my absence/while I'm away>? <I shall return/I'm back> on {day}.",
    "money": "<The outstanding sum of {tens} pounds is to be paid/You still owe me {tens} quid, so pay up> {soon~}.",
    "kids": "The {kid~} <conducted themselves admirably/were great> at the {building}< and are to be commended/, so well done them>.",
    "advice": "<One ought to refrain from speaking/Don't chat> in the library, <as it disturbs/it bugs> the {kid~}.",
    "travel": "<Passengers travelling to/If you're off to> {city}< are advised that/, heads up:> the {vehicle} <departs/goes> at {hour} o'clock.",
    "news": "<It has come to our attention that/Guess what,> {first} {surname} <has relinquished the post of/isn't a~> {job} <in/any more in> {town}.",
    "apology": "<Please accept our sincere apologies for/So sorry about> the {object}; it was {very~} {careless2}.",
    "film": "<In my considered opinion/If you ask me,> the film is {good~}<, although somewhat lengthy/, just goes on a bit>.",
    "doctor": "<The physician recommends that the patient abstain from/Doc says lay off> {food} <until further notice/for a bit>.",
    "animal": "<The owner of the {animal} is requested to collect it/Whoever's {animal} this is, come and get it> from the {building} {soon~}.",
    "question": "<I should like to know at what time/What time> <the {building} opens/does the {building} open> on {day}, <if you would be so kind./mate?>",
    "offer": "<We are pleased to offer you/How'd you like> the {colour} {object} for {tens} <pounds/quid>; <delivery is included/I'll even drop it off>.",
    "school": "<The pupil displays little interest in/The kid's bored stiff by> {subject} and <is frequently inattentive/messes about a lot>.",
    "house": "<The property comprises/It's got> {few} rooms and a~ {room}, and is {very~} quiet.",
    "shop": "<Goods may be returned within/You can bring stuff back for> {few} weeks, <provided that/as long as> the {object} <remains unused/is still okay>.",
    "wait": "<Your patience is appreciated/Hang on>; a~ {job} <will attend to you/will be with you> {soon~}.",
    "sport": "The team from {town} <was defeated/got hammered> on {day}, <a disappointing outcome/what a shame>, and the {kid~} <departed early/left early>.",
    "computer": "<The device must be restarted/Just turn it off and on> before the {doc} <can be printed/will print>. <Should difficulties persist/If it's still stuck>, ask {first}.",
    "garden": "<It is recommended to plant/Stick> the {plant} <in a sheltered position/somewhere out of the wind>, <where they will flourish/they'll love it>.",
    "speech": "<Permit me to express my gratitude to/A big shout-out to> the {kid~} from {city}, <without whose assistance/cos without them> the {building} would be empty.",
    "complaint": "<I was dismayed to discover that/Can't believe> the {object} was {bad~}. <I trust that the sum will be refunded/I want my money back> {soon~}.",
    "invite": "<It would give us great pleasure if you joined us/Fancy joining us> for {food} at {hour} on {day}<./?>",
    "street": "<Pedestrians are urged to exercise caution/Watch out> near the {building}: the {rain|ice|snow|frost} has made it {very~} slippery.",
    "holiday": "<During our stay in/When we were in> {city} we <had occasion to visit/popped into> the {building}, <which proved/it was> {good~}.",
    "job-offer": "<We regret to inform you that/Bad news:> the post of {job} in {city} <has been filled/is gone>. <We wish you success/Good luck anyway>.",
    "lost": "<The article in question, a/My> {colour} {object}<, was mislaid/ went missing> near the {building} on {day}. <A reward is offered/I'll buy you a drink if you find it>.",
}
FORMAL.update({"day2": ["Monday", "Tuesday", "Thursday"], "part": ["battery", "tyre", "mirror", "lock"], "careless2": ["careless of me", "thoughtless of us", "clumsy of me"]})

# Numbers: a stated number against a vague amount. `<exact/vague>`; a quarter of the exact ones in digits.
UNITS = "two three four five six seven eight nine eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SINGLE = "one two three four five six seven eight nine".split()


def _exact(rng):
    dice = rng.below(100)
    if dice < 24:
        return str(rng.between(2, 99) if rng.chance(70) else rng.between(100, 400))
    if dice < 50:
        return rng.choice(UNITS)
    if dice < 70:
        return rng.choice(TENS)
    if dice < 90:
        return rng.choice(TENS) + "-" + rng.choice(SINGLE)
    return rng.choice(UNITS[:8]) + " hundred"


NUMBERS = {
    key: value for key, value in ENGLISH.items() if key not in ("few", "digit", "tens", "hundreds", "percent", "dayno", "hour", "year", "oldyear", "newyear")
}
NUMBERS.update({
    "n0": [_exact], "n1": ["several", "a few", "many", "some", "countless", "various", "quite a few", "a handful of", "plenty of", "scores of", "numerous", "a fair number of", "any number of", "a great many"],
    "who": ["{first}", "the {job}", "my {relative}", "Mrs {surname}"],
})
NUMBER_FRAMES = {
    "animals": "There were {n~} {animal}s behind the {building} when {who} arrived in {town}.",
    "objects": "{^who} bought {n~} {object}s at the market and gave them to {who}.",
    "days": "It rained for {n~} days in {city}, and the {vehicle} to {town} did not run.",
    "people": "{^n~} people came to the {building} on {day} to hear {who} speak.",
    "letters": "{^who} wrote {n~} letters from {country} before the {weather} came.",
    "houses": "The village has {n~} houses, a~ {building} and a~ {job} who owns a~ {vehicle}.",
    "plants": "Behind the {building}, {who} planted {n~} {plant} and a hedge.",
    "songs": "{^who} knows {n~} songs about {country}, most of them sad.",
    "miles": "We walked {n~} miles through {weather} until we saw the {building} of {town}.",
    "rooms": "{^n~} rooms were painted {colour} by {who} and the others left as they were.",
    "stamps": "In the {room} lay {n~} stamps from {country}, which {who} had saved.",
    "coins": "{^who} found {n~} coins under the floor of the {room} in {month}.",
    "pupils": "{^n~} pupils chose {subject} this year, {who} told the paper.",
    "steps": "From the {room} it is {n~} steps down to the {room}, where the {object} stands.",
    "guests": "For {n~} guests {who} cooked {food} and hardly anything was left.",
    "trains": "{^n~} {vehicle}s pass the {building} on {day}, and {who} watches them all.",
    "pages": "The diary has {n~} pages about {city} and not a line about {who}.",
    "photos": "{^who} took {n~} photographs of the {animal} near the {building}.",
    "windows": "The storm broke {n~} windows of the {building} and frightened {who}.",
    "weeks": "After {n~} weeks in {city}, {who} began to miss the {food} at home.",
    "towns": "{^who} has worked as a~ {job} in {n~} towns and liked {town} best.",
    "boxes": "They carried {n~} boxes of {plant} to the {building} in the {weather}.",
    "mistakes": "The {subject} test had {n~} mistakes in it, and {who} found them all.",
    "visits": "{^n~} visits to {country} have taught {who} to be patient.",
    "bridges": "The river of {town} has {n~} bridges, of which {who} built the {colour} one.",
    "chairs": "In the {building} stood {n~} chairs and a~ {object}, nothing else.",
    "nights": "For {n~} nights the {animal} sat before the {building} and howled at the {weather}.",
    "workers": "The mill employs {n~} workers; {who} is the only {job} among them.",
    "apples": "{^who} counted {n~} apples, threw one to the {animal} and ate another.",
    "islands": "Off the coast of {country} lie {n~} islands that {who} drew on a~ {colour} map.",
    "questions": "{^who} asked {n~} questions about the {object}, and nobody knew the answers.",
    "lamps": "{^n~} lamps burned in the {room} while {who} searched for the {object}.",
    "friends": "{^n~} friends of {who} live in {city} and work as {job}s.",
    "dogs": "In {town} there are {n~} dogs, and all of them know {who}.",
    "hours": "The {vehicle} stood in the {weather} for {n~} hours before {who} mended it.",
    "tickets": "{^who} sold {n~} tickets for the {vehicle} to {city} on {day}.",
    "ships": "{^n~} ships lay before {city} that {season}, loaded with {plant}.",
    "books": "On the shelf in the {room} are {n~} books on {subject}.",
    "eggs": "{^who} carried {n~} eggs across {town} without breaking any.",
    "kings": "{^n~} kings ruled {country}, as {who} learnt in {subject}.",
}

# Sarcasm: warm or cold words for a fine or a bad turn of things. Warm words for bad news and cold words for good news are sarcastic.
SARCASM = dict(ENGLISH)
SARCASM.update({
    "warm": ["Wonderful", "Oh great", "How lovely", "Fantastic", "Just what I needed", "Lucky me", "What a joy", "Brilliant", "Splendid", "I could not be happier", "What a treat", "Marvellous"],
    "cold": ["How awful", "Oh no", "What a nuisance", "Terrible", "Just what I feared", "Poor me", "What a pity", "Dreadful", "How sad", "I could cry", "What a shame", "Horrible"],
    "sep": [":", ",", " –", "."],
})
SARCASM["food"] = ["bread", "soup", "fish", "rice", "stew", "roast", "pie"]
SITUATIONS = {
    "train": ("the {vehicle} to {city} is {tens} minutes late again", "the {vehicle} to {city} came exactly on time for once"),
    "boss": ("my boss wants me to work on {day} as well", "my boss has given me {day} off"),
    "weather": ("{few} days of holiday and {few} days of rain", "{few} days of holiday and not a cloud in {city}"),
    "computer": ("the computer crashed and took {few} hours of work with it", "the computer saved {few} hours of work just before the power failed"),
    "food": ("the {food} is burnt and the guests arrive at {hour}", "the {food} turned out well and the guests arrive at {hour}"),
    "neighbour": ("our neighbour is learning the trumpet, in the {room} next to mine", "our neighbour has brought us {food} and a~ {object}"),
    "bill": ("a bill of {hundreds} pounds for a~ {object} I never ordered", "a refund of {hundreds} pounds for the {object} I sent back"),
    "exam": ("I failed the {subject} exam by {few} points", "I passed the {subject} exam with {few} points to spare"),
    "queue": ("{few} people at the counter before me and a~ {job} who counts coins", "nobody at the counter before me and a~ {job} who smiles"),
    "meeting": ("another meeting of {few} hours about the {colour} {object}", "the meeting of {few} hours about the {colour} {object} is cancelled"),
    "car": ("the {vehicle} broke down in the {weather} outside {town}", "the {vehicle} runs like new, even in the {weather} outside {town}"),
    "dog": ("the {animal} has eaten my {subject} homework", "the {animal} has found the keys I lost in the {room}"),
    "shop": ("I waited {few} weeks for a~ {object} and they sent the wrong one", "I waited one day for a~ {object} and they sent {few} spare parts as well"),
    "phone": ("{tens} minutes of music on the phone, and then they hung up", "one call, and a~ {job} solved it in {few} minutes"),
    "house": ("the roof leaks over the {room} since {month}", "the roof over the {room} is finally mended"),
    "garden": ("the {animal}s have eaten all the {plant}", "the {plant} have won first prize in {town}"),
    "match": ("we lost by {few} goals against {town}", "we beat {town} by {few} goals"),
    "film": ("{few} hours of film and not one scene I had not guessed", "{few} hours of film and I never once looked at the clock"),
    "hotel": ("a room over the {building} with {few} mosquitoes and no window", "a room over the sea with {few} windows and breakfast in bed"),
    "friend": ("{first} told everybody in {town} what I said in secret", "{first} came all the way from {city} to help me move"),
    "teeth": ("the dentist found {few} holes and has time on {day}", "the dentist found nothing and sent me home"),
    "snow": ("{weather} again, and the heating in the {room} has died", "sunshine again, and the windows of the {room} wide open"),
    "luggage": ("my suitcase flew to {city} without me", "my suitcase was the first on the belt in {city}"),
    "cake": ("somebody sat on the cake I baked for {first}", "somebody baked a cake for me, {first} I think"),
    "lottery": ("I missed the prize by one number, as in {month}", "I won {hundreds} pounds with the first number I drew"),
    "street": ("they are digging up our street at {hour} in the morning", "they have planted {few} trees in our street"),
    "coffee": ("the coffee machine is out of order and it is {day}", "the coffee machine is mended and it is {day}"),
    "package": ("the parcel from {country} arrived in {few} pieces", "the parcel from {country} arrived {few} days early"),
    "visit": ("my {relative} is staying for {few} more weeks in my only room", "my {relative} cooked for us and did the dishes as well"),
    "tax": ("the office lost my papers and wants all {few} forms again", "the office found its mistake and paid me back"),
    "paint": ("the {animal} walked over the wet paint in the {room}", "the {room} is painted and looks twice as large"),
    "key": ("I locked myself out, in the {weather}, without shoes", "I found the spare key under the {object}, where {first} had left it"),
    "update": ("the new version has removed the one button I used", "the new version has the one button I asked for"),
    "ticket": ("a parking fine of {tens} pounds for {few} minutes", "the warden let me off with a smile and a wave"),
    "bus": ("the {vehicle} drove off while I was showing my ticket", "the {vehicle} waited for me although I was {few} minutes late"),
    "diet": ("{few} weeks of salad and I have gained weight", "{few} weeks of cake and I have lost weight"),
    "laundry": ("one {colour} sock, and all my shirts are {colour} now", "all my shirts came out clean, even the {colour} one"),
    "work": ("they gave my idea to {surname} and him the prize", "they liked my idea and gave me the prize"),
    "cold": ("I have caught a cold on the first day of my holiday", "my cold is gone on the first day of my holiday"),
    "book": ("the last {few} pages of the book are missing", "there are {few} more books by the same writer"),
}


def _remark(tone, situation):
    def fill(grammar):
        opening, words = grammar.fill("{%s}" % tone), grammar.fill(situation)
        sep = grammar.fill("{sep}")
        if grammar.rng.chance(30):
            return words[0].upper() + words[1:] + ". " + opening + "."
        return opening + sep + " " + (words[0].upper() + words[1:] if sep == "." else words) + "."

    return fill


def tense_templates():
    return paired(TENSES, ("past", "present"))


def _without_apostrophes(template):
    """Half of the informal texts leave their apostrophes out, as quick messages do."""

    def fill(grammar):
        text = grammar.fill(template)
        return text.replace("'", "") if grammar.rng.chance(50) else text

    return fill


def formality_templates():
    made = paired(FORMALITY, ("formal", "informal"))
    return [(label, group, _without_apostrophes(template) if label == "informal" else template) for label, group, template in made]


def number_templates():
    return paired(NUMBER_FRAMES, ("number", "vague"))


def sarcasm_templates():
    made = []
    for group, (bad, good) in SITUATIONS.items():
        made += [("sarcastic", group, _remark("warm", bad)), ("sarcastic", group, _remark("cold", good)), ("sincere", group, _remark("warm", good)), ("sincere", group, _remark("cold", bad))]
    return made
