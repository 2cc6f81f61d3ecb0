"""English prose in many registers: tales, letters, news, recipes, instructions, encyclopaedia. Two to four sentences each."""

from core import Grammar
from sets.lexicon import ENGLISH, number

LISTS = dict(ENGLISH)
LISTS.update({
    "firm": ["Northgate Foods", "the Calder Shipping Company", "Brightwater Energy", "Ostrava Glass", "the Harlow Bank", "Silverline Railways", "Kestrel Electronics", "the Lumen Group"],
    "sport": ["football", "handball", "hockey", "rugby", "basketball", "volleyball"],
    "illness": ["influenza", "asthma", "diabetes", "migraine", "high blood pressure", "back pain"],
    "river": ["the Avon", "the Morava", "the Ebro", "the Tisza", "the Clyde", "the Volta"],
    "material": ["oak", "brass", "clay", "linen", "granite", "tin", "wool", "slate"],
    "age": number(19, 34),
    "birth": number(1790, 1860),
    "death": number(1882, 1931),
    "founded": number(1150, 1490),
    "built": number(1520, 1890),
    "mood": ["cheerful", "quiet", "anxious", "tired", "proud", "restless", "thoughtful", "impatient"],
})

PROSE = {
    "tale-station": "{woman#1} reached the {building} just as the last {vehicle} pulled away. There was nothing to do but wait, so she sat down on {the|a~} {colour} {object|bench|trunk} and watched the {weather} until a~ {job} came by with a lantern and asked where everyone had gone.",
    "tale-grandfather": "When my {relative#1} was young, the {building} of {town} still had a bell that rang at {few} every evening. Nobody knew who rang it. My {relative#1} once climbed up to see, and found only a~ {animal} asleep beside {a~ {object}|the rope}.",
    "tale-house": "The house at the end of the lane had been empty for {few} years. {man#1} bought it in {month} for less than the price of {a~ {vehicle}|a good horse}, and by the end of {season} he had mended the roof, painted the {room} {colour} and planted {plant} along the wall.",
    "tale-sea": "For {few} days the {vehicle|boat|schooner} had not moved. The men played cards, mended nets and told each other stories they all knew. On the morning of the {third|last|fifth|sixth}, {a~ {weather}|a light wind} came out of the {north|south|west|east}, and {first#1} was the first to {laugh|sing|stand up}.",
    "tale-child": "While the grown-ups talked about {the weather|money|the harvest|politics|the new {job}}, {woman#1} slipped out to the {room} and counted the {plant}. There were {few} fewer than yesterday. A~ {animal}, she decided, and went to find {a~ {object}|a long piece of string}.",
    "tale-theft": "If anyone had asked {first#1}, the {object#2} had never been worth much. Still, on the {day} it disappeared from the {building}, half of {town} came out to look for it, and {the {job}|an old {job}} swore to have seen {a~ {colour} {vehicle}|a stranger in a~ {colour} coat} near the {building}.",
    "letter-thanks": "Dear {first#1}, thank you for the {object} and for the long letter. We are all well here, though {the {relative}|your {relative}} has had a cold since {month}. The {plant} came up early this year. Write again when you can, and tell us how the {job|house|new {vehicle}|{animal}} is. Yours, {first}",
    "letter-landlord": "Dear Mr {surname#1}, I am writing about the {room} of the flat at {digit} {surname} Street. Since the {rain|storm|snow|thaw} in {month} the ceiling has leaked in {few} places, and the {object} I keep there has been damaged. Please let me know before {day} when a~ {job|builder|workman} can come.",
    "letter-invite": "We would be very glad if you could join us on {day}, {dayno} {month}, for the {opening of the {building}|wedding of our cousin {first}|birthday of {first}}. There will be {food} and music from {hour} o'clock. Please tell {first} by the end of the week whether you are coming and if you need a bed.",
    "letter-job": "From {newyear} to {newyear} I worked as a~ {job} in {city}, where I was responsible for {few} colleagues and {the accounts|the stores|the timetable|all deliveries}. Before that I studied {subject} and spent a year in {country}. I would be glad to tell you more in person.",
    "news-council": "The council of {town} voted on {day} to close the {building} for {digit} months while repairs are carried out. {first} {surname#1}, who chairs the committee, said the work would cost about {hundreds} thousand pounds. Residents complained that they had been given only {few} days' notice.",
    "news-weather": "{^weather} is expected across most of {country} until {day}, with temperatures of up to {digit} degrees in {city}. Travellers should allow {tens} minutes more than usual. By {day} the {weather} will have moved away to the {north|south|east|west}, leaving the coast {cool and dry|cold but clear}.",
    "news-sport": "{city#1} beat {city#2} by {few} points to {few} in the {sport} final on {day} night, their first title since {newyear}. {surname#2}, who came on after {tens} minutes, decided the match. \"I could hardly breathe,\" the {age}-year-old said afterwards. \"We had waited so long.\"",
    "news-firm": "Shares in {firm} fell {digit} per cent on {day} after the company said that profits this year would be lower than it had hoped. Its chief executive, {first} {surname#1}, blamed the price of {fuel|copper|wheat|paper} and a late start in {country}. About {hundreds} jobs in {city} may be at risk.",
    "news-animal": "A~ {animal#1} held up traffic in {city} for nearly {few} hours on {day}. Drivers left their cars to take pictures while {few} police officers and a~ {job} tried to catch it with {a~ {object}|a blanket and some {food}}. The {animal#1} was later returned to its owner, a~ {job} from {town}.",
    "recipe-soup": "Let the onions soften in {butter|oil} over a low heat for {digit} minutes. Add the {carrots|beans|mushrooms|leeks|potatoes}, {hundreds} millilitres of stock and a pinch of salt, then cover and simmer for {tens} minutes. Serve with {bread|lemon|a spoonful of cream|parsley} while it is hot.",
    "recipe-cake": "Beat the butter with {hundreds} grams of sugar until pale, then stir in {two|three|four|five} eggs, one after another. Fold in the flour and {the grated lemon|a handful of walnuts|the chopped apples|the cocoa}. Bake for {tens} minutes; the cake is done when a {knife|skewer} comes out clean.",
    "recipe-bread": "Mix the flour, water, salt and yeast and leave the dough under a cloth for {few} hours. Return to it whenever you have time: fold it over, turn it and let it rest again. In the {morning|evening} shape {few} loaves, heat the oven well and bake them until they sound hollow.",
    "howto-bicycle": "Turn the bicycle over so that it stands on its saddle. Loosen the two nuts of the {front|back} wheel, take it out and check the {tyre|chain|rim} for {glass|thorns|rust}. If the hole is small, clean it, let the glue dry for {digit} minutes and press the patch down firmly.",
    "howto-plants": "Most {plant#1} need little more than light and patience. Water them every {few} days in {season}, less when there is {weather}, and turn the pot from time to time. When leaves go {yellow|brown}, the cause is usually too much water; wait {few} days before you give more.",
    "howto-museum": "To reach the {museum|gallery|castle|old {building}} from the {building}, take {vehicle} number {digit} towards {surname} Square and get off at the {second|third|fifth} stop. Tickets cost {digit} euros, or half for students. On {day} it is closed, except in {month} and during the school holidays.",
    "howto-wash": "Select a gentle programme and no more than {30|40|50|60} degrees. {Wool|Linen|Silk} should be dried flat, away from {the sun|the stove|radiators}; never wring it. Print on shirts lasts longer when they are washed inside out, and a spoonful of {vinegar|soda} keeps {colour} things from fading.",
    "ency-town": "{town#1} is a small town on {river}, about {tens} kilometres from {city}. Founded in {founded}, it grew rich on {wool|salt|{material}|paper|glass}, and its {building} dates from {built}. In {newyear} it had {digit} thousand inhabitants. A fair is held there every {month}.",
    "ency-bird": "The {colour} {heron|owl|finch|warbler|plover} is a {small|large|shy|noisy} bird of {marshes|pine woods|open fields|rocky coasts}. It lays {few} eggs in {month}, and both parents feed the young for {tens} days. It winters in {country} and returns in early {spring|April|March}, always to the same place.",
    "ency-person": "{first#1} {surname#2} ({birth}–{death}) was a~ {job|painter|composer|chemist|botanist} from {country}. Educated in {city}, {surname#2} travelled for {few} years before settling in {town}. The best known works are {few} {essays|songs|maps|drawings} about {the sea|{animal}s|{river}|{season}}, now in the museum of {city}.",
    "ency-material": "{^material} has been worked by people for thousands of years. It is {hard|soft|cheap|plentiful} and easy to {shape|join|carry|clean}, but it suffers from {damp|frost|heat|insects}. Import of better kinds from {country} began around {founded}, and by {oldyear} {few} workshops in {city} lived from it.",
    "essay-habit": "For years I believed that {early risers|tidy people|careful planners|great readers} were simply born that way. Then I began to {walk|write|cook|read} for {tens} minutes every {morning|evening|day}, and after {few} weeks it had become harder to stop than to go on. Habit is {a patient teacher|a quiet friend|a slow river}.",
    "essay-city": "Each city has its own sound. In {city} it is the {vehicle|{weather} on the roofs|call of the gulls|bells}, in {city} the voices from the {building}. I have lived in {few} of them, and when I cannot sleep I try to hear them again, one after the other, like {beads on a string|steps on a stair|lines of a song}.",
    "essay-work": "Not every task deserves to be done well. A~ {job} I knew in {town} used to say that {few} things out of ten may be done in a hurry, as long as one knows which. It took me until {year} to see what {he|she} meant, and I am still not sure about {letters|the {room}|the {plant}|meals}.",
    "talk-shop": "\"Do you have this in {colour}?\" asked the {job}. \"Only in {colour} and {colour},\" said {woman#1}, \"but there will be more on {day}.\" The {job|customer} turned the {object} over, looked at the price, {sighed|smiled|frowned} and put it back. \"Then I shall come on {day},\" {he|she} said.",
    "talk-doctor": "The doctor listened, wrote {few} lines and put down the pen. \"It is not {illness},\" she said, \"but you should rest. No {coffee|lifting|late nights|travelling} before {day}, and a walk of {tens} minutes every morning.\" {man#1} nodded and wondered how to explain this to {the office|his {relative}|the others}.",
    "talk-class": "Class was over, but nobody moved. \"One more,\" said {first#1}, and so the {subject} teacher told them about the {job} of {city} who, in {oldyear}, had walked {hundreds} miles with {a~ {animal}|a~ {object}} on his back. When the bell rang again they were still arguing whether it could be true.",
    "guide-walk": "While the first {digit} kilometres follow {river}, the path then climbs through {oak|pine|beech} woods to a {chapel|hut|ruined tower} with a view as far as {town}. Allow {few} hours and carry water. After {weather} the descent is slippery; in that case return by {vehicle} from {town}.",
    "guide-hotel": "Our room looked out on the {building}, and the {weather} made it cosy. Breakfast was served until {digit|ten}: {food}, {food} and more coffee than anyone could want. From the desk we borrowed {a~ {object}|two bicycles|a map}, and {first}, who runs the place, told us where to eat on {day}s.",
    "science-sleep": "Researchers in {city} asked {hundreds} {job}s to note for {few} weeks how long they slept. Those who slept less than {few|six} hours made {percent} per cent more mistakes, yet most of them believed they were doing fine. The effect was strongest in {month} and did not depend on {age|coffee|pay}.",
    "science-ocean": "Sea water holds on average about thirty-five grams of salt in every litre, but in {closed bays|hot shallow seas} the figure is higher. Where rivers such as {river} enter, a lighter layer floats on top. In {season} {strong wind|frost} mixes the two, and the {plankton|small life} blooms within {few} days.",
    "science-brain": "As we learn a {word|face|tune|path}, connections between cells in the brain grow stronger. A test in {newyear} with {tens} {students|{job}s|children} showed that a short nap of {tens} minutes helps as much as {few} repetitions. Why this is so, {surname} and colleagues in {city} could not say.",
    "law-lease": "The tenant shall keep the {room} clean and shall not store there any {object}, {vehicle} or animal without the written consent of the owner. Return of the deposit takes place within {tens} days. Should either party wish to end this agreement, notice of {few} months is to be given in writing.",
    "diary": "{^day}, {dayno} {month}. {^weather} again. Tried to read, but {woman} came with the {object} and stayed until {hour|nine}. We ate {food} and talked about {country}, where she wants to go in {season}. I said I would think about it. Must answer {surname}'s letter and buy {lamp oil|stamps|ink|string}.",
    "speech": "Friends, {few} years ago this {building} was a dream of {first} {surname}'s, and few believed in it. Today we open its doors. I thank the {job}s who worked through {weather} and {weather}, and the people of {town}, who gave what they could. May it serve our children and their children well.",
}


def grammar(rng):
    return Grammar(rng, LISTS)


def templates(label):
    return [(label, group, template) for group, template in PROSE.items()]
