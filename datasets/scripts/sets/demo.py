"""The corpus that the demo captures: documents of 60 to 150 tokens from unrelated domains, many of them from the sets' own generators."""

from core import Grammar, candidates
from sets import citations, code, http, languages, prose, questions, reviews
from sets.lexicon import number

EXTRA = dict(prose.LISTS)
EXTRA.update({
    "veg": ["carrots", "leeks", "mushrooms", "potatoes", "beans", "peppers", "courgettes", "onions", "tomatoes"],
    "spice": ["cumin", "thyme", "paprika", "ginger", "nutmeg", "black pepper", "rosemary", "garlic"],
    "fat": ["butter", "olive oil", "sesame oil", "lard"],
    "g": number(80, 500), "min": ["8", "10", "12", "15", "20", "25", "30", "40"],
    "var": list("abkmnpqrxyz"), "int": number(2, 30), "big": number(31, 400), "pow": ["2", "3", "4"],
    "image": ["moon", "river", "lamp", "snow", "gate", "orchard", "stone", "swallow", "candle", "window"],
    "does": ["waits", "sleeps", "listens", "wanders", "burns", "trembles", "sings", "fades"],
    "how": ["alone", "unseen", "again", "for hours", "in the dark", "like a child", "without a word", "till morning"],
    "soft": ["pale", "slow", "silver", "patient", "hollow", "golden", "nameless", "bitter"],
})

RECIPES = {
    "stew": "Heat two spoons of {fat} in a heavy pan and brown {g} g of beef in it. Add {few} {veg}, cut small, and a teaspoon of {spice}. Pour in {hundreds} ml of water, cover, and let it simmer for {min} minutes. Season with salt and {spice}, stir in a little cream and serve with {food}.",
    "pancakes": "For the batter whisk {g} g of flour with {two|three|four} eggs, {hundreds} ml of milk and a pinch of salt. Let it rest for {min} minutes. Melt some {fat} in a frying pan, pour in a ladle of batter and turn it when the edges are brown. Fill with {veg}, or with sugar and {spice}.",
    "roast": "Preheat the oven to {180|190|200|220} degrees. Rub the chicken with {fat}, {spice} and {spice}. Put {g} g of {veg} and {few} {veg} around it and roast for {min} minutes, then turn it over and baste it. When the juice runs clear, take it out, let it rest for {min} minutes and carve.",
    "salad": "Boil {g} g of {lentils|chickpeas|barley|rice} for {min} minutes and drain. Slice {few} {veg} very thin. Mix three spoons of {fat} with one of vinegar, {spice} and a little mustard, pour this over everything and leave it for {min} minutes before serving.",
    "soup": "Chop {few} {veg} and {few} {veg} and fry them gently in {fat}. Add {hundreds} ml of stock, a bay leaf and {spice}; cook for {min} minutes. Take out the leaf, blend the soup until smooth, and thicken it with {g} ml of cream. Sprinkle with {spice} and eat it hot, with {bread|toast}.",
    "jam": "Wash {g} g of {plums|cherries|strawberries|apricots} and remove the stones and stalks. Boil them with {g} g of sugar, the juice of {two|three} lemons and a little {ginger|nutmeg}. Stir for {min} minutes until a drop sets on a cold plate. Fill {few} clean jars to the brim and close them at once.",
}


def _quadratic(g):
    h, k = g.rng.between(2, 19), g.rng.between(2, 90)
    v = g.fill("{var}")
    if h * h <= k:
        h += 9
    return ("Solve {v}^2 - {b}{v} + {c} = 0. Completing the square gives ({v} - {h})^2 = {k}, so that {v} = {h} + sqrt({k}) or {v} = {h} - sqrt({k}). The sum of the two roots "
            "is {b} and their product {h2} - {k} = {c}, as it must be. Both are positive.").format(v=v, b=2 * h, h=h, k=k, h2=h * h, c=h * h - k)


def _derivative(g):
    a, b, c, x = g.rng.between(2, 9), g.rng.between(2, 40), g.rng.between(2, 99), g.rng.between(1, 9)
    return ("Let f(x) = {a}x^2 - {b}x + {c}. Then f'(x) = {a2}x - {b}. The derivative vanishes at x = {b}/{a2}, where f has a minimum, for f''(x) = {a2} > 0. At x = {x} the slope "
            "of the tangent is {s}, and f({x}) = {v}.").format(a=a, b=b, c=c, a2=2 * a, x=x, s=2 * a * x - b, v=a * x * x - b * x + c)


def _trains(g):
    v1, v2, t = g.rng.between(40, 90), g.rng.between(40, 90), g.rng.between(2, 6)
    return ("Two trains start at the same moment from stations {d} km apart and run towards each other, one at {v1} km/h, the other at {v2} km/h. When do they meet? Each hour the distance "
            "shrinks by {v1} + {v2} = {s} km, so they meet after {d} / {s} = {t} hours, {p} km from the first station.").format(d=(v1 + v2) * t, v1=v1, v2=v2, s=v1 + v2, t=t, p=v1 * t)


