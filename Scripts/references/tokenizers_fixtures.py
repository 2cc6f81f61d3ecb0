"""Makes the tokenization fixtures: small tokenizers of every kind with the ids and offsets Hugging Face gives.

Needs Python 3.11 and tokenizers 0.23.3 (`pip install tokenizers==0.23.3`). Run from the package's root:

    python Scripts/references/tokenizers_fixtures.py

The tokenizers are trained on sentences made below from a small grammar, so that nothing of anyone's text is kept.
"""

import json
import random
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
OUT = Path("Tests/TokenizationTests/Fixtures")
random.seed(20240229)

SUBJECTS = ["the neuron", "a probe", "my café", "die Straße", "la façade", "이 신경", "한국어 문장", "神经元", "нейрон", "عصب", "Ünïcode", "we", "it", "NASA"]
VERBS = ["fires on", "doesn't read", "I'll write", "they've seen", "läuft über", "lit", "는 읽는다", "激活", "видит", "computes", "WON'T stop"]
OBJECTS = ["words in 1999", "12345 tokens", "x = y + 3.14;", "the end\n", "🙂 and 👩‍🚀", "naïve résumés", "字和词", "    four spaces", "tabs\tand\r\nlines", "e\u0301 decomposed", "(brackets) [too] {yes}", "http://a.b/c?d=e", "слова.", "단어들을!", "ﬁne ①②"]


def sentence():
    return " ".join([random.choice(SUBJECTS), random.choice(VERBS), random.choice(OBJECTS)]) + random.choice([".", "!", "?", "", "...", " \n\n"])


CORPUS = [sentence() for _ in range(3000)]

POOL = list("  \t\n\r\u000b\u0085\u00a0\u2003\u3000\u200b'\"-_.,!?§$€abcdeEXYZsStTlLmM0123456789éàüÄÖßİıſKÅñǅ가각힣한국어中文字漢豈ガｶﾞﷺﬁ①½²٣೩ⅷ")
POOL += ["e\u0301", "a\u0323\u0302", "\u0301", "\u0345", "\u1161", "\u11a8", "😀", "👨‍👩‍👧", "\ufeff", "\u00ad", "\ufffd", "\u0000", "\u0007"]
POOL += ["<s>", "</s>", "[MASK]", "<tool>", "<Tool>", "  <pad> ", "'s", "'LL", "'ſ", "##", "   ", "\r\n", "\n\n", "ＡＢ", "▁", "the", " neuron", " 한국어"]


def noise():
    return "".join(random.choice(POOL) for _ in range(random.randint(0, 24)))


TEXTS = ["", " ", "  ", "\n", "a", "é", "<s>", "Hello, world", "the <s> end", "a<tool>b", "<Tool> x"]
TEXTS += [sentence() for _ in range(8)] + [noise() for _ in range(28)] + [random.choice(CORPUS) + noise() for _ in range(3)]


def added(tok):
    tok.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    tok.add_special_tokens([AddedToken("<pad>", lstrip=True, rstrip=True, special=True)])
    tok.add_tokens([AddedToken("<tool>", single_word=True, normalized=True), AddedToken("    ", normalized=False)])
    tok.add_tokens([AddedToken("[MASK]", lstrip=True, normalized=False, special=True)])


def bpe(vocab=480, **options):
    tok = Tokenizer(models.BPE(**options.pop("model", {})))
    for key in ("normalizer", "pre_tokenizer", "decoder"):
        if key in options:
            setattr(tok, key, options.pop(key))
    trainer = trainers.BpeTrainer(vocab_size=vocab, show_progress=False, **options)
    tok.train_from_iterator(CORPUS, trainer)
    return tok


def template(tok, single):
    names = [name for name in ("<s>", "</s>", "[CLS]", "[SEP]") if name in single]
    return processors.TemplateProcessing(single=single, special_tokens=[(name, tok.token_to_id(name)) for name in names])


def byte_level(pattern=None, prefix=False):
    if pattern is None:
        return pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ALPHABET = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "decoder": decoders.ByteLevel()}
MARKS = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def kinds():
    tok = bpe(pre_tokenizer=byte_level(), **ALPHABET)
    added(tok)
    yield "gpt2", tok
    tok = bpe(pre_tokenizer=byte_level(CL100K), **ALPHABET)
    added(tok)
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template(tok, "<s> $A")])
    yield "llama3", tok
    tok = bpe(pre_tokenizer=byte_level(O200K), **ALPHABET)
    yield "o200k", tok
    tok = bpe(normalizer=normalizers.NFC(), pre_tokenizer=byte_level(prefix=True), **ALPHABET)
    added(tok)
    tok.post_processor = processors.RobertaProcessing(("</s>", tok.token_to_id("</s>")), ("<s>", tok.token_to_id("<s>")), trim_offsets=True, add_prefix_space=True)
    yield "roberta", tok
    tok = bpe(normalizer=normalizers.NFC(), pre_tokenizer=byte_level(), **ALPHABET)
    added(tok)
    tok.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=False)
    yield "neox", tok
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    yield "starcoder", bpe(pre_tokenizer=pre_tokenizers.Sequence(steps), **ALPHABET)
    decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    model = {"unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True}
    tok = bpe(700, model=model, normalizer=MARKS, decoder=decoder, special_tokens=["<unk>", "<s>", "</s>"] + BYTES, limit_alphabet=120)
    tok.post_processor = template(tok, "<s> $A </s>")
    yield "llama2", tok
    tok = bpe(model={"unk_token": "<unk>", "fuse_unk": False}, pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first"), decoder=decoders.Metaspace(prepend_scheme="first"), special_tokens=["<unk>"], limit_alphabet=60)
    added(tok)
    yield "metaspace", tok
    tok = bpe(model={"unk_token": "<unk>", "end_of_word_suffix": "</w>", "continuing_subword_prefix": "@@"}, normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]), pre_tokenizer=pre_tokenizers.Whitespace(), decoder=decoders.BPEDecoder("</w>"), special_tokens=["<unk>"], limit_alphabet=90, end_of_word_suffix="</w>", continuing_subword_prefix="@@")
    yield "suffixes", tok
    for name, lowercase, strip in [("bert", True, None), ("bert-cased", False, None), ("bert-accents", False, True)]:
        tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
        tok.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=strip)
        tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tok.decoder = decoders.WordPiece()
        tok.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=420, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], limit_alphabet=110))
        tok.post_processor = template(tok, "[CLS] $A [SEP]")
        yield name, tok
    for form in ("NFD", "NFKC", "NFKD"):
        steps = [getattr(normalizers, form)(), normalizers.StripAccents(), normalizers.Strip(), normalizers.Replace(Regex(r"\s+"), " ")]
        tok = bpe(330, normalizer=normalizers.Sequence(steps), pre_tokenizer=byte_level(), **ALPHABET)
        added(tok)
        yield form.lower(), tok


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, tok in kinds():
        tok.no_padding()
        tok.no_truncation()
        data = json.loads(tok.to_str())
        # Byte pieces are tokens of the model, not added ones.
        data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] not in BYTES]
        tok = Tokenizer.from_str(json.dumps(data))
        (OUT / f"{name}.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
        rows = []
        for text in TEXTS:
            encoding = tok.encode(text)
            rows.append([encoding.ids, [a for a, b in encoding.offsets], [b - a for a, b in encoding.offsets], sum(encoding.special_tokens_mask), tok.decode(encoding.ids, skip_special_tokens=False)])
        expected[name] = rows
    (OUT / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=True) + "\n")
    (OUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
