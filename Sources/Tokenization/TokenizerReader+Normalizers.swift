import Diagnostics
import Foundation
import StrictJSON

extension TokenizerReader {
  func normalizer(_ reader: JSONReader) throws -> Normalizer {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("normalizers").array().map(normalizer))
    case "NFC": return .unicode(.canonicalComposition)
    case "NFD": return .unicode(.canonicalDecomposition)
    case "NFKC": return .unicode(.compatibleComposition)
    case "NFKD": return .unicode(.compatibleDecomposition)
    case "Lowercase": return .lowercase
    case "StripAccents": return .stripAccents
    case "Strip":
      return .strip(
        left: try reader.optional("strip_left")?.bool() ?? true,
        right: try reader.optional("strip_right")?.bool() ?? true)
    case "Replace":
      return .replace(
        try pattern(reader.required("pattern")),
        with: try reader.required("content").string().unicodeScalars.map(\.value))
    case "Prepend": return .prepend(try reader.required("prepend").string().unicodeScalars.map(\.value))
    case "ByteLevel": return .byteLevel
    case "Nmt": return .nmt
    case "Precompiled": return .characterMap(try characterMap(reader))
    case "BertNormalizer":
      let lowercase = try reader.optional("lowercase")?.bool() ?? true
      return .bert(
        BertNormalization(
          cleanText: try reader.optional("clean_text")?.bool() ?? true,
          handleChineseCharacters: try reader.optional("handle_chinese_chars")?.bool() ?? true,
          stripAccents: try reader.optional("strip_accents")?.bool() ?? lowercase, lowercase: lowercase))
    default:
      throw Self.unsupported(
        reader, "normalizer", type,
        known:
          "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, ByteLevel, Nmt, Precompiled or BertNormalizer"
      )
    }
  }

  /// The table of a `Precompiled`, written in base 64.
  private func characterMap(_ reader: JSONReader) throws -> CharacterMap {
    let entry = try reader.required("precompiled_charsmap")
    guard let data = Data(base64Encoded: try entry.string()) else {
      throw entry.unexpected("a table of characters in base 64", found: "text that is not in base 64")
    }
    return try CharacterMap([UInt8](data), file: entry.file, place: entry.path)
  }

  func pattern(_ reader: JSONReader) throws -> Pattern {
    if let text = try reader.optional("String") {
      let wanted = Array(try text.string().utf8)
      // An empty text is found between all characters, as an empty pattern is.
      if wanted.isEmpty { return .regex(try RegularExpression("", file: text.file, place: text.path)) }
      return .string(wanted)
    }
    let text = try reader.required("Regex")
    return .regex(try RegularExpression(try text.string(), file: text.file, place: text.path))
  }
}
