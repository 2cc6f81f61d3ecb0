import Diagnostics
import StrictJSON

/// What the labels of a file are.
public enum LabelType: String, Sendable, Codable, CaseIterable {
  /// Classes by name: every label is the text that is written.
  case text
  /// Numbers, in decimal, with or without an exponent; anything else is refused.
  case number
  /// Numbers where that loses nothing: `3.1` is one; `3.10`, `007`, `1e3`, `0x1A`, `nan` and 2⁵³ + 1 stay texts, and with
  /// one text the whole column is texts, each number written as it was.
  case automatic = "auto"

  /// The label that a cell of a table or a number of JSON stands for.
  ///
  /// - Throws: `corpus.label`, without file and place.
  func label(written: String) throws -> Label {
    switch self {
    case .text: return .text(written)
    case .automatic:
      let isPlain = written.utf8.allSatisfy { $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
      if isPlain, let number = Double(written), Label.number(number).description == written { return .number(number) }
      return .text(written)
    case .number:
      guard let number = Label.decimal(written) else {
        throw Fault(
          .badData, "corpus.label", "A label is not a number",
          expected: "a finite number in decimal, such as -2.5 or 1e3",
          found: "\"\(written.prefix(80))\"",
          advice: "leave out labels that are not known, or take labels as they are written: --label-type text")
      }
      return .number(number)
    }
  }

  /// The label that a value of JSON stands for: numbers as they are written, strings as texts unless numbers are wanted.
  ///
  /// - Throws: `json.unexpected`, `corpus.label`.
  func label(_ reader: JSONReader) throws -> Label {
    switch reader.value {
    case .string(let text): return self == .number ? try placed(text, reader) : .text(text)
    case .integer(let number): return try placed("\(number)", reader)
    case .number(let number): return try placed("\(number)", reader)
    case .decimal(let text): return try placed(text, reader)
    case .bool(let flag): return self == .number ? try placed("\(flag)", reader) : .text("\(flag)")
    default:
      throw reader.unexpected(
        "a string, a number, true or false",
        advice: "write one label there, or leave it out; several labels of a document go to fields of their own")
    }
  }

  private func placed(_ written: String, _ reader: JSONReader) throws -> Label {
    do {
      return try label(written: written)
    } catch var fault as Fault {
      (fault.file, fault.place) = (reader.file, reader.path)
      throw fault
    }
  }
}

extension Label {
  /// The number that a text is in decimal, with or without an exponent; nil for others, and for those that a 64-bit float
  /// cannot hold.
  public static func decimal(_ text: String) -> Double? {
    let allowed = text.utf8.allSatisfy { $0 &- 0x30 < 10 || "+-.eE".utf8.contains($0) }
    guard allowed, let number = Double(text), number.isFinite else { return nil }
    return number
  }
}
