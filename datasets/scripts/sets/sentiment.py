"""Opinions, most of them on films, shows and books. A frame is written once and filled for both sides, so that topic, length and punctuation say
nothing: `<a|b/c|d>` draws one of the favourable and one of the unfavourable wordings. No word that carries a judgement occurs in two frames, which
`shared_words` makes sure of: a probe that learnt words could not pass from one frame to another."""

import re

from core import Grammar, two_sided
from sets.lexicon import ENGLISH

LISTS = dict(ENGLISH)
LISTS.update({
    "film": ["film", "comedy", "thriller", "drama", "documentary", "sequel", "western", "musical", "romance", "mystery", "picture", "movie"],
    "book": ["novel", "memoir", "biography", "collection of stories", "guidebook", "history", "first novel", "second novel"],
    "show": ["play", "series", "opera", "ballet", "revue", "concert", "sitcom", "puppet show"],
    "dish": ["soup", "steak", "pasta", "curry", "salad", "pie", "risotto", "omelette"],
    "place": ["hotel", "guest house", "campsite", "hostel", "inn", "holiday flat"],
    "thing": ["vacuum cleaner", "phone", "coffee machine", "printer", "radio", "toaster", "washing machine", "heater"],
    "person": ["the director", "the lead actress", "the writer", "young {surname}", "{first} {surname}", "the star"],
    "name": ["{surname}", "{first} {surname}"],
    "theme": ["a~ {job}", "a family in {city}", "two old friends", "a lost {animal}", "a~ {job} and a~ {job}", "the last days of a~ {building}"],
})

