import Diagnostics
import StrictJSON

/// Reads the parts of a tokenizer.json. Whatever it does not know is refused by name and place.
struct TokenizerReader {
  let root: JSONReader
  /// The files beside the tokenizer.json that may name further tokens.
  var neighbours: [JSONReader] = []

  init(_ root: JSONReader) { self.root = root }

  func parts() throws -> TokenizerParts {
    let normalizer = try root.optional("normalizer").map(normalizer)
    var preTokenizer = try root.optional("pre_tokenizer").map(preTokenizer)
    var reader = try ModelReader(root.required("model"))
    let added = try addedTokens(&reader.vocabulary, normalizer)
    let isByteLevel = Self.usesByteLevel(preTokenizer) || Self.usesByteLevel(normalizer)
    // Where writing bytes in GPT-2's alphabet is the last step before a vocabulary that knows all 256, the model reads
    // the bytes themselves.
    var readsBytes = false
    if let steps = preTokenizer?.steps, case .byteLevel? = steps.last, reader.spellsEveryByte {
      preTokenizer = .sequence(Array(steps.dropLast()))
      readsBytes = true
    }
    let model = try reader.model(readsBytes: readsBytes)
    if Self.cutsNothing(preTokenizer, after: normalizer) { preTokenizer = nil }
    if preTokenizer == nil, case .bytePairs(let pairs) = model, !readsBytes, reader.mayCutBeforeWordMarks(pairs) {
      preTokenizer = .beforeWordMarks
    }
    return TokenizerParts(
      vocabulary: reader.vocabulary, added: added, normalizer: normalizer, preTokenizer: preTokenizer, model: model,
      missingUnknown: try reader.missingUnknown(),
      postProcessor: try root.optional("post_processor").map { try postProcessor($0, reader.vocabulary) }
        ?? PostProcessor(),
      decoder: try root.optional("decoder").map(decoder), isByteLevel: isByteLevel)
  }

  /// Whether the pre-tokenizer splits at spaces, none of which the normalizer leaves.
  private static func cutsNothing(_ step: PreTokenizer?, after normalizer: Normalizer?) -> Bool {
    let space: [UInt8] = [0x20]
    guard let normalizer, case .split(.string(let cut), _, inverted: false)? = step, cut == space else { return false }
    switch normalizer {
    case .replace(.string(let replaced), let content): return replaced == space && !content.contains(0x20)
    case .sequence(let steps): return steps.last.map { cutsNothing(step, after: $0) } ?? false
    default: return false
    }
  }

  private static func usesByteLevel(_ step: PreTokenizer?) -> Bool {
    step?.steps.contains { if case .byteLevel = $0 { true } else { false } } ?? false
  }

  private static func usesByteLevel(_ step: Normalizer?) -> Bool {
    switch step {
    case .byteLevel?: true
    case .sequence(let steps)?: steps.contains { usesByteLevel($0) }
    default: false
    }
  }

  static func unsupported(_ reader: JSONReader, _ what: String, _ name: String, known: String) -> Fault {
    Fault(
      .badData, "tokenizer.unsupported", "This tokenizer has a \(what) that Unfold does not know", file: reader.file,
      place: reader.path, expected: known, found: "\"\(name)\"",
      advice: "use a model with another tokenizer, or give tokens in place of text")
  }
}
