"""Makes fixtures of the tokenizers that model families use: small ones of each build, with Hugging Face's ids and offsets.

Needs Python 3.11, tokenizers 0.23.3 and sentencepiece 0.2.3 (`pip install tokenizers==0.23.3 sentencepiece==0.2.3`). Run
from the package's root:

    python Scripts/references/tokenizers_families.py                   # the committed fixtures: 100 texts
    python Scripts/references/tokenizers_families.py FOLDER COUNT SEED # as many as wanted, and SentencePiece's own maps

Point `UNFOLD_TOKENIZER_CASES` at FOLDER and the tests compare those too. Every text is made below.
"""

import base64
import io
import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2 as spm_model
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers_fixtures import BYTES, CL100K, CORPUS, O200K, POOL, byte_level, template

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
COMMITTED = len(sys.argv) < 2
OUT = Path("Tests/TokenizationTests/Fixtures/families") if COMMITTED else Path(sys.argv[1])
COUNT = 100 if COMMITTED else int(sys.argv[2])
SEED = 5 if COMMITTED else int(sys.argv[3])

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x3FF), (0x400, 0x45F), (0x5D0, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE5B), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x21FF), (0x2460, 0x24FF), (0x3000, 0x30FF), (0x3130, 0x318F), (0x3200, 0x33FF), (0x4E00, 0x4E80), (0xAC00, 0xAC80), (0xF900, 0xFA2F), (0xFB00, 0xFB4F), (0xFE30, 0xFE6F), (0xFF00, 0xFFEF), (0x1D400, 0x1D4FF), (0x1F1E6, 0x1F1FF), (0x1F600, 0x1F64F)]
BITS = POOL + ["1234", "00", "３", "〇", "don't", "I'M", "\u0300", "a\u0300", "ﬁ\u0301", "ﷺ", "①", "½", "\u200d", "\ufe0f", "\u3099", "か\u3099", "…", "「", "」", "，", "。", "(", ")", "|", "$", "+", "<=>", "^", "~", "`", "\u2581", "\u2581\u2581", "``", "''", "<unk>", "<0x41>", "<extra>", "HTTPServer", "camelCase", "ΑΣ", "हिन्दी", "ไทย", "עברית", "\r\n\r\n", " \n", "\t\t", "\u1680", "\u2028", "\ufeff", "\x01", "\x7f", "\x8f", "ǅ", "ß", "ſ", "K", "İ", "🇩🇪🇫", "/", "//", "-", "--"]


def scalar():
    low, high = random.choice(SCRIPTS)
    return chr(random.randint(low, high))


def hard():
    kind = random.random()
    if kind < 0.3:
        return "".join(random.choice(BITS) for _ in range(random.randint(1, 9)))
    if kind < 0.6:
        return "".join(random.choice([scalar, lambda: random.choice(BITS), lambda: " "])() for _ in range(random.randint(1, 14)))
    if kind < 0.8:
        words = random.choice(CORPUS).split(" ")
        start = random.randrange(len(words))
        return random.choice(["", " ", "  ", "\n"]) + " ".join(words[start : start + 3]) + random.choice(BITS)
    return random.choice(CORPUS)[: random.randint(1, 20)] + scalar() + random.choice(BITS) + random.choice(["", " ", "  "])


def charsmap(name, vocabulary=None):
    """The compiled map of SentencePiece's normalization of that name, or of a list of rules."""
    out = io.BytesIO()
    options = {"normalization_rule_name": name} if isinstance(name, str) else {}
    with tempfile.TemporaryDirectory() as folder:
        if not isinstance(name, str):
            rules = Path(folder) / "rules.tsv"
            rules.write_text("".join(f"{' '.join(f'{ord(c):X}' for c in a)}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in name))
            options = {"normalization_rule_tsv": str(rules)}
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=out, vocab_size=300, minloglevel=2, hard_vocab_limit=False, **options)
    return spm_model.ModelProto.FromString(out.getvalue()).normalizer_spec.precompiled_charsmap


RULES = [("\t", " "), ("\n", " "), ("\r", " "), ("\u3000", " "), ("\u00a0", " "), ("\u200b", ""), ("\x00\x01"[1:], ""), ("\u00ad", ""), ("ﬁ", "fi"), ("½", "1\u20442"), ("①", "1"), ("…", "..."), ("ﷺ", "صلى الله"), ("é", "e\u0301"), ("e\u0301", "E"), ("a\u0323\u0302", "ậ"), ("a\u0300", "à"), ("\u0301", ""), ("か\u3099", "が"), ("Ａ", "A"), ("Ｂ", "B"), ("３", "3"), ("ǅ", "Dž"), ("ß", "ss"), ("İ", "i"), ("🇩🇪", "DE"), ("\r\n", "/"), ("가", "ㄱㅏ"), ("각", "ㄱ"), ("豈", "豈"[0:1] + "x")]


def unigram(vocab=300, bytes_=False, unk="<unk>", first=("<s>", "<pad>", "</s>", "<unk>"), **parts):
    tok = Tokenizer(models.Unigram())
    for key, value in parts.items():
        setattr(tok, key, value)
    tok.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=vocab, show_progress=False, unk_token=unk, special_tokens=list(first) + (BYTES if bytes_ else [])))
    data = json.loads(tok.to_str())
    data["model"]["byte_fallback"] = bytes_
    data["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in data["model"]["vocab"]]
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(data))


def bpe(vocab=420, **options):
    tok = Tokenizer(models.BPE(**options.pop("model", {})))
    for key in ("normalizer", "pre_tokenizer", "decoder"):
        if key in options:
            setattr(tok, key, options.pop(key))
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=vocab, show_progress=False, **options))
    data = json.loads(tok.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(data))


