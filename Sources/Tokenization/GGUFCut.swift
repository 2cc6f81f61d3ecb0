/// How a "gpt2" vocabulary of a GGUF file cuts texts: what stands behind a name under `tokenizer.ggml.pre`.
///
/// The names are those that llama.cpp publishes; the patterns are those of the models' own tokenizers. Each pattern cuts
/// the pieces that those before it left, and every match and what lies between two stays.
struct GGUFCut: Sendable {
  var patterns: [String]
  /// Whether a word that is itself a token becomes that token at once.
  var ignoresMerges = false
  /// Whether a text begins with the begin token unless the file says otherwise.
  var addsBegin = false
  var addsSeparator = false
  /// Whether texts are brought into the composed form NFC first.
  var composes = false
  /// Whether the vocabulary is spelt in GPT-2's alphabet of bytes, not in characters.
  var readsBytes = true

  static func named(_ name: String) -> GGUFCut? { table[name] }
  static let names = table.keys.sorted()

  private static let table: [String: GGUFCut] = {
    var table: [String: GGUFCut] = [:]
    func add(_ names: [String], _ cut: GGUFCut) { for name in names { table[name] = cut } }
    add(["default"], GGUFCut(patterns: [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"]))
    add(
      [
        "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
        "modern-bert", "jais", "trillion", "granite-docling", "exaone4",
      ], GGUFCut(patterns: [gpt2]))
    add(["mpt", "olmo"], GGUFCut(patterns: [gpt2], composes: true))
    add(["jina-v1-en", "jina-v2-code", "roberta-bpe"], GGUFCut(patterns: [gpt2], addsSeparator: true))
    add(
      ["starcoder", "refact", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"],
      GGUFCut(patterns: [#"\p{N}"#, gpt2]))
    add(["command-r"], GGUFCut(patterns: [#"\p{N}"#, gpt2], composes: true))
    add(
      ["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"],
      GGUFCut(patterns: [cl100k("{1,3}")], ignoresMerges: true, addsBegin: true))
    add(["dbrx", "smaug-bpe", "chatglm-bpe"], GGUFCut(patterns: [cl100k("{1,3}")]))
    add(["glm4", "glm5"], GGUFCut(patterns: [cl100k("{1,3}")], ignoresMerges: true))
    add(["minicpm5"], GGUFCut(patterns: [#"\p{N}{1,3}"#, cl100k("+")], ignoresMerges: true))
    add(["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"], GGUFCut(patterns: [cl100k("")], composes: true))
    add(["stablelm2", "hunyuan", "solar-open", "grok-2"], GGUFCut(patterns: [cl100k("")]))
    add(["laguna"], GGUFCut(patterns: [#"[^\n]+|[\n]+"#, cl100k("")]))
    add(["qwen35"], GGUFCut(patterns: [qwen35], composes: true))
    add(["jais-2"], GGUFCut(patterns: [jais2]))
    add(["seed-coder"], GGUFCut(patterns: [seedCoder]))
    add(["ufakzeka"], GGUFCut(patterns: [String(cl100k("").dropFirst(contractions.count + 1))]))
    add(["bailingmoe", "bailingmoe2", "llada-moe"], GGUFCut(patterns: [bailing]))
    add(["exaone-moe"], GGUFCut(patterns: [exaoneMoE]))
    add(
      ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], GGUFCut(patterns: [o200k(contractions + "?", "{1,3}")]))
    add(["granite-embed-multi-97m"], GGUFCut(patterns: [o200k(contractions + "?", "{1,3}")], ignoresMerges: true))
    add(
      ["tiny_aya", "cohere2moe"],
      GGUFCut(patterns: [#"\d{1,3}(?=(?:\d{3})*\b)"#, o200k(contractions + "?", "{1,3}")]))
    add(["tekken"], GGUFCut(patterns: [o200k("", "")], ignoresMerges: true, addsBegin: true))
    add(
      ["youtu"],
      GGUFCut(
        patterns: ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+", o200k(contractions + "?", "")],
        ignoresMerges: true))
    add(
      ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
      GGUFCut(patterns: [#"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+", deepSeek(lineEnds: #"[\r\n]*|\s*[\r\n]+"#)]))
    add(
      ["spark2_5"],
      GGUFCut(
        patterns: [#"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+", deepSeek(lineEnds: #"|[\r\n]"#), #"\p{N}"#]))
    add(
      ["deepseek-coder"],
      GGUFCut(patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-\u{D7FF}]+", #"\p{N}"#]))
    add(
      ["deepseek-llm"],
      GGUFCut(patterns: [
        #"[\r\n]"#, #"\s?["# + casedLetters + "]+", #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#, "[一-龥ࠀ-一가-\u{D7FF}]+",
        #"\p{N}+"#,
      ]))
    add(["falcon"], GGUFCut(patterns: [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]))
    add(["bloom", "gpt3-finnish", "poro-chat"], GGUFCut(patterns: [bloom]))
    add(["viking"], GGUFCut(patterns: [bloom, #"\p{N}"#]))
    add(
      ["chameleon"],
      GGUFCut(
        patterns: [
          "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", #"([\t\n]|    |  )"#, #"\p{N}"#,
          #"[\p{P}!-/:-@\[-`{-~]"#, gpt2,
        ], addsBegin: true))
    add(["superbpe"], GGUFCut(patterns: [#"\p{N}+"#, #"(?=(\d{3})+(?!\d))"#]))
    add(
      ["gemma4", "granite-embed-multi-311m", "sarvam-moe"], GGUFCut(patterns: [#"[^\n]+|[\n]+"#], readsBytes: false))
    return table
  }()

  // MARK: Patterns

  private static let gpt2 = WordScanner.gpt2Pattern
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let ends = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// - Parameter digits: How often `\p{N}` may come in one word.
  private static func cl100k(_ digits: String) -> String {
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n]*"# + ends
  }

  private static func o200k(_ suffix: String, _ digits: String) -> String {
    let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    let first = #"[^\r\n\p{L}\p{N}]?"#
    return first + upper + "*" + lower + "+" + suffix + "|" + first + upper + "+" + lower + "*" + suffix + #"|\p{N}"#
      + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + ends
  }

  private static func deepSeek(lineEnds: String) -> String {
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"##
      + lineEnds + #"|\s+(?!\S)|\s+"#
  }

  private static let qwen35 =
    contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"# + ends
  private static let seedCoder =
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+"# + ends
  private static let bailing =
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
  private static let exaoneMoE =
    contractions
    + #"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"#
  private static let jais2: String = {
    let runs = [512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{"# + String($0) + #"}(?!\S)"# }
    return contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
      + (runs + [#"\s{1,2}(?!\S)"#, #"\s{1}"#]).joined(separator: "|")
  }()
  private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#

  /// The letters with case, as ranges of a class.
  private static let casedLetters =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ\u{1F5F}-\u{1F7D}ᾀ-ᾴᾶ-ᾼ\u{1FBE}"
    + "ῂ-ῄῆ-ῌ\u{1FD0}-\u{1FD3}\u{1FD6}-\u{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u{2126}ℨ\u{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ"
    + "𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
}
