"""The sets: how each is put together, and what its card says. A function takes a generator and returns examples."""

from core import Grammar, candidates, capitals as capital_share, choose, length, punctuation, word_count
from sets import capitals, citations, code, french, http, languages, pairs, prose, questions, sentiment, tokens, years

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
    made="26 request templates and 26 others (`scripts/sets/http.py`). Hosts and addresses are those reserved for documentation. Lengths and numbers of words are matched between the classes, which leaves out the templates that have no counterpart.",
    use="Finds the directions and neurons of a protocol. The negatives contain `GET`, `POST`, `Host:` and `HTTP/1.1` too, so these words alone do not decide.",
    shortcuts={"first word": "most requests begin with GET or POST", "words": "header lines have few spaces", "upper case": "header names are capitalised", "digits": "logs are full of numbers", "last sign": "requests seldom end with a stop", "punctuation": "headers are dense in signs"},
)
def http_requests(rng):
    pool = candidates(http.request_templates("request") + http.other_templates("other"), http.grammar(rng), 150)
    return choose(pool, 260, 0.045, rng, ((length, 4), (word_count, 4)))


@dataset(
    "citations",
    title="Academic citations against prose that mentions books, names and years",
    about="References and citing sentences in 28 styles (APA, MLA, Chicago, IEEE, Vancouver, Harvard, ACM, BibTeX, RIS, footnotes, citations within a sentence), and prose that mentions "
    "titles, persons, page numbers and years without citing anything.",
    made="28 citation and 28 prose templates (`scripts/sets/citations.py`); all authors, titles, journals and identifiers are invented. Lengths, shares of punctuation and of capitals are matched between the classes.",
    use="A concept of form more than of content: the negatives hold as many names, years and numbers.",
    shortcuts={"punctuation": "initials, brackets and ranges", "last sign": "some styles end without a full stop", "first word": "styles begin with a number or a surname and a comma", "digits": "volumes, pages and identifiers", "upper case": "initials and titles", "words": "references have longer words"},
)
def citation_set(rng):
    pool = candidates(citations.citation_templates("citation") + citations.prose_templates("prose"), citations.grammar(rng), 200)
    return choose(pool, 220, 0.045, rng, ((length, 3), (punctuation, 3), (capital_share, 3)))


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
    about="Opinions, most of them on films and shows, the others on books, meals, hotels, journeys, machines, events, work and music.",
    made=str(len(sentiment.FRAMES)) + " frames (`scripts/sets/sentiment.py`), each with favourable and unfavourable wordings of its own: no word that carries a judgement occurs in two frames. " + FRAME_NOTE,
    use="A probe that learnt words fails on the next frame; it has to find what praise and blame have in common. Many judgements stand in a turn of phrase (`I could hardly sit through`, `begged to see it again`), not in an adjective.",
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


@dataset(
    "python",
    title="Python against other programming languages",
    about="Short Python programs, and programs in C, C++, Java, JavaScript, TypeScript, Go, Rust, Swift, Ruby, PHP, SQL, shell, Kotlin, C#, Haskell, CSS and Make.",
    made="%d Python and %d other templates (`scripts/sets/code.py`) with the same names, numbers and texts drawn; every Python text parses. Lengths, words and capitals are matched, which leaves out the templates that have no counterpart." % (len(code.PYTHON), len(code.OTHER)),
    use="Asks for one language among many that share its words (`import`, `for`, `class`, `return`).",
    shortcuts={"punctuation": "other languages use braces and semicolons", "last sign": "others often end with a brace", "first word": "`import` and `def` begin many Python texts", "words": "indentation",
               "upper case": "type names", "digits": "chance of the templates"},
)
def python(rng):
    pool = candidates(code.python_templates("python") + code.other_templates("other"), code.grammar(rng), 100)
    return choose(pool, 240, 0.045, rng, ((length, 3), (word_count, 5), (capital_share, 3)))


