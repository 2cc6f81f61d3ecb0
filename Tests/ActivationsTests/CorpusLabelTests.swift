import Activations
import Diagnostics
import Foundation
import HDF5
import TestFiles
import Testing

/// Labels and texts come out of a corpus as they stand in it, or it says so.
@Suite struct CorpusLabelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(
    _ text: String, as name: String, _ options: CorpusOptions = CorpusOptions(), keepsEmpty: Bool = false
  ) throws -> (documents: [Document], reader: CorpusReader) {
    let reader = try Corpus([folder.write(text, name).path], options: options).makeReader()
    var documents: [Document] = []
    while let document = try reader.next(keepsEmpty: keepsEmpty) { documents.append(document) }
    return (documents, reader)
  }

  private static let cells = [
    "3.1", "3.10", "1e3", "1000", "9007199254740993", "9007199254740992", "0x1A", "007", "7", "1e400", "nan", "-nan",
    "inf", "0", "-0", "-2.5", "+1", ".5", "5.", "0.1", "1.0", " 5", "1E5", "123456789012345678901234567890", "٣", "--1",
    "1-2",
  ]
  private static let numbers = ["3.1", "1000", "9007199254740992", "7", "0", "-2.5", "0.1"]

  @Test("A cell is a number only where the number says all that is written", arguments: LabelType.allCases)
  func cells(type: LabelType) throws {
    let cells = type == .number ? ["1", "007", "3.10", "-2.5", "1e3"] : Self.cells
    let wanted: [Label] =
      type == .number
      ? [.number(1), .number(7), .number(3.1), .number(-2.5), .number(1000)]
      : cells.map { cell in
        type == .automatic && Self.numbers.contains(cell) ? .number(Double(cell) ?? .nan) : .text(cell)
      }
    let table = "id,text,label\n" + cells.enumerated().map { "\($0),a,\"\($1)\"\n" }.joined()
    let found = try read(table, as: "c.csv", CorpusOptions(labelType: type)).documents.map { $0.labels["label"] }
    #expect(found == wanted)
    if type != .number { #expect(found.map { $0?.description } == cells) }
    let labels = try StoreLabels(contentsOf: folder.write(table, "labels.csv"), type: type).columns["label"]
    #expect(cells.indices.map { labels?["\($0)"] } == wanted)
  }

  @Test("Numbers of JSON are as they are written")
  func json() throws {
    let written = ["3.1", "3.10", "1e3", "1.0", "9007199254740993", "123456789012345678901", "-0.5", "1e400"]
    let lines = written.enumerated().map { "{\"id\": \($0), \"text\": \"a\", \"label\": \($1)}\n" }.joined()
    let documents = try read(lines, as: "c.jsonl").documents
    #expect(documents.map { $0.labels["label"]?.description } == written)
    #expect(documents.map { $0.labels["label"] }[0] == .number(3.1))
    let stored = try StoreLabels(contentsOf: folder.write(lines, "labels.jsonl")).columns["label"]
    #expect(written.indices.map { stored?["\($0)"]?.description } == written)
    let line = #"{"id": 1.50, "text": "a", "label": "5", "spans": [{"start": 0.0, "end": 1, "label": 2.50}]}"#
    let strings = try read(line, as: "d.jsonl").documents
    #expect(strings[0].id == "1.50" && strings[0].labels["label"] == .text("5"))
    #expect(strings[0].spans == [.init(start: 0, end: 1, label: .text("2.50"))])
    let forced = try read(line, as: "d.jsonl", CorpusOptions(labelType: .number)).documents
    #expect(forced[0].labels["label"] == .number(5) && forced[0].spans[0].label == .number(2.5))
  }

  @Test(
    "A label that is no number is refused where numbers are wanted",
    arguments: ["0x1A", "nan", "inf", "1e400", "b", " 5"])
  func notANumber(cell: String) throws {
    func check(_ body: () throws -> Void) {
      let fault = #expect(throws: Fault.self, performing: body)
      #expect(fault?.name == "corpus.label" && fault?.place?.contains("line 3") == true, "\(String(describing: fault))")
      #expect(fault?.found == "\"\(cell)\"" && fault?.advice?.isEmpty == false && fault?.file != nil)
    }
    let table = "id,text,label\n0,a,1\n1,a,\(cell)\n"
    check { _ = try read(table, as: "c.csv", CorpusOptions(labelType: .number)) }
    check { _ = try StoreLabels(contentsOf: folder.write(table, "labels.csv"), type: .number) }
    let lines = "{\"id\": 0, \"text\": \"a\", \"label\": 1}\n\n{\"id\": 1, \"text\": \"a\", \"label\": \"\(cell)\"}\n"
    check { _ = try read(lines, as: "c.jsonl", CorpusOptions(labelType: .number)) }
    check { _ = try StoreLabels(contentsOf: folder.write(lines, "labels.jsonl"), type: .number) }
  }

  @Test(
    "Two rows for one document",
    arguments: [
      ("l.csv", "id,label\n0,a\n1,\"b\nc\"\n0,d\n"), ("l.tsv", "id\tlabel\n0\ta\n\n\n0\td\n"),
      ("l.jsonl", "{\"id\": \"0\", \"label\": \"a\"}\n{\"id\": 1}\n\n\n{\"id\": 0, \"label\": \"b\"}\n"),
      ("l.jsonl", "{\"id\": \"0\", \"spans\": []}\n\n\n\n{\"id\": \"0\", \"label\": \"b\"}\n"),
    ])
  func twoRows(name: String, text: String) throws {
    let fault = #expect(throws: Fault.self) { _ = try StoreLabels(contentsOf: folder.write(text, name)) }
    #expect(fault?.name == "store.labels" && fault?.found == "\"0\" twice" && fault?.advice != nil)
    #expect(fault?.place == (name == "l.tsv" ? "lines 2 and 5" : name == "l.csv" ? "lines 2 and 5" : "lines 1 and 5"))
  }

  @Test("The ends of lines in a quoted field stay as they are")
  func lineEnds() throws {
    let documents = try read("text,label\r\n\"a\r\nb\nc\r\r\n\r\nd\",x\r\n\"e\n\",y\r\n", as: "c.csv").documents
    #expect(documents.map { Array(($0.text ?? "").utf8) } == [Array("a\r\nb\nc\r\r\n\r\nd".utf8), Array("e\n".utf8)])
    #expect(documents.map { $0.labels["label"] } == [.text("x"), .text("y")])
  }

  @Test("Half of a surrogate pair follows what is set for invalid text")
  func halves() throws {
    let lines = #"{"text": "a"}"# + "\n" + #"{"text": "b\ud83dc\udE42\ud83d\ud83d\ude42"}"# + "\n"
    let fault = #expect(throws: Fault.self) { _ = try read(lines, as: "c.jsonl") }
    #expect(fault?.name == "corpus.invalidUTF8" && fault?.place == "line 2" && fault?.advice != nil)
    #expect(
      try read(lines, as: "c.jsonl", CorpusOptions(invalidUTF8: .replace)).documents.map(\.text)
        == ["a", "b\u{FFFD}c\u{FFFD}\u{FFFD}🙂"])
    let skipped = try read(lines, as: "c.jsonl", CorpusOptions(invalidUTF8: .skip))
    #expect(skipped.documents.map(\.text) == ["a"] && skipped.reader.invalidDocuments == 1)
  }

  @Test("Documents with U+0000 are counted")
  func nul() throws {
    let lines = [
      #"{"id": "a\u0000x", "text": "b"}"#, #"{"text": "\u0000"}"#, #"{"text": "b", "label": "L\u0000"}"#,
      #"{"text": "b", "group": "\u0000"}"#, #"{"text": "b", "spans": [{"start": 0, "end": 1, "label": "\u0000"}]}"#,
      #"{"text": "b"}"#,
    ]
    let found = try read(lines.joined(separator: "\n"), as: "c.jsonl")
    #expect(found.reader.documentsWithNUL == 5)
    #expect(found.documents[1].text == "\0")
    let labels = try StoreLabels(contentsOf: folder.write(#"{"id": "a\u0000", "label": "\u0000b"}"#, "l.jsonl"))
    #expect(labels.labelsWithNUL == 1 && labels.columns["label"]?.keys.first == "a\u{FFFD}")
  }

  @Test("Empty documents are kept where they are wanted")
  func empty() throws {
    let (documents, reader) = try read("a\n\nb\n\n", as: "c.txt", keepsEmpty: true)
    #expect(documents.map(\.text) == ["a", "", "b", ""] && documents.map(\.id) == ["1", "2", "3", "4"])
    #expect(reader.emptyDocuments == 2)
  }

  @Test("A text that is null is called so")
  func null() throws {
    let fault = #expect(throws: Fault.self) { _ = try read(#"{"text": null, "label": "a"}"#, as: "c.jsonl") }
    #expect(fault?.name == "corpus.missingText" && fault?.found == "null" && fault?.advice != nil)
  }

  @Test(
    "Every complaint about a line says what to do",
    arguments: [
      #"{"text": "a", "label": [1]}"#, #"{"text": "a", "label": {"b": 1}}"#, #"{"text": "a", "label": NaN}"#,
      #"{"text": "a", "spans": [{"start": 0, "end": 9, "label": 1}]}"#, #"{"text": "a", "spans": {"start": 0}}"#,
      #"{"text": "a", "spans": [{"start": "0", "end": 1, "label": 1}]}"#, #"{"text": "a", "spans": [{"start": 0}]}"#,
      #"{"text": 5}"#, #"{"tokens": [-1]}"#, #"{"tokens": "a"}"#, #"{"text": "a", "group": []}"#, "[1]", "{", "null",
      "a",
      #"{"text": "a", "text": "b"}"#, #"{"text": "\x"}"#, #"{"text": "a", "id": true}"#,
    ])
  func advice(line: String) throws {
    let fault = #expect(throws: Fault.self) { _ = try read(line + "\n", as: "c.jsonl") }
    #expect(fault?.advice?.isEmpty == false && fault?.place?.contains("line 1") == true, "\(String(describing: fault))")
    let labels = #expect(throws: Fault.self) {
      _ = try StoreLabels(contentsOf: folder.write("{\"id\": \"x\", \"label\": [\(line)]}\n", "l.jsonl"))
    }
    #expect(labels?.advice?.isEmpty == false && labels?.place?.contains("line 1") == true)
  }
}