def _matrix(g):
    a, b, c, d, x, y = (g.rng.between(2, 12) for _ in range(6))
    if a * d == b * c:
        d += 1
    return ("Let A = [[{a}, {b}], [{c}, {d}]] and u = ({p}, {q}). The determinant is {a} * {d} - {b} * {c} = {e}, which is not zero, so the system A w = u has exactly one solution. "
            "By Cramer's rule, or simply by trying, w = ({x}, {y}).").format(a=a, b=b, c=c, d=d, p=a * x + b * y, q=c * x + d * y, e=a * d - b * c, x=x, y=y)


def _urn(g):
    r, b = g.rng.between(3, 20), g.rng.between(3, 20)
    n = r + b
    return ("An urn holds {r} red and {b} blue balls. We draw two without putting the first one back. The probability that both are red is ({r}/{n}) * ({r1}/{n1}). The expected number of red "
            "balls is 2 * {r}/{n}, by linearity, although the two draws are not independent.").format(r=r, b=b, n=n, r1=r - 1, n1=n - 1)


def _odd(g):
    v, w, k = g.fill("{var#1} {var#2}").split() + [g.rng.between(3, 60)]
    return ("Theorem. If {v} is odd, then {v}^2 - 1 is divisible by 8. Proof. Write {v} = 2{w} + 1. Then {v}^2 - 1 = 4{w}({w} + 1), and one of {w} and {w} + 1 is even. Hence the product is a "
            "multiple of 8. For {w} = {k} we get {v} = {o} and {v}^2 - 1 = {s} = 8 * {e}.").format(v=v, w=w, k=k, o=2 * k + 1, s=4 * k * (k + 1), e=k * (k + 1) // 2)


def _series(g):
    v, p, n = g.fill("{var}"), g.rng.between(3, 6), g.rng.between(3, 90)
    return ("The sum of 1/{v}^{p} over all {v} >= 1 converges, for it is bounded by 1 plus the integral of x^(-{p}) from 1 to infinity, which is 1/{q}. The rest after {n} terms is less than "
            "1/({q} * {n}^{q}). For the exponent 1 the series diverges like log {v}.").format(v=v, p=p, q=p - 1, n=n)


MATHS = {"quadratic": _quadratic, "derivative": _derivative, "word-problem": _trains, "matrix": _matrix, "probability": _urn, "proof": _odd, "series": _series}

JSON = {
    "order": '{"id": «big», "customer": {"name": "«first» «surname»", "city": "«city»"}, "items": [{"sku": "«image»-«int»", "count": «int»}, {"sku": "«image»-«big»", "count": «int»}], "paid": «true|false», "total": «big».«tens»}',
    "settings": '{\n  "theme": "«dark|light»",\n  "language": "«en|fr|de|ko»",\n  "window": {"width": «big», "height": «big»},\n  "recent": ["/home/«image».txt", "/home/«image»-«int».md"],\n  "autosave": {"every": «int», "enabled": «true|false»}\n}',
    "geo": '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [«int».«big», «int».«big»]}, "properties": {"name": "«town»", "height": «big»}}, {"type": "Feature", "geometry": {"type": "Point", "coordinates": [«int».«big», -«int».«big»]}, "properties": {"name": "«town»", "height": null}}]}',
    "sensors": '[\n  {"sensor": "«room»", "time": «big»«big», "celsius": «int».«int», "ok": true},\n  {"sensor": "«room»", "time": «big»«big», "celsius": -«int».«int», "ok": «true|false»},\n  {"sensor": "«building»", "time": «big»«big», "celsius": null, "ok": false}\n]',
    "package": '{\n  "name": "«image»-«image»",\n  "version": "«int».«int».«int»",\n  "license": "Apache-2.0",\n  "scripts": {"test": "run tests", "build": "make «image»"},\n  "dependencies": {"«image»-kit": "^«int».«int».0", "«image»": "~«int».0.«int»"}\n}',
    "event": '{"event": "«login|purchase|error|upload»", "at": "«newyear»-0«digit1»-1«digit1»T1«digit1»:0«digit1»:00Z", "user": {"id": «big», "tags": ["«colour»", "«image»"]}, "context": {"ip": "10.0.«int».«int»", "agent": "app/«int».«int»"}, "duration_ms": «big»}',
}

LETTERS = {
    "sea": "My dear {first#1}, we arrived in {city} on {day} after {few} days of {rain|fog|strong wind|snow}. The {building} is just as you described it, and {first} sends you greetings. I have bought you a~ {colour} {object}, which I hope will survive the journey. Write to me soon; the evenings are long here. Ever yours, {first}",
    "apology": "Dear {first#1}, I am sorry that I did not come to the {building} on {day}. My {relative} fell ill, and the {train|ferry|bus|tram} to {town} was cancelled because of the {snow|fog|storm|ice}. Please forgive me, and tell {first} that I shall bring the {object} myself in {month}. With warm regards, {first} {surname}",
    "order": "Dear Sir or Madam, on {dayno} {month} I ordered {few} {object}s from your shop in {city}. So far only {two|three} have arrived, and one of them is {colour} instead of {colour}. I should be obliged if you would send the others before {day} or return my money. Yours faithfully, {first} {surname}",
    "news-home": "Dear {relative}, you asked for news. The {animal} has learned to open the {room} door, the {plant} are in flower, and {first} has found work as a~ {job} in {town}. On {day} there was {weather}, and we all sat in the {room} and told stories. When are you coming home? Love, {first}",
}

POEM = (
    ["The {soft} {image} {does} {how},", "Over the roofs a~ {soft} {image} {does},", "O {image}, what {does} in you {how}?", "I ask the {image} that {does} {how}", "There is a~ {image} that {does} {how},", "Tonight the {soft} {image} {does},"],
    ["and no one calls the {image} home.", "and still the {soft} {image} {does}.", "as if the {image} knew my name.", "beneath a~ {soft} and {soft} sky.", "the {image} answers, {soft} and low.", "where once the {image} used to be."],
)


def _poem(grammar):
    rng = grammar.rng
    lines = []
    for stanza in range(rng.between(2, 3)):
        for first, second in zip(rng.sample(POEM[0], 2), rng.sample(POEM[1], 2)):
            for line in (first, second):
                line = grammar.fill(line)
                lines.append(line[0].upper() + line[1:])
        lines.append("")
    return "\n".join(lines).strip()


def _several(templates, low, high, glue):
    """A document of several texts of one bank."""

    def fill(grammar):
        texts = [template(grammar) if callable(template) else grammar.fill(template) for template in grammar.rng.sample(templates, grammar.rng.between(low, high))]
        return glue.join(texts)

    return fill


def _language(name, rng, count):
    lists, topics = languages.languages()[name]
    return languages.texts(name, rng, count, name.lower(), 3 if name == "Korean" else 2, 3)


def documents(rng, per_domain):
    from core import choose

    english = Grammar(rng, EXTRA)
    json_lists = dict(EXTRA, digit1=[str(n) for n in range(1, 10)])
    pools = {
        "code": candidates([("code", g, t) for g, (_, t) in code.OTHER.items()] + code.python_templates("code"), code.grammar(rng), 4),
        "http": candidates(http.request_templates("http"), http.grammar(rng), 6),
        "citations": candidates([("citations", g, t) for _, g, t in citations.citation_templates("x")], citations.grammar(rng), 5),
        "korean": _language("Korean", rng, 6), "french": _language("French", rng, 12), "german": _language("German", rng, 12), "russian": _language("Russian", rng, 12),
        "recipes": candidates([("recipes", "recipe-" + g, t) for g, t in RECIPES.items()], english, 10),
        "letters": candidates([("letters", "letter-" + g, t) for g, t in LETTERS.items()] + [("letters", g, t) for g, t in prose.PROSE.items() if g.startswith("letter-")], english, 8),
        "news": candidates([("news", g, t) for g, t in prose.PROSE.items() if g.startswith("news-")], english, 12),
        "tales": candidates([("tales", g, t) for g, t in prose.PROSE.items() if g.startswith("tale-")], english, 10),
        "maths": candidates([("maths", "maths-" + g, t) for g, t in MATHS.items()], english, 8),
        "json": candidates([("json", "json-" + g, t) for g, t in JSON.items()], Grammar(rng, json_lists, "«»"), 10),
        "poems": candidates([("poems", "poems", _poem)], english, 60),
        "questions": candidates([("questions", "questions", _several([_marked(q) for q, _ in questions.FRAMES.values()], 4, 6, " "))], questions.grammar(rng), 60),
        "reviews": candidates([("reviews", "reviews-" + side, _several([t for s, _, t in reviews.templates() if s == side], 3, 4, " ")) for side in ("positive", "negative")], reviews.grammar(rng), 30),
    }
    chosen = []
    for domain, pool in pools.items():
        rows = [row for row in pool if len(row["text"]) >= 90]
        rows = choose(rows, per_domain, 1.0, rng, match=((len, 1),))
        for i, row in enumerate(rows):
            row["label"] = domain
            if domain in ("poems", "questions", "reviews"):  # composed anew each time: groups of four
                row["group"] = "%s-%d" % (domain, i // 4)
        chosen += rows
    return chosen


def _marked(question):
    def fill(grammar):
        text = grammar.fill(question)
        return text[0].upper() + text[1:] + "?"

    return fill