@dataset(
    "language",
    title="One of a dozen languages",
    about="Everyday sentences in English, French, German, Spanish, Italian, Portuguese, Russian, Korean, Chinese, Arabic, Finnish and Japanese, on the same subjects in each.",
    made="Hand-written sentences with drawn days, places, persons and numbers (`scripts/sets/languages.py`), put together per topic. The topics are the same in eleven languages, so that the subject says nothing; "
    "a topic of a language is a group.",
    use="Multi-class; the languages that share a script and many words (Spanish, Italian, Portuguese) are the hard part.",
    shortcuts={"words": "Chinese and Japanese write no spaces", "length": "Chinese, Japanese and Korean need fewer characters", "first word": "vocabulary", "last sign": "Chinese and Japanese have a full stop of their own",
               "punctuation": "shorter texts, more signs a character", "upper case": "German capitalises nouns; five languages have no capitals", "digits": "none", "characters": "five scripts name their language (not a cue of the table)"},
)
def language(rng):
    found = []
    for name in languages.languages():
        dense = name in languages.GLUE
        rows = languages.texts(name, rng, 40, name, 2 if dense else 1, 3 if dense else 2)
        found += tokens.spread(rows, 44, rng)
    return found


@dataset(
    "capitals",
    title="True and false statements about capital cities",
    about="Statements such as `The capital of Kenya is Nairobi.` about countries, states and regions, half of them false.",
    made="%d countries, states and regions and %d templates (`scripts/sets/capitals.py`). A place occurs in one template alone, once truly and once falsely; the false town lies in the same country or is another place's capital." % (
        len(capitals.COUNTRIES.splitlines()), len(capitals.FRAMES)),
    use="Truth cannot be read off words or form: a probe that succeeds here has found that the model knows. Expect chance for small models.",
    shortcuts={},
    notes=["A probe may learn which towns are famous rather than which statements are true: compare with the false statements that name a foreign capital."],
)
def capital_set(rng):
    return capitals.examples(rng)


@dataset(
    "sarcasm",
    title="Sarcastic and sincere remarks",
    about="A warm or cold exclamation and a turn of events that is fine or bad. Warm words on bad news and cold words on good news are sarcastic; the other two are sincere.",
    made="%d situations, each with a fine and a bad turn, and 24 exclamations (`scripts/sets/pairs.py`). A situation is a group. Neither the exclamation nor the event tells the label: only the two together do." % len(pairs.SITUATIONS),
    use="An exclusive or, which no bag of words can learn; whether a linear probe finds it says something about what the model has put together.",
    shortcuts={},
)
def sarcasm(rng):
    return choose(candidates(pairs.sarcasm_templates(), Grammar(rng, pairs.SARCASM), 14), 240, 0.04, rng)


@dataset(
    "formality",
    title="Formal and informal English",
    about="Letters, requests, notices and complaints, each said formally and informally.",
    made="%d frames (`scripts/sets/pairs.py`). %s Lengths and shares of punctuation are matched." % (len(pairs.FORMALITY), FRAME_NOTE),
    use="Register, apart from subject.",
    shortcuts={"first word": "greetings differ by register", "punctuation": "contractions have apostrophes", "length": "formal wording is longer", "words": "informal words are shorter", "upper case": "chance"},
)
def formality(rng):
    return choose(candidates(pairs.formality_templates(), Grammar(rng, pairs.FORMAL), 140), 208, 0.05, rng, ((length, 4), (punctuation, 6)))


@dataset(
    "tense",
    title="Past and present",
    about="Sentences whose verbs are all in the past or all in the present; times and places fit both (`in the evening`, `on Monday`).",
    made="%d frames (`scripts/sets/pairs.py`), regular and irregular verbs. %s" % (len(pairs.TENSES), FRAME_NOTE),
    use="Only the verbs' forms differ.",
    shortcuts={},
)
def tense(rng):
    return choose(candidates(pairs.tense_templates(), Grammar(rng, pairs.TENSE), 24), 250, 0.03, rng)


@dataset(
    "numbers",
    title="Exact numbers and vague amounts",
    about="Sentences with a number (`forty-two coins`) or a vague amount (`several coins`) in the same place. Three of four numbers are written in words.",
    made="%d frames (`scripts/sets/pairs.py`). %s" % (len(pairs.NUMBER_FRAMES), FRAME_NOTE),
    use="Number as a concept, not as digits.",
    shortcuts={"digits": "a quarter of the numbers are in digits", "punctuation": "hyphens of written numbers", "words": "vague amounts are often two words", "upper case": "chance", "first word": "some sentences begin with the amount"},
)
def numbers(rng):
    return choose(candidates(pairs.number_templates(), Grammar(rng, pairs.NUMBERS), 24), 250, 0.03, rng)


PARTIAL = "Words without a span carry no label; where a label was commoner than the others, some of its spans were left out for balance."


