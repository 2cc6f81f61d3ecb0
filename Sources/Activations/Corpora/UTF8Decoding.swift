import Diagnostics

/// The text of some bytes under a policy for invalid UTF-8; nil where the document is to be left out.
func decodeUTF8(
  _ bytes: UnsafeRawBufferPointer, policy: CorpusOptions.InvalidUTF8, file: String, line: Int?
) throws -> String? {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  switch policy {
  case .replace: return String(decoding: bytes, as: UTF8.self)
  case .skip: return nil
  case .strict:
    let place = firstInvalidByte(bytes)
    // In a file that is one document, the line is counted here.
    let lineHere = line ?? bytes.prefix(place).reduce(into: 1) { $0 += $1 == 0x0A ? 1 : 0 }
    let start = line == nil ? (bytes.prefix(place).lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) : 0
    let shown = bytes[place..<min(place + 4, bytes.count)].map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
    throw Fault(
      .badData, "corpus.invalidUTF8", "This text is not valid UTF-8", file: file,
      place: "line \(lineHere), byte \(place - start + 1) of it", expected: "UTF-8",
      found: "the bytes \(shown.joined(separator: " "))",
      advice: "convert the file to UTF-8, or read it with invalid UTF-8 set to replace or skip")
  }
}

/// The index of the first byte that no valid sequence explains.
private func firstInvalidByte(_ bytes: UnsafeRawBufferPointer) -> Int {
  var decoder = UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  var index = 0
  while true {
    switch decoder.parseScalar(from: &iterator) {
    case .valid(let encoded): index += encoded.count
    case .error: return min(index, max(0, bytes.count - 1))
    case .emptyInput: return index
    }
  }
}