FRAMES = {
    # Films.
    "film-overall": "A~ <wonderful|charming|exhilarating/tedious|clumsy|lifeless> {film} about {theme}, <full of grace|bursting with invention/devoid of interest|drained of colour>.",
    "film-part": "The {plot|ending|opening} is <gripping|ingenious/muddled|far-fetched>, the {music|camera work|editing} <dazzling|sublime/drab|deafening>.",
    "film-again": "{^name} has made a~ {film} that <I would gladly watch tomorrow|stays with you for weeks/I could hardly sit through|evaporates before the credits>.",
    "film-minutes": "After {tens} minutes I <had forgotten where I was|was on the edge of my seat/was looking at my watch|was longing to get out>.",
    "film-laugh": "The jokes <land every time|are hilarious|had the whole row howling/fall flat|are older than the actors|met with silence>, and {person} <never misses a beat|is a hoot/mugs without mercy|strains for effect>.",
    "film-cast": "{^name} is <radiant|magnetic|superb/wooden|miscast|unconvincing> as the {job}; the supporting players <match him|shine too/are no help|flounder beside him>.",
    "film-compare": "Unlike the last {film} by {name}, this one <richly rewards patience|grows on you/badly tests patience|wears out its welcome>.",
    "film-children": "Our children <begged to see it again|giggled from beginning to end|were spellbound/begged to go home|fidgeted and yawned|were fast asleep> in the {film} on {day}.",
    "film-flaws": "For all its {length|modesty|noise|ambition}, the {film} is <oddly lovable|disarming|endearing/oddly repellent|infuriating|off-putting>.",
    "film-script": "The script <crackles|dances|is a marvel of economy/creaks|is riddled with clichés|is a heap of loose ends>, whatever {person} may have done with it.",
    "film-heart": "It is a~ {film} with <a big heart|blood in its veins|genuine tenderness/an empty head|nothing to say|no pulse at all>.",
    "film-critics": "The critics <were right to praise it|undersold it/were right to pan it|oversold it>: a~ <triumph|gem|must-see/fiasco|dud|turkey>.",
    "film-truth": "What {name} finds in the story of {theme} is <honest|profound|quietly shattering/phoney|trite|simply exploitative>.",
    "film-sequel": "The second part is <a worthy successor|bolder than the first|fuller than anyone predicted/a shameless cash-in|a carbon copy of the first|staler than anyone predicted>.",
    "film-action": "The chases are <spectacular|nail-biting|staged with flair/incoherent|choppy|shot with no sense of space>, and so is the last half hour in the {building}.",
    "film-effects": "The effects are <stunning|eye-popping|seamless/cheap|laughable|second-rate>, and the tale of {theme} <is their equal|has real weight/disappears among them|is paper-thin>.",
    "film-fear": "As a horror film it <chills to the bone|is deliciously creepy/earns more snores than screams|is about as scary as a sandwich>.",
    "film-romance": "{^name} and {name} <have chemistry to spare|make you believe in love/have no chemistry whatever|make love look like homework> in this {film}.",
    "film-mind": "This is <intelligent|thought-provoking|razor-sharp/brainless|simple-minded|dim-witted> stuff, and at {tens} minutes <it flies by|not a scene is wasted/it drags|half of it is padding>.",
    "film-melodrama": "{^name} tells of {theme} <with restraint|without a false step|with rare delicacy/with a sledgehammer|in a flood of syrup|with crocodile tears>.",
    "film-style": "<Gorgeous|Ravishing|Exquisite|Hypnotic/Ugly|Murky|Garish|Monotonous> to look at and <alive|enthralling/inert|soporific> from the first shot in {city} to the last.",
    "film-debut": "As a first {film} it <announces a major talent|shows astonishing assurance|holds ample promise/betrays an amateur|shows how little the maker knows|holds no promise>.",
    "film-hero": "We <root for|come to adore|feel for/soon despise|cannot stand|tire of> the {job} at the centre of the {film}, whom {name} plays <with swagger|with nuance/by numbers|in one expression>.",
    "film-ending": "By the end I was <over the moon|walking on air|grinning from ear to ear/fuming|stupefied|wishing I had stayed at home>, and so was my {relative}.",
    "film-remake": "This remake <brings new life to|outshines|improves on/sucks the life out of|does violence to|tarnishes> the old {film}.",
    "film-message": "It makes its point about {the war|money|fame|the law} <deftly|subtly|in passing/ham-fistedly|preachily|at the top of its voice>.",
    "film-one-word": "In one word: <magnificent|brilliant|unforgettable|delightful|masterly/atrocious|abysmal|forgettable|dreadful|unwatchable>.",
    "film-two-words": "<Fresh and funny|Daring and dashing|Smart and sexy|Fierce and moving/Dull and dumb|Loud and vulgar|Slow and pointless|Smug and sour>, this {film}.",
    "film-noun": "What a~ <blessing|treat|knockout|revelation/bore|mess|travesty|shambles> {person} has given us this {season}!",
    "film-waste": "{^name} has <never been stronger|outdone himself|given his all/never been weaker|embarrassed himself|phoned it in>, and the {film} <soars|lifts off/sinks|stalls> with him.",
    "film-ticket": "<Not a penny too dear|Run to see it|Cancel your other plans/Save your money|Cross the street to avoid it|Demand a refund>: that is my advice on the new {film}.",
    "film-mixture": "Part {film}, part {film}, and <a complete winner|more than its parts|irresistible/a complete failure|less than its parts|insufferable> as either.",
    "film-dialogue": "The talk between the {job} and the {job} is <witty|snappy|a pleasure to hear/stilted|leaden|torture to hear>.",
    "film-world": "It <opens a window on|captures perfectly|illuminates/never begins to grasp|distorts|insults> the life of {theme}.",
    "film-comedy": "One of the <zaniest|cleverest|finest/lamest|crudest|stupidest|poorest> comedies of the {season}, with {name} as a~ {job}.",
    "film-expect": "I had been warned, yet the {film} is <far richer than I guessed|a happy discovery|winning/even more hollow than I guessed|a bitter letdown|grating>.",
    "film-energy": "It has <verve|zest|vitality and style|energy to burn/all the verve of a tax form|the spark of a wet match|a terminal lack of energy>.",
    "film-minor": "A small {film} about {theme}, <keenly observed|lovingly made|humane and wise/carelessly drawn|slapdash|cold and contrived>.",
    "film-fans": "Even those who like this sort of {film} will be <in heaven|overjoyed|tickled pink/appalled|up in arms|short-changed>.",
    "film-tension": "{^name} <tightens the screw expertly|leaves us gasping|builds suspense like a veteran/lets all tension leak out|gives the game up in the first reel|bungles every surprise>.",
    "film-adventure": "A~ <rousing|swashbuckling|rollicking/plodding|lumbering|by-the-book> adventure in which {name} and {name} <have a ball|win us over/look bewildered|sleepwalk> between {city} and {country}.",
    "film-portrait": "{^name}'s portrait of {theme} is <compassionate|clear-eyed|full of insight/condescending|shapeless|a string of platitudes>, and its {few} parts <fit together like clockwork|enrich one another/come to zero|repeat one another>.",
    "film-satire": "The {film} wants to be a satire on {money|fame|the law|the war}, and its aim is <deadly|true|on the mark/wide|off|toothless>.",
    "film-genre": "There are {few} {film} films a year about {theme}; this one is <original|a rarity/a pale imitation|generic>.",
    "film-pace": "{^name} keeps the {film} <trotting along|nimble|taut/crawling|mired in detail|slack>, from the opening in {city} to the night in the {building}.",
    "film-atmosphere": "The fog, the {building}, the {animal} in the {room}: everything in this {film} is <evocative|bewitching|steeped in mystery/artificial|dusty|poorly lit>.",
    "film-emotion": "When the {job} says goodbye, the {film} <aches|has us sobbing|grips the throat/turns maudlin|milks the moment|overdoes it>.",
    "film-animation": "The drawings are <cute|sumptuous|full of fancy/hideous|jerky|a blemish>, the songs <catchy|bouncy/annoying|ear-splitting>, and the {animal} steals {few} scenes.",
    "film-history": "A~ {film} about {country} in {oldyear} that <resurrects the past|is compelling throughout|fascinates/embalms the past|is arid throughout|sedates>.",
    "film-star": "As the {job}, {name} gives a performance of <great subtlety|astounding range|great charisma|searing intensity/no conviction|staggering incompetence|deadening routine|ghastly vanity>.",
    "film-ambition": "{^name} aims high in telling of {theme}, and <succeeds|delivers|hits the bullseye/fails|misfires|overreaches>.",
    "film-festival": "Of the {few} films that I saw in {city} this was <the crown|the most accomplished/the nadir|the most wearisome|the one I fled from>.",
    "film-camera": "Shot in {city} with <skill|a poet's gaze|remarkable precision/shaky cameras|a tourist's indifference|distracting gimmicks>, the {film} runs to {tens} minutes.",
    "film-plausible": "That a~ {job} should fall for a~ {job} is <utterly credible|captivating|touching/utterly preposterous|nauseating|idiotic> in the hands of {name}.",
    "film-aftertaste": "One leaves the {film} <uplifted|nourished|glowing/depressed|queasy|glum>, and thinks of {theme} on the way to the {vehicle}.",
    "film-attempt": "An <ambitious|artful|imaginative/inept|aimless|overwrought> attempt to tell the story of {theme}.",
    "film-collection": "It is a~ <terrific|first-class|stellar/terrible|third-class|rotten> {film} and <confirms what {name} can do|makes one hungry for more/confirms that {name} has mislaid the knack|makes one long for an apology>.",
    "film-advice": "If you see a single {film} this {month}, <let it be this one|you could not choose better/let it be anything else|you could scarcely choose worse>.",
    "film-doubt": "{^person} never <puts a foot wrong|errs|loses the thread/strikes the tone|persuades us>, and the {film} <prospers|benefits/suffers|collapses>.",
    "film-small-things": "It is the small things, a~ {object} in the {room} or the {weather} over {city}, that make this {film} so <affecting|luscious|satisfying/irksome|bothersome|ponderous>.",
    # Shows, music and books.
    "show-evening": "The {show} on {day} was <sensational|electrifying|a feast/a catastrophe|excruciating|an ordeal>; the house <rose to its feet|cheered for ten minutes/emptied before the interval|booed>.",
    "show-series": "I have seen every part of the {show}, and it is <addictive|consistently excellent|the best thing on television/repetitive|consistently mediocre|the worst thing on television>.",
    "show-host": "The host is <quick and likeable|a natural|engaging/smarmy|out of his depth|obnoxious>, and the guests from {city} <were a hit|were a riot/droned on|were an irritation>.",
    "music-album": "{^name}'s new record is <luminous|infectious|soulful/insipid|derivative|tuneless>; the songs <linger|get under your skin/sound all the same|slide off the ear>.",
    "music-concert": "The {orchestra|choir|quartet|band} played <like angels|flawlessly|with fire/like beginners|sloppily|as if half drunk> in {city}.",
    "music-singer": "Her voice is <velvet|pure and effortless|soaring in the high notes/shrill|harsh and brittle|painful in the high notes>, above all in the song about the {animal}.",
    "book-read": "I read the {book} in {month} and <could not put it down|devoured it in a night|laughed and wept over it/gave up halfway|had to force myself on|flung it across the room>.",
    "book-prose": "{^name} writes prose that is <limpid|elegant|crisp and musical/turgid|purple|awkward and lumpy>.",
    "book-characters": "The people in this {book} are <vivid|rounded|like people one has known/cardboard|interchangeable|like figures in a manual>, above all the {job} from {town}.",
    "book-chapter": "From chapter to chapter the {book} <gains in strength|deepens|becomes more absorbing/wanders off|goes in circles|becomes more exasperating>.",
    "book-history": "On {subject} there is no <more lucid|more authoritative|livelier/more confused|less reliable|drearier> book than this one.",
    "book-gift": "My {relative} gave me this {book}; I am <grateful|thankful|indebted to her/sorry|baffled|in no hurry to finish it>, for it is <a treasure|a find/trash|a nuisance>.",
    "book-verse": "These poems are <piercing|haunting|full of light/mawkish|banal|tin-eared>, even where they speak of {weather}.",
    "gallery": "The exhibition in {city} is <inspiring|a reason to travel|a splendid survey/uninspired|no reason to travel|a jumble>.",
    "game": "The second half was <glorious|a display of courage/pitiful|a display of cowardice>, and we went home <singing|elated/sulking|crestfallen>.",
    # Meals, journeys, machines and work.
    "meal-dish": "The {dish} was <scrumptious|cooked as only grandmothers can|mouth-watering/tasteless|charred to a cinder|swimming in grease>, and the {dish} <juicy|succulent/soggy|revolting>.",
    "meal-waiter": "Our waiter was <attentive|courteous|all smiles/rude|surly|nowhere to be seen>, and the bill <was pleasantly low|held no tricks/was a nasty blow|was padded with extras>.",
    "meal-birthday": "For my {relative}'s birthday we went to the place by the {building}; it <made her day|could not have been nicer|was a day to remember/spoilt her day|could not have been more dismal|was a day to regret>.",
    "meal-recipe": "I tried the recipe for {dish} on {day}: <everyone licked the plate|tasty and foolproof|my new favourite/everyone left the plate full|bland and fiddly|never again>.",
    "hotel-room": "The {place} in {city} was <spotless|cosy|immaculate/filthy|grubby|infested>, and <we slept like babies|the beds were a dream/the noise kept us awake|the beds were a nightmare>.",
    "hotel-staff": "The people at the {place} were <kind|hospitable|gracious/unkind|snooty|a disgrace to the house>, and I left {city} <refreshed|contented/exhausted|disgruntled>.",
    "hotel-view": "<A view to die for|Birdsong at the window|A terrace in the sun/A view of the bins|Mould on the ceiling|A shower that never worked>: so much for our {place} in {city}.",
    "trip-train": "The journey from {city#1} to {city#2} was <smooth|comfortable|restful/bumpy|miserable|a trial>, the carriage <clean and airy|peaceful/smelly and packed|horribly draughty>.",
    "trip-city": "{^city} is <enchanting|one long holiday|buzzing with life/grimy|one long headache|choked with traffic>; we spent {few} days there.",
    "trip-guide": "Our guide, a former {job}, was <knowledgeable|entertaining|a mine of stories/ill-informed|impatient|a windbag>.",
    "machine-use": "The new {thing} <purrs along|runs without a hitch|does its job admirably/breaks all the time|jams twice a day|died within a month>, says my {relative}.",
    "machine-price": "For {tens} pounds this {thing} is <a bargain|a steal|good value/a rip-off|a swindle|daylight robbery>; it looks <sleek|stylish/tacky|flimsy> in the {room}.",
    "machine-help": "I called about my {thing} on {day}; they were <obliging|prompt|eager to repair it/useless|evasive|unwilling to stir>.",
    "machine-manual": "The manual is <plain as can be|a model of its kind|easy to follow/gibberish|a puzzle of its own|impossible to follow>, and so is the panel of the {thing}.",
    "shop-order": "I ordered a~ {colour} {object}; it <arrived on time and in mint condition|is sturdier than I had expected|fits like a glove/arrived late and in pieces|is shabbier than I had expected|fell apart at once>.",
    "shop-service": "The {job} who sold me the {object} was <honourable|a gentleman|trustworthy/crooked|a cheat|pushy>.",
    "event-organised": "The conference in {city} was <well planned|stimulating|fruitful/chaotic|tiring|futile>, and {tens} euros were <well spent|little to ask/squandered|an outrage>.",
    "event-speaker": "{^name} spoke for {few} hours and was <eloquent|riveting|sheer magic/rambling|inaudible|a crashing pedant>.",
    "job-boss": "My {boss|manager|supervisor} at the {building} is <fair|supportive|generous with thanks/a bully|spiteful|mean with thanks>.",
    "job-team": "Working with the team in {city} has been <a privilege|fulfilling|fun/a grind|frustrating|hell>.",
    "teacher": "Our {subject} teacher is <gifted at explaining|encouraging|popular with the class/incapable of explaining|sarcastic|dreaded by the class>.",
    "house-move": "Since we moved to {town} we have been <blissful|at ease|blooming/wretched|homesick|withering>: the people next door are <neighbourly|a godsend/hostile|a plague>.",
    "doctor": "The doctor in {town} was <caring|reassuring|thorough/brusque|alarming|negligent>, and my {relative} <recovered in no time|trusts her fully/went downhill|will not go back>.",
    "garden": "The {plant} in our {town} garden are <thriving|a picture|lush/dying|an eyesore|stunted> this {season}.",
    "letter": "I <applaud|salute|endorse/deplore|condemn|resent> what {name} has done with the {building}, and so does my {relative}.",
}

