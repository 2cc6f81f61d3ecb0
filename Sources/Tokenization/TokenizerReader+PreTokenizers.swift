import Diagnostics
import StrictJSON

extension TokenizerReader {
  func preTokenizer(_ reader: JSONReader) throws -> PreTokenizer {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("pretokenizers").array().map(preTokenizer))
    case "ByteLevel":
      var steps: [PreTokenizer] = []
      if try reader.optional("add_prefix_space")?.bool() ?? true { steps.append(.prefixSpace) }
      if try reader.optional("use_regex")?.bool() ?? true { steps.append(.scanner(.gpt2)) }
      return .sequence(steps + [.byteLevel])
    case "Split": return try split(reader)
    case "Metaspace": return .metaspace(try metaspace(reader))
    case "Whitespace": return .whitespaceWords
    case "WhitespaceSplit": return .characters(.whitespace, .removed)
    case "BertPreTokenizer":
      return .sequence([.characters(.whitespace, .removed), .characters(.bertPunctuation, .isolated)])
    case "Punctuation": return .characters(.punctuation, try behavior(reader, standard: .isolated))
    case "Digits":
      let individual = try reader.optional("individual_digits")?.bool() ?? false
      return .characters(.digit, individual ? .isolated : .contiguous)
    case "CharDelimiterSplit":
      let delimiter = try scalar(reader.required("delimiter"), standard: " ")
      return .split(.string(Array(String(delimiter).utf8)), .removed, inverted: false)
    case "FixedLength":
      let entry = try reader.optional("length")
      let length = try entry?.integer() ?? 5
      guard length > 0 else { throw (entry ?? reader).unexpected("a count of characters from 1 on") }
      return .fixedLength(length)
    default:
      throw Self.unsupported(
        reader, "pre-tokenizer", type,
        known:
          "Sequence, ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation, Digits, CharDelimiterSplit or FixedLength"
      )
    }
  }

  private func behavior(_ reader: JSONReader, standard: SplitBehavior) throws -> SplitBehavior {
    guard let value = try reader.optional("behavior") else { return standard }
    guard let behavior = SplitBehavior(rawValue: try value.string()) else {
      throw value.unexpected(SplitBehavior.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return behavior
  }

  private func split(_ reader: JSONReader) throws -> PreTokenizer {
    let behavior = try behavior(reader, standard: .isolated)
    let inverted = try reader.optional("invert")?.bool() ?? false
    let source = try reader.required("pattern")
    // The known patterns match everywhere, so that keeping every match alone is all there is to do.
    if behavior == .isolated || (behavior == .removed && inverted), let text = try source.optional("Regex"),
      let scanner = WordScanner(pattern: try text.string())
    {
      return .scanner(scanner)
    }
    return .split(try pattern(source), behavior, inverted: inverted)
  }

  func metaspace(_ reader: JSONReader) throws -> PreTokenizer.Metaspace {
    var prefix = PreTokenizer.Metaspace.Prefix.always
    if let scheme = try reader.optional("prepend_scheme") {
      guard let known = PreTokenizer.Metaspace.Prefix(rawValue: try scheme.string()) else {
        throw scheme.unexpected("always, first or never")
      }
      prefix = known
    } else if try reader.optional("add_prefix_space")?.bool() == false {
      prefix = .never
    }
    return PreTokenizer.Metaspace(
      replacement: try scalar(reader.optional("replacement"), standard: "▁").value, prefix: prefix,
      splits: try reader.optional("split")?.bool() ?? true)
  }

  func scalar(_ reader: JSONReader?, standard: Unicode.Scalar) throws -> Unicode.Scalar {
    guard let reader else { return standard }
    let scalars = try reader.string().unicodeScalars
    guard let first = scalars.first, scalars.count == 1 else { throw reader.unexpected("one character") }
    return first
  }
}

extension PreTokenizer {
  /// The step's steps, nested sequences laid out flat.
  var steps: [PreTokenizer] {
    if case .sequence(let steps) = self { steps.flatMap(\.steps) } else { [self] }
  }
}
