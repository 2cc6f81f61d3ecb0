import Activations
import CZlib
import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct CorpusTests {
  private func read(_ corpus: Corpus) throws -> [Document] {
    let reader = try corpus.makeReader()
    var documents: [Document] = []
    while let document = try reader.next() { documents.append(document) }
    return documents
  }

  private func read(_ text: String, as name: String, _ options: CorpusOptions = CorpusOptions()) throws -> [Document] {
    try read(Array(text.utf8), as: name, options)
  }

  private func read(_ bytes: [UInt8], as name: String, _ options: CorpusOptions = CorpusOptions()) throws -> [Document]
  {
    let folder = try TemporaryFolder()
    let url = try folder.write(bytes, name)
    return try read(Corpus([url.path], options: options))
  }

  // MARK: Forms

  @Test func jsonLines() throws {
    let text = """
      {"id": "a", "text": "One \\u00e9.", "label": "x", "group": "g", "spans": [{"start": 4, "end": 5, "label": 2}]}

      {"text": "Two", "label": 1, "id": 7}
      {"tokens": [5, 0, 3], "label": true, "extra": [1, {"deep": null}]}
      {"text": "no label", "label": null, "tokens": null}
      """
    let documents = try read(text, as: "c.jsonl")
    #expect(documents.map(\.id) == ["a", "7", "4", "5"])
    #expect(documents.map(\.text) == ["One é.", "Two", nil, "no label"])
    #expect(documents[2].tokens == [5, 0, 3])
    #expect(documents.map { $0.labels["label"] } == [.text("x"), .number(1), .text("true"), nil])
    #expect(documents[0].group == "g")
    #expect(documents[0].spans == [.init(start: 4, end: 5, label: .number(2))])
    #expect(documents[1].place.line == 3)
  }

  @Test func otherFields() throws {
    let options = CorpusOptions(textField: "body", labelFields: ["lat", "kind"])
    let documents = try read(#"{"body": "x", "lat": 1.5, "kind": "k", "label": 9}"#, as: "c.ndjson", options)
    #expect(documents[0].labels == ["lat": .number(1.5), "kind": .text("k")])
    let table = try read("kind,body,lat\nk,x,-2e3\n", as: "c.csv", options)
    #expect(table[0].labels == ["lat": .text("-2e3"), "kind": .text("k")])
    #expect(table[0].text == "x")
  }

  @Test func tables() throws {
    let text = "id,text,label,group\r\n1,\"a, \"\"b\"\"\",pos,g\r\n\r\n2,\"two\r\nlines\",007,\r\n3,say \"hi\",0.5,\r\n"
    let documents = try read(text, as: "c.CSV")
    #expect(documents.map(\.text) == ["a, \"b\"", "two\r\nlines", "say \"hi\""])
    #expect(documents.map { $0.labels["label"] } == [.text("pos"), .text("007"), .number(0.5)])
    #expect(documents.map(\.group) == ["g", nil, nil])
    #expect(documents.map(\.place.line) == [2, 4, 6])
    let tabs = try read("label\ttext\n1\ta, b\n", as: "c.tsv")
    #expect(tabs[0].text == "a, b")
    #expect(tabs[0].id == "2")
  }

  @Test func lines() throws {
    let text = "\u{FEFF}first\r\n\r\nthird\nlast"
    let folder = try TemporaryFolder()
    let reader = try Corpus([folder.write(Array(text.utf8), "c.txt").path]).makeReader()
    #expect(try reader.next()?.text == "first")
    let third = try reader.next()
    #expect(third?.text == "third")
    #expect(third?.id == "3")
    #expect(try reader.next()?.text == "last")
    #expect(try reader.next() == nil)
    #expect(reader.emptyDocuments == 1)
    #expect(reader.bytesRead == text.utf8.count)
  }

  @Test func folders() throws {
    let folder = try TemporaryFolder()
    for (name, text) in [("b.txt", "B\r\nb"), ("a.txt", "A"), ("deep/c.txt", "C"), ("skip.md", "no"), (".x.txt", "no")]
    {
      try folder.write(Array(text.utf8), "texts/\(name)")
    }
    try folder.write(gzip(Array("zipped".utf8)), "texts/z.txt.gz")
    let documents = try read(Corpus([folder.url.appending(path: "texts").path]))
    #expect(documents.map(\.id) == ["a", "b", "deep/c", "z"])
    #expect(documents.map(\.text) == ["A", "B\r\nb", "C", "zipped"])
  }

  @Test func severalFilesAndShippedOnes() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("x\ny\n".utf8), "one.txt")
    try folder.write(Array("{\"text\": \"z\"}".utf8), "datasets/two.jsonl")
    let here = Surroundings(
      environment: ["UNFOLD_DATASETS": folder.url.appending(path: "datasets").path],
      executableFolder: folder.url, workingFolder: folder.url, home: folder.url, sourceRoot: folder.url)
    let documents = try read(Corpus(["one.txt", "two"], options: CorpusOptions(), in: here))
    #expect(documents.map(\.id) == ["one:1", "one:2", "two:1"])
  }

  @Test func gzippedMembersAndPadding() throws {
    let bytes = gzip(Array("a\nb".utf8)) + gzip(Array("c\n".utf8)) + [0, 0, 0]
    #expect(try read(bytes, as: "c.txt.gz").map(\.text) == ["a", "bc"])
    // Known by its bytes, not by its name.
    #expect(try read(gzip(Array("a\n".utf8)), as: "c.txt").map(\.text) == ["a"])
  }

  @Test func longLinesAcrossBuffers() throws {
    let texts = (0..<40).map { String(repeating: Character(Unicode.Scalar(UInt8(97 + $0 % 26))), count: $0 * 30_011) }
    let documents = try read(texts.joined(separator: "\r\n"), as: "c.txt")
    #expect(documents.map(\.text) == Array(texts.dropFirst()))
  }

  // MARK: Faults

  @Test(arguments: [
    ("{\"text\": \"a\"}\n{\"text\": \"b", "c.jsonl", "corpus.json", "line 2"),
    ("{\"text\": \"a\"}\n[1]\n", "c.jsonl", "corpus.field", "line 2"),
    ("{\"text\": \"a\"}\n\n{\"body\": \"b\"}\n", "c.jsonl", "corpus.missingText", "line 3"),
    ("{\"text\": 5}\n", "c.jsonl", "corpus.field", "line 1"),
    ("{\"tokens\": [1, -2]}\n", "c.jsonl", "corpus.field", "line 1"),
    ("{\"tokens\": [1, 99999999999]}\n", "c.jsonl", "corpus.field", "line 1"),
    ("{\"text\": \"a\", \"label\": [1]}\n", "c.jsonl", "corpus.field", "line 1"),
    ("{\"text\": \"a\", \"spans\": [{\"start\": 0, \"end\": 2, \"label\": 1}]}\n", "c.jsonl", "corpus.field", "line 1"),
    ("{\"text\": \"a\", \"text\": \"b\"}\n", "c.jsonl", "corpus.json", "line 1"),
    ("{\"id\": \"a\", \"text\": \"1\"}\n{\"id\": \"a\", \"text\": \"2\"}\n", "c.jsonl", "corpus.duplicateID", "line 2"),
    (
      "{\"text\": \"1\"}\n{\"id\": \"b\", \"text\": \"2\"}\n{\"id\": \"b\", \"text\": \"3\"}\n", "c.jsonl",
      "corpus.duplicateID", "line 3"
    ),
    ("label,body\n1,2\n", "c.csv", "corpus.missingText", "line 1"),
    ("text,label\na,1\nb\n", "c.csv", "corpus.csv", "line 3"),
    ("text,label\n\"a\nb,1\n", "c.csv", "corpus.csv", "line 2"),
    ("text,label\n\"a\"b,1\n", "c.csv", "corpus.csv", "line 2"),
    ("x", "c.parquet", "corpus.unknownForm", ""),
  ])
  func badCorpus(text: String, name: String, fault: String, place: String) throws {
    let found = #expect(throws: Fault.self) { try read(text, as: name) }
    #expect(found?.name == fault)
    #expect(found?.kind == .badData)
    #expect(found?.file?.hasSuffix(name) == true)
    #expect(found?.place ?? "" == place || found?.place?.contains(place) == true)
    #expect(found?.expected != nil && found?.found != nil)
  }

  @Test func halfALineSaysSo() throws {
    let found = #expect(throws: Fault.self) { try read("{\"text\": \"a\"}\n{\"tex", as: "c.jsonl") }
    #expect(found?.problem == "The last line is cut off")
    #expect(found?.place == "line 2, column 6")
  }

  @Test func duplicateNamesBothLines() throws {
    let found = #expect(throws: Fault.self) {
      try read("{\"id\": 1, \"text\": \"a\"}\n{\"text\": \"b\"}\n{\"id\": \"1\", \"text\": \"c\"}\n", as: "c.jsonl")
    }
    #expect(found?.place == "line 3")
    #expect(found?.found?.contains("line 1") == true)
  }

  @Test func invalidUTF8() throws {
    let bytes = Array("good\nb".utf8) + [0xC3, 0x28] + Array("d\nmore\n".utf8)
    let found = #expect(throws: Fault.self) { try read(bytes, as: "c.txt") }
    #expect(found?.name == "corpus.invalidUTF8")
    #expect(found?.place == "line 2, byte 2 of it")
    #expect(
      try read(bytes, as: "c.txt", CorpusOptions(invalidUTF8: .replace)).map(\.text) == ["good", "b\u{FFFD}(d", "more"])
    #expect(try read(bytes, as: "c.txt", CorpusOptions(invalidUTF8: .skip)).map(\.text) == ["good", "more"])

    let json = Array("{\"text\": \"a\"}\n{\"text\": \"b".utf8) + [0xFF] + Array("\"}\n".utf8)
    #expect(#expect(throws: Fault.self) { try read(json, as: "c.jsonl") }?.name == "corpus.invalidUTF8")
    #expect(try read(json, as: "c.jsonl", CorpusOptions(invalidUTF8: .replace)).map(\.text) == ["a", "b\u{FFFD}"])
    #expect(try read(json, as: "c.jsonl", CorpusOptions(invalidUTF8: .skip)).map(\.text) == ["a"])

    let table = Array("text\na\nb".utf8) + [0xFF, 0x0A]
    #expect(#expect(throws: Fault.self) { try read(table, as: "c.csv") }?.place?.contains("line 3") == true)
    #expect(try read(table, as: "c.csv", CorpusOptions(invalidUTF8: .skip)).map(\.text) == ["a"])

    let folder = try TemporaryFolder()
    try folder.write(Array("one\ntwo".utf8) + [0x80], "texts/a.txt")
    let whole = #expect(throws: Fault.self) { try read(Corpus([folder.url.appending(path: "texts").path])) }
    #expect(whole?.place == "line 2, byte 4 of it")
  }

  @Test func damagedGzip() throws {
    let whole = gzip(Array(String(repeating: "some text\n", count: 400).utf8))
    for length in 2..<whole.count {
      let found = #expect(throws: Fault.self) { try read(Array(whole[..<length]), as: "c.txt.gz") }
      #expect(found?.name == "corpus.gzip")
    }
    for index in 2..<whole.count {
      var damaged = whole
      damaged[index] ^= 0x10
      // Damage in the header's time or name goes unnoticed; anything else must not be read as if nothing were wrong.
      do {
        _ = try read(damaged, as: "c.txt.gz", CorpusOptions(invalidUTF8: .replace))
      } catch let fault as Fault {
        #expect(fault.kind == .badData)
      }
    }
    let found = #expect(throws: Fault.self) { try read(whole + [1, 2, 3], as: "c.txt.gz") }
    #expect(found?.name == "corpus.gzip")
  }

  /// 256 MiB of one letter, compressed to a quarter of a MiB, is refused with little memory used.
  @Test func aBombIsRefused() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(gzip(repeating: 0x61, count: 1 << 28), "bomb.txt.gz")
    for name in [url.path, url.deletingLastPathComponent().path] {
      let corpus = try Corpus([name], options: CorpusOptions(maximumDocumentBytes: 1 << 20))
      let found = #expect(throws: Fault.self) { try read(corpus) }
      #expect(found?.name == "corpus.documentTooLong")
    }
  }

  @Test func whatIsNotThere() throws {
    let folder = try TemporaryFolder()
    #expect(#expect(throws: Fault.self) { try Corpus(["/no/such.txt"]) }?.name == "corpus.notFound")
    #expect(#expect(throws: Fault.self) { try Corpus([""]) }?.kind == .noInput)
    #expect(#expect(throws: Fault.self) { try Corpus([folder.url.path]) }?.name == "corpus.emptyFolder")
  }

  @Test func emptyDocumentsAreCounted() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(
      Array("{\"text\": \"\"}\n{\"tokens\": []}\n{\"text\": \"a\"}\n".utf8), "c.jsonl")
    let reader = try Corpus([url.path]).makeReader()
    #expect(try reader.next()?.text == "a")
    #expect(try reader.next() == nil)
    #expect(reader.emptyDocuments == 2)
    #expect(try read("", as: "c.csv").isEmpty)
    #expect(try read("", as: "c.jsonl").isEmpty)
  }
}
