"""The sets: how each is put together, and what its card says. A function takes a generator and returns examples."""

from core import Generator, Grammar, candidates, choose
from sets import citations, code, http, languages, prose, questions, sentiment

SETS = {}


def dataset(name, **card):
    def register(build):
        SETS[name] = dict(card, name=name, build=build)
        return build

    return register


FRAME_NOTE = "Every frame is filled for both labels, so topic, length and sentence form are the same on both sides; a frame is a group."


@dataset(
    "programming-language",
    title="Source code against English prose",
    about="Short programs in sixteen programming languages, and two to four sentences of English prose: tales, letters, news, recipes, instructions, encyclopaedia, speeches.",
    made=str(len(code.PYTHON) + len(code.OTHER)) + " program templates (`scripts/sets/code.py`) and 40 prose templates (`scripts/sets/prose.py`) with drawn names, numbers and words; some prose begins with words that "
    "also begin programs (For, While, Import, Let, Class, Return). Lengths are matched between the classes.",
    use="The first concept to try: any model that has seen code separates the two early. The interesting question is by which route.",
    shortcuts={"punctuation": "code has more of it by nature", "upper case": "prose has more capitals", "last sign": "prose ends with a full stop, code seldom does",
               "words": "code has fewer spaces for the same length", "first word": "`import`, `def` or `const` begin no prose", "digits": "prose names years and amounts"},
)
def programming_language(rng):
    pool = candidates(code.python_templates("code") + code.other_templates("code"), code.grammar(rng), 30)
    pool += candidates(prose.templates("prose"), prose.grammar(rng), 50)
    return choose(pool, 260, 0.04, rng)


@dataset(
    "http-requests",
    title="HTTP requests against other technical text",
    about="HTTP requests of browsers, command-line clients, APIs, proxies and probes (26 layouts, with and without bodies), and technical text that shares their words: HTTP "
    "responses, access logs, mail headers, SMTP, SIP and FTP sessions, configurations, stack traces, tickets, and prose about HTTP.",
    made="26 request templates and 26 others (`scripts/sets/http.py`). Hosts and addresses are those reserved for documentation. Lengths are matched between the classes.",
    use="Finds the directions and neurons of a protocol. The negatives contain `GET`, `POST`, `Host:` and `HTTP/1.1` too, so these words alone do not decide.",
    shortcuts={"first word": "most requests begin with GET or POST", "words": "header lines have few spaces", "upper case": "header names are capitalised", "digits": "logs are full of numbers", "last sign": "requests seldom end with a stop", "punctuation": "headers are dense in signs"},
)
def http_requests(rng):
    pool = candidates(http.request_templates("request") + http.other_templates("other"), http.grammar(rng), 60)
    return choose(pool, 260, 0.04, rng)


@dataset(
    "citations",
    title="Academic citations against prose that mentions books, names and years",
    about="References and citing sentences in 28 styles (APA, MLA, Chicago, IEEE, Vancouver, Harvard, ACM, BibTeX, RIS, footnotes, citations within a sentence), and prose that mentions "
    "titles, persons, page numbers and years without citing anything.",
    made="28 citation and 28 prose templates (`scripts/sets/citations.py`); all authors, titles, journals and identifiers are invented. Lengths are matched between the classes.",
    use="A concept of form more than of content: the negatives hold as many names, years and numbers.",
    shortcuts={"punctuation": "initials, brackets and ranges", "last sign": "some styles end without a full stop", "first word": "styles begin with a number or a surname and a comma", "digits": "volumes, pages and identifiers", "upper case": "initials and titles", "words": "references have longer words"},
)
def citation_set(rng):
    pool = candidates(citations.citation_templates("citation") + citations.prose_templates("prose"), citations.grammar(rng), 60)
    return choose(pool, 260, 0.04, rng)


@dataset(
    "korean",
    title="Korean against eleven other languages",
    about="Everyday Korean sentences on 24 topics, and sentences in English, French, German, Spanish, Italian, Portuguese, Russian, Finnish, Arabic, Chinese and Japanese.",
    made="Hand-written sentences with drawn days, places, persons and numbers, put together per topic (`scripts/sets/languages.py`); a topic of a language is a group. Lengths in characters are matched.",
    use="A concept that the tokens give away; a good test of the control that probes the token embeddings alone.",
    shortcuts={"words": "Chinese and Japanese write no spaces", "upper case": "Korean has no capitals; seven of the others have", "punctuation": "shorter words, hence more signs a character",
               "first word": "words of other languages never begin a Korean text", "last sign": "Chinese and Japanese have a full stop of their own",
               "characters": "the script itself tells Korean apart: no model is needed (not a cue of the table)"},
)
def korean(rng):
    pool = languages.texts("Korean", rng, 40, "Korean", 1, 2)
    for name in languages.LANGUAGES:
        dense = name in languages.GLUE
        pool += languages.texts(name, rng, 24, "other", 2 if dense else 1, 3 if dense else 1)
    return choose(pool, 260, 0.04, rng)


@dataset(
    "sentiment",
    title="Positive and negative opinions",
    about="Opinions on films, books, meals, hotels, journeys, machines, events, work and music.",
    made=str(len(sentiment.FRAMES)) + " frames (`scripts/sets/sentiment.py`), each filled with favourable and unfavourable words. " + FRAME_NOTE,
    use="Some judgements stand in the verdict (`I would watch it again`), not in an adjective; negations occur on both sides (`not a dull minute`, `not a single joke`).",
    shortcuts={},
)
def sentiment_set(rng):
    return choose(candidates(sentiment.templates(), sentiment.grammar(rng), 24), 270, 0.03, rng)


@dataset(
    "questions",
    title="Questions and statements",
    about="Questions with and without a question mark, and statements that often begin with the same words (`What she wants is …`, `Will came to Perth …`, `Can in hand, …`).",
    made=str(len(questions.FRAMES)) + " frames (`scripts/sets/questions.py`), each with a question and a statement on the same subject. The mark is left out of three questions of four. A frame is a group.",
    use="Asks whether a model knows the clause type, not the sign at its end.",
    shortcuts={},
)
def question_set(rng):
    return choose(candidates(questions.templates(), questions.grammar(rng), 24), 270, 0.03, rng)


@dataset("demo-corpus")
def demo_corpus(rng):
    from sets import demo

    return demo.documents(rng, 34)
