/// A vocabulary as the metadata of a GGUF file gives it: the values under `tokenizer.ggml.`.
///
/// Ids and flags that the file does not give stay nil; `Tokenizer.init(gguf:file:)` then takes what the model's kind has
/// by custom.
public struct GGUFVocabulary: Sendable, Equatable {
  /// `model`: "gpt2" (byte-level byte pairs), "llama" (SentencePiece's byte pairs), "bert" (WordPiece), "t5" (unigram) or
  /// "gemma4" (byte pairs over characters).
  public var model: String
  /// `pre`: by which patterns a "gpt2" vocabulary cuts a text.
  public var preTokenizer: String?
  /// `tokens`: the pieces by id.
  public var tokens: [String]
  /// `scores`: logarithms of probabilities by id; "llama" and "t5" need them.
  public var scores: [Float] = []
  /// `token_type` by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. Empty: all are normal.
  public var types: [Int32] = []
  /// `merges`, in the order of their ranks: two pieces with a space between.
  public var merges: [String] = []
  /// `bos_token_id`.
  public var beginID: Int?
  /// `eos_token_id`.
  public var endID: Int?
  /// `eot_token_id` and `eom_token_id`: further tokens at which a model ends.
  public var furtherEndIDs: [Int] = []
  /// `unknown_token_id`.
  public var unknownID: Int?
  /// `seperator_token_id`, so spelt.
  public var separatorID: Int?
  /// `padding_token_id`.
  public var paddingID: Int?
  /// `cls_token_id`.
  public var classificationID: Int?
  /// `mask_token_id`.
  public var maskID: Int?
  /// `add_bos_token`: whether a text begins with the begin token.
  public var addsBegin: Bool?
  /// `add_eos_token`: whether a text ends with the end token.
  public var addsEnd: Bool?
  /// `add_sep_token`: whether a text ends with the separator.
  public var addsSeparator: Bool?
  /// `add_space_prefix`: whether a text is read as if a space stood before it.
  public var addsSpacePrefix: Bool?
  /// `remove_extra_whitespaces`: whether a run of spaces counts as one.
  public var removesExtraWhitespace: Bool?
  /// `normalizer.lowercase`.
  public var lowercases: Bool?
  /// `normalizer.strip_accents`.
  public var stripsAccents: Bool?
  /// `precompiled_charsmap`: SentencePiece's table of characters.
  public var characterMap: [UInt8] = []

  public init(model: String, tokens: [String]) {
    self.model = model
    self.tokens = tokens
  }
}

extension Tokenizer {
  /// Builds the tokenizer of a GGUF file's vocabulary.
  ///
  /// Texts are cut as by the tokenizer that the file was converted from. Control, unknown and user-defined tokens are found
  /// in a text before anything else happens to it.
  ///
  /// - Parameter file: The name that messages give.
  /// - Throws: `Fault` named `tokenizer.unsupported` for a model or pre-tokenizer that is not known, and another of
  ///   `tokenizer.` for a vocabulary that contradicts itself.
  /// - Complexity: Linear in the vocabulary, but n log n for the scores of a "llama" vocabulary.
  public convenience init(gguf vocabulary: GGUFVocabulary, file: String) throws {
    let builder = try GGUFBuilder(vocabulary, file: file)
    self.init(try builder.parts(), namedIDs: builder.namedIDs, endIDs: builder.endIDs)
  }
}
