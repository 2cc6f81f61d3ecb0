import Diagnostics
import StrictJSON

extension TokenizerReader {
  func decoder(_ reader: JSONReader) throws -> Decoder {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("decoders").array().map(decoder))
    case "ByteLevel": return .byteLevel
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Strip":
      func count(_ key: String) throws -> Int {
        let value = try reader.optional(key)
        let count = try value?.integer() ?? 0
        guard count >= 0 else { throw (value ?? reader).unexpected("a count") }
        return count
      }
      return .strip(
        try scalar(reader.optional("content"), standard: " "), start: try count("start"), stop: try count("stop"))
    case "Replace":
      return .replace(try pattern(reader.required("pattern")), with: try reader.required("content").string())
    case "Metaspace":
      let options = try metaspace(reader)
      guard let mark = Unicode.Scalar(options.replacement) else { throw reader.unexpected("a character") }
      return .metaspace(mark, stripsFirst: options.prefix != .never)
    case "WordPiece":
      return .wordPiece(
        prefix: try reader.optional("prefix")?.string() ?? "##",
        cleansUp: try reader.optional("cleanup")?.bool() ?? true)
    case "CTC":
      return .ctc(
        padding: try reader.optional("pad_token")?.string() ?? "<pad>",
        delimiter: try reader.optional("word_delimiter_token")?.string() ?? "|",
        cleansUp: try reader.optional("cleanup")?.bool() ?? true)
    case "BPEDecoder": return .bytePair(suffix: try reader.optional("suffix")?.string() ?? "</w>")
    default:
      throw Self.unsupported(
        reader, "decoder", type,
        known: "Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece, CTC or BPEDecoder")
    }
  }
}