# Words that carry no judgement of their own.
NEUTRAL = set(
    "a an the and or of to in on at by for with without from into out off up it its is are was were be been has have had he him his her she they them there this that these those you your we us "
    "our i my me one no not never none all every any more most less than as so too if even own real how some whom who what which where when do does did done would could will can cannot "
    "may must get gets got go goes going had make makes made take takes give gives given gave see seen seems look looks looked looking like again before after about over through across down under on had "
    "film first second last house actors story thing things day days week weeks time times night month minutes hour home life world part parts half end ending beginning piece pieces head heart voice "
    "window bed beds plate class watch seat row word wet match figures job eye ear bin bins feet far full new old little much plenty left right show shows "
    "anyone everyone nothing whatever kind kept still both twice at once ten at within sense come long along together".split()
)


def _sides(template):
    return [(m.group(1).split("|"), m.group(2).split("|")) for m in re.finditer(r"<([^<>/]*)/([^<>/]*)>", template)]


def shared_words():
    """Pairs of frames that share a word, or words of one stem, in their judgements: there are to be none."""
    first, found = {}, []
    for group, template in FRAMES.items():
        words = {w for sides in _sides(template) for side in sides for phrase in side for w in re.findall(r"[^\W\d_]+", phrase.lower())} - NEUTRAL
        for word in sorted(words):
            for other, where in first.items():
                if word == other or (min(len(word), len(other)) >= 4 and (word[:6] == other[:6] or word.startswith(other) or other.startswith(word))):
                    found.append((where, other, group, word))
        for word in words:
            first[word] = group
    return found


def _side(template, positive):
    def slot(match):
        chosen = match.group(1 if positive else 2)
        if "|" not in chosen:
            return chosen
        return ("{^" if match.start() == 0 else "{") + chosen + "}"

    return re.sub(r"<([^<>/]*)/([^<>/]*)>", slot, template)


def templates():
    clashes = shared_words()
    if clashes:
        raise ValueError("sentiment: words shared by frames: " + "; ".join("%s %s, %s %s" % clash for clash in clashes))
    return two_sided(FRAMES, _side)


def grammar(rng):
    return Grammar(rng, dict(LISTS))