@dataset(
    "plural",
    title="Singular and plural nouns (token level)",
    about="Nouns in sentences whose verbs and determiners fit either number. Many singulars end in s (`lens`, `bus`) and many plurals do not (`children`, `cacti`).",
    made="%d frames and %d nouns (`scripts/sets/tokens.py`). A frame has nouns of its own, so that neither a frame nor a noun stands on both sides of a split. %s" % (len(tokens.PLURAL_FRAMES), len(tokens.NOUNS), PARTIAL),
    use="Grammatical number apart from the letter s, carried over to nouns that the probe was not trained on.",
    shortcuts={"length": "plurals are longer", "last letters": "the form gives number away: -ss, -us and -is are singular, -es, -en and -i plural; what remains is whether a model says the same of all forms"},
)
def plural(rng):
    return tokens.plural(rng)


@dataset(
    "names",
    title="People, places, organisations (token level)",
    about="Names in news-like sentences; the same word serves as a surname, in a firm's name and in a place's (`Larkin`, `Larkin Bank`, `Larkin Valley`).",
    made="%d frames (`scripts/sets/tokens.py`); surnames, firms and towns are invented. %s" % (len(tokens.NAME_FRAMES), PARTIAL),
    use="Kind of name from its form and its surroundings.",
    shortcuts={"length": "organisations have longer names", "last letters": "endings such as Bank or Valley", "word before": "`in` before places, `for` before firms", "upper case": "some organisations begin with a small `the`", "place": "frames often begin with the same kind"},
)
def names(rng):
    return tokens.names(rng)


@dataset(
    "part-of-speech",
    title="Parts of speech (token level)",
    about="Grammatical sentences without sense (`The fast river planned every story before Anna.`), each word with its universal part of speech.",
    made="%d sentence patterns (`scripts/sets/tokens.py`). Sense is left out on purpose: words are drawn freely within their class. `plans`, `watch`, `light`, `fast` and others occur in two classes. %s" % (len(tokens.POS_FRAMES), PARTIAL),
    use="Multi-class; for natural sentences use a treebank.",
    shortcuts={"length": "function words are short", "place": "word order", "upper case": "proper nouns have capitals", "last letters": "closed classes have few words", "word before": "word order"},
    notes=["Words of the closed classes occur in all groups: their type alone gives the tag away. Judge by selectivity over the control task, or by the words of two classes."],
)
def part_of_speech(rng):
    return tokens.part_of_speech(rng)


@dataset(
    "french-verse",
    title="French verse in the manner of the eighteenth century against modern law",
    about="Quatrains of alexandrines with the themes and words of the time (in four lines, or run on in one), and sentences of articles of law in today's French.",
    made="%d themes whose half-lines of six syllables combine into rhymed quatrains, and %d templates of law (`scripts/sets/french.py`), all our own writing. Lengths are matched." % (len(french.THEMES), len(french.LAW)),
    use="One language, two registers.",
    shortcuts={"upper case": "each verse begins with a capital", "punctuation": "a comma at the middle of each verse", "digits": "articles and amounts are numbered", "first word": "law begins with an article",
               "words": "words of the law are longer", "last sign": "chance", "length": "chance"},
)
def french_verse(rng):
    pool = candidates(french.verse_templates("verse") + french.law_templates("law"), french.grammar(rng), 100)
    return choose(pool, 220, 0.05, rng, ((length, 3), (capital_share, 3)))


@dataset(
    "gender-words",
    title="Masculine and feminine words (token level)",
    about="`king` and `queen`, `uncle` and `aunt`, `stallion` and `mare` in the same sentences, without any pronoun that would tell.",
    made="%d pairs and %d frames (`scripts/sets/tokens.py`). A frame has pairs of its own, so that neither a pair nor a frame stands on both sides of a split." % (len(tokens.PAIRS), len(tokens.GENDER_FRAMES)),
    use="The probe has to carry over to words that it was not trained on.",
    shortcuts={"last letters": "-ess, -man and -woman", "length": "feminine words are longer"},
)
def gender_words(rng):
    return tokens.gender_words(rng)


@dataset(
    "year",
    title="A year to regress",
    about="Sentences that name one year between 1500 and 2024, in digits, in words (`eighteen oh-two`) or as a distance (`eight years after 1900`), among other numbers.",
    made="%d templates (`scripts/sets/years.py`)." % len(years.FRAMES),
    use="A number to regress (R², mean absolute error).",
    shortcuts={"digits": "years from 2000 on are written differently in words"},
)
def year(rng):
    return years.examples(rng, 480)


@dataset("demo-corpus")
def demo_corpus(rng):
    from sets import demo

    return demo.documents(rng, 34)
