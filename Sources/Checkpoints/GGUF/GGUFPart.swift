/// The name of one part of a split GGUF file: `NAME-00002-of-00003.gguf`.
struct GGUFPart: Equatable {
  let stem: String
  /// From 1.
  let number: Int
  let count: Int
  private let ending: String

  /// Nil where the name is not that of a part.
  init?(fileName: String) {
    guard fileName.lowercased().hasSuffix(".gguf") else { return nil }
    ending = String(fileName.suffix(5))
    let pieces = fileName.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
    guard pieces.count >= 4, pieces[pieces.count - 2] == "of" else { return nil }
    func value(_ text: Substring) -> Int? {
      text.utf8.count == 5 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
    }
    guard let number = value(pieces[pieces.count - 3]), let count = value(pieces[pieces.count - 1]),
      1...count ~= number
    else { return nil }
    (self.number, self.count) = (number, count)
    stem = pieces.dropLast(3).joined(separator: "-")
  }

  /// What all parts of a file have in common.
  var family: String { "\(stem)-*-of-\(padded(count))\(ending)" }

  /// The name of another part.
  func name(_ number: Int) -> String { "\(stem)-\(padded(number))-of-\(padded(count))\(ending)" }

  private func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
