import Diagnostics
import StrictJSON

extension TokenizerReader {
  func postProcessor(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> PostProcessor {
    let type = try reader.required("type").string()
    var result = PostProcessor()
    switch type {
    case "Sequence":
      for step in try reader.required("processors").array() {
        let step = try postProcessor(step, vocabulary)
        result.trimmings += step.trimmings
        result.prefix = step.prefix + result.prefix
        result.suffix += step.suffix
      }
    case "ByteLevel":
      if try reader.optional("trim_offsets")?.bool() ?? true {
        result.trimmings = [.init(addsPrefixSpace: try reader.optional("add_prefix_space")?.bool() ?? true)]
      }
    case "TemplateProcessing": (result.prefix, result.suffix) = try template(reader, vocabulary)
    case "BertProcessing", "RobertaProcessing":
      result.prefix = [try special(reader.required("cls"), vocabulary)]
      result.suffix = [try special(reader.required("sep"), vocabulary)]
      if type == "RobertaProcessing", try reader.optional("trim_offsets")?.bool() ?? true {
        result.trimmings = [.init(addsPrefixSpace: try reader.optional("add_prefix_space")?.bool() ?? true)]
      }
    default:
      throw Self.unsupported(
        reader, "post-processor", type,
        known: "Sequence, ByteLevel, TemplateProcessing, BertProcessing or RobertaProcessing")
    }
    return result
  }

  /// A pair such as `["[CLS]", 101]`.
  private func special(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> Int32 {
    let parts = try reader.array()
    guard parts.count == 2 else { throw reader.unexpected("a piece and its id") }
    return try known(parts[1], vocabulary)
  }

  private func known(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> Int32 {
    let id = try ModelReader.checkedID(reader)
    guard vocabulary.piece(id) != nil else {
      throw Fault(
        .badData, "tokenizer.unknownSpecialToken", "The post-processor adds a token that the vocabulary lacks",
        file: reader.file, place: reader.path, expected: "the id of a token", found: "\(id)")
    }
    return id
  }

  /// The tokens before and after the text in a template for single sequences.
  private func template(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> (prefix: [Int32], suffix: [Int32]) {
    var ids: [ExactString: [Int32]] = [:]
    for (name, token) in try reader.optional("special_tokens")?.members() ?? [] {
      ids[ExactString(name)] = try token.required("ids").array().map { try known($0, vocabulary) }
    }
    var prefix: [Int32] = []
    var suffix: [Int32] = []
    var afterText = false
    let single = try reader.required("single")
    for step in try single.array() {
      if let token = try step.optional("SpecialToken") {
        let name = try token.required("id")
        guard let known = ids[ExactString(try name.string())] else {
          throw name.unexpected("a name in special_tokens")
        }
        if afterText { suffix += known } else { prefix += known }
      } else {
        _ = try step.required("Sequence")
        guard !afterText else { throw single.unexpected("the text once", found: "the text twice") }
        afterText = true
      }
    }
    guard afterText else { throw single.unexpected("the text once", found: "a template without the text") }
    return (prefix, suffix)
  }
}
