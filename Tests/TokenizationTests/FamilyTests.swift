import Foundation
import StrictJSON
import Testing
import Tokenization

/// Small tokenizers built as those of the families in use, against what Hugging Face's `tokenizers` makes of hard texts.
@Suite("Tokenizers of the families") struct FamilyTests {
  @Test("Ids, offsets and decoded texts")
  func committed() throws {
    let failures = try compare(Fixture.url("families"))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test("As many texts as the script was asked for", .enabled(if: SharedData.moreCases != nil))
  func more() throws {
    for folder in SharedData.moreCases?.split(separator: ":") ?? [] {
      let failures = try compare(URL(filePath: String(folder)))
      #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }
  }

  /// What differs: the first few texts of each tokenizer.
  private func compare(_ folder: URL) throws -> [String] {
    func json(_ name: String) throws -> JSONReader {
      let data = [UInt8](try Data(contentsOf: folder.appending(path: name)))
      return JSONReader(try JSONValue(parsing: data, file: name), file: name)
    }
    let texts = try json("texts.json").array().map { try $0.string() }
    var failures: [String] = []
    for (name, rows) in try json("expected.json").members() {
      let tokenizer = try Tokenizer(contentsOf: folder.appending(path: "\(name).json"))
      let rows = try rows.array()
      #expect(rows.count == texts.count)
      var wrong = 0
      for (text, row) in zip(texts, rows) {
        let parts = try row.array()
        let ids = try parts[0].integers()
        let starts = try parts[1].integers()
        let ends = zip(starts, try parts[2].integers()).map { $0 + $1 }
        let encoding = try tokenizer.encode(text)
        let decoded = try tokenizer.decode(encoding.ids)
        let special = try parts[3].integer()
        let wanted = try parts[4].string()
        // Again, now that the words are in the cache.
        let again = try tokenizer.encode(text)
        let isSame =
          encoding.ids == ids && encoding.starts == starts && encoding.ends == ends
          && encoding.special.count { $0 } == special && decoded.utf8.elementsEqual(wanted.utf8) && again == encoding
        if isSame { continue }
        wrong += 1
        if wrong > 3 { continue }
        failures.append(
          """
          \(name): \(text.debugDescription) \(text.unicodeScalars.map { String($0.value, radix: 16) })
            ids \(encoding.ids) for \(ids)
            starts \(encoding.starts) for \(starts)
            ends \(encoding.ends) for \(ends)
            \(decoded.debugDescription) for \(wanted.debugDescription)
          """)
      }
      if wrong > 0 { failures.append("\(name): \(wrong) of \(texts.count) texts differ") }
    }
    return failures
  }
}