def bytes_bpe(*steps, normalizer=None, vocab=420):
    extra = {"normalizer": normalizer} if normalizer else {}
    step = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(list(steps))
    return bpe(vocab, pre_tokenizer=step, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), decoder=decoders.ByteLevel(), special_tokens=["<s>", "</s>"], **extra)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def last(regex=False, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


MARK = "▁"
FALLBACK = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()])
DEEPSEEK = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
TEKKEN = O200K.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "").replace("{1,3}", "")


def precompiled(bytes_):
    # Only a saved tokenizer can be given a map.
    return normalizers.Precompiled(bytes_)


def kinds():
    maps = [("", charsmap(RULES))]
    if not COMMITTED:
        maps += [("-nfkc", charsmap("nmt_nfkc")), ("-nfkc-cf", charsmap("nmt_nfkc_cf"))]
    for suffix, table in maps:
        normal = precompiled(table)
        tok = unigram(normalizer=normal, pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), decoder=decoders.Metaspace())
        tok.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
        tok.post_processor = template(tok, "<s> $A </s>")
        yield "xlm-roberta" + suffix, tok
        tok = unigram(first=("<pad>", "</s>", "<unk>"), normalizer=normal, pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
        tok.add_special_tokens([AddedToken("<extra>", special=True)])
        tok.post_processor = template(tok, "$A </s>")
        yield "t5" + suffix, tok
        steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normal, normalizers.Replace(Regex(" {2,}"), " ")]
        yield "albert" + suffix, unigram(normalizer=normalizers.Sequence(steps), pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
    yield "unigram-bytes", unigram(560, bytes_=True, normalizer=normalizers.Sequence([normalizers.Nmt(), normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]), decoder=FALLBACK)
    yield "unigram-whole", unigram(normalizer=normalizers.Nmt(), decoder=decoders.Fuse())
    model = {"unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True}
    special = ["<pad>", "</s>", "<s>", "<unk>"] + BYTES
    tok = bpe(620, model=model, normalizer=normalizers.Replace(" ", MARK), pre_tokenizer=pre_tokenizers.Split(" ", "merged_with_previous"), decoder=FALLBACK, special_tokens=special, limit_alphabet=120)
    tok.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("<b>", normalized=False)])
    tok.post_processor = template(tok, "<s> $A")
    yield "gemma", tok
    tok = bpe(620, model=model, pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first", split=False), decoder=FALLBACK, special_tokens=special, limit_alphabet=120)
    yield "mistral", tok
    tok = bpe(620, model=model, pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="never", split=True), decoder=decoders.Metaspace(prepend_scheme="never"), special_tokens=special, limit_alphabet=120)
    yield "metaspace-never", tok
    yield "deepseek-v3", bytes_bpe(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), last())
    yield "deepseek-coder", bytes_bpe(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True), last())
    yield "command-r", bytes_bpe(pre_tokenizers.Digits(individual_digits=True), last(regex=True), normalizer=normalizers.NFC())
    yield "bloom", bytes_bpe(split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), last())
    yield "falcon", bytes_bpe(pre_tokenizers.Punctuation("contiguous"), last(regex=True), pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]"))
    yield "digits", bytes_bpe(pre_tokenizers.Digits(individual_digits=False), last(regex=True))
    tok = bytes_bpe(last(regex=True))
    tok.add_tokens([AddedToken(" " * n, normalized=True) for n in (2, 3, 4)] + [AddedToken("\t\t", normalized=True)])
    yield "phi", tok
    tok = bytes_bpe(last(regex=True, prefix=False))
    tok.post_processor = template(tok, "</s> $A")
    yield "opt", tok
    tok = bytes_bpe(last(regex=True, prefix=True))
    tok.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False, add_prefix_space=True)
    yield "roberta-untrimmed", tok
    yield "gpt-oss", bytes_bpe(split(O200K), last())
    yield "tekken", bytes_bpe(split(TEKKEN), last())
    tok = bytes_bpe(split(CL100K, "removed", True), last())
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template(tok, "<s> <s> $A")])
    yield "glm", tok
    yield "exaone", bytes_bpe(split(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"), last())
    yield "aya", bytes_bpe(split(r"\d{1,3}(?=(?:\d{3})*\b)"), split(O200K), last())
    yield "lookbehind", bytes_bpe(split(r"(?<=a|ab|é|\s)[a-z0-9]"), split(r"(?<!\p{L}|\p{L}\p{L}1)\p{P}", "merged_with_next"), last())
    words = {w: i for i, w in enumerate(["<unk>", "the", "neuron", "a", "|", "<pad>", "1", "e", "."] + list("abcdxyz")[1:])}
    tok = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tok.normalizer = normalizers.Nmt()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("|"), pre_tokenizers.FixedLength(3)])
    tok.decoder = decoders.CTC()
    yield "delimiter", tok
    tok = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit(" "), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.FixedLength(1)])
    tok.decoder = decoders.CTC(pad_token="e", word_delimiter_token="the", cleanup=False)
    yield "characters", tok


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    random.seed(11)
    made = list(kinds())
    random.seed(SEED)
    texts = ["", " "] + [hard() for _ in range(COUNT - 2)]
    expected = {}
    for name, tok in made:
        tok.no_padding()
        tok.no_truncation()
        (OUT / f"{name}.json").write_text(json.dumps(json.loads(tok.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        rows = []
        for text in texts:
            encoding = tok.encode(text)
            starts = [a for a, _ in encoding.offsets]
            rows.append([encoding.ids, starts, [b - a for a, b in encoding.offsets], sum(encoding.special_tokens_mask), tok.decode(encoding.ids, skip_special_tokens=False)])
        expected[name] = rows
    (OUT / "texts.json").write_text(json.dumps(texts, ensure_ascii=True) + "\n")
    (OUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
