import Foundation
import Tokenization

/// Just enough of GGUF to take the vocabulary from a file that is known to be whole.
struct GGUFFile {
  enum Value {
    case integer(Int)
    case float(Float)
    case bool(Bool)
    case text(String)
    case array([Value])
  }

  private(set) var values: [String: Value] = [:]
  private let data: Data
  private var position = 24

  init(_ url: URL) throws {
    data = try Data(contentsOf: url)
    position = 16
    let count = Int(number(UInt64.self))
    for _ in 0..<count {
      let key = text()
      values[key] = value(number(UInt32.self))
    }
  }

  private mutating func number<T: BitwiseCopyable>(_: T.Type) -> T {
    let number = data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) }
    position += MemoryLayout<T>.size
    return number
  }

  private mutating func text() -> String {
    let count = Int(number(UInt64.self))
    defer { position += count }
    return String(decoding: data[position..<position + count], as: UTF8.self)
  }

  private mutating func value(_ type: UInt32) -> Value {
    switch type {
    case 0: return .integer(Int(number(UInt8.self)))
    case 1: return .integer(Int(number(Int8.self)))
    case 2: return .integer(Int(number(UInt16.self)))
    case 3: return .integer(Int(number(Int16.self)))
    case 4: return .integer(Int(number(UInt32.self)))
    case 5: return .integer(Int(number(Int32.self)))
    case 6: return .float(number(Float.self))
    case 7: return .bool(number(UInt8.self) != 0)
    case 8: return .text(text())
    case 9:
      let element = number(UInt32.self)
      return .array((0..<Int(number(UInt64.self))).map { _ in value(element) })
    case 10: return .integer(Int(number(UInt64.self)))
    case 11: return .integer(Int(number(Int64.self)))
    default: return .float(Float(number(Double.self)))
    }
  }

  private func integer(_ key: String) -> Int? {
    if case .integer(let value)? = values["tokenizer.ggml.\(key)"] { value } else { nil }
  }

  private func bool(_ key: String) -> Bool? {
    if case .bool(let value)? = values["tokenizer.ggml.\(key)"] { value } else { nil }
  }

  private func string(_ key: String) -> String? {
    if case .text(let value)? = values["tokenizer.ggml.\(key)"] { value } else { nil }
  }

  private func array<T>(_ key: String, _ element: (Value) -> T?) -> [T] {
    if case .array(let values)? = values["tokenizer.ggml.\(key)"] { values.compactMap(element) } else { [] }
  }

  var vocabulary: GGUFVocabulary {
    func texts(_ key: String) -> [String] { array(key) { if case .text(let text) = $0 { text } else { nil } } }
    func integers(_ key: String) -> [Int] { array(key) { if case .integer(let value) = $0 { value } else { nil } } }
    var result = GGUFVocabulary(model: string("model") ?? "", tokens: texts("tokens"))
    result.preTokenizer = string("pre")
    result.scores = array("scores") { if case .float(let value) = $0 { value } else { nil } }
    result.types = integers("token_type").map { Int32($0) }
    result.merges = texts("merges")
    result.beginID = integer("bos_token_id")
    result.endID = integer("eos_token_id")
    result.furtherEndIDs = ["eot_token_id", "eom_token_id"].compactMap(integer)
    result.unknownID = integer("unknown_token_id")
    result.separatorID = integer("seperator_token_id")
    result.paddingID = integer("padding_token_id")
    result.classificationID = integer("cls_token_id")
    result.maskID = integer("mask_token_id")
    result.addsBegin = bool("add_bos_token")
    result.addsEnd = bool("add_eos_token")
    result.addsSeparator = bool("add_sep_token")
    result.addsSpacePrefix = bool("add_space_prefix")
    result.removesExtraWhitespace = bool("remove_extra_whitespaces")
    result.characterMap = integers("precompiled_charsmap").map { UInt8(truncatingIfNeeded: $0) }
    return result
  }
}
