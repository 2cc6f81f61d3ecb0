import Foundation
import TestFiles
import Testing

/// What the command line makes of labels and texts as people write them.
@Suite("Labels and texts on the command line") struct LabelCommandTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    let cells = ["3.1", "3.10", "beta"]
    let rows = (0..<30).map { "river wolf ship \($0) and more,\(cells[$0 % 3])\n" }
    try tool.write("text,label\n" + rows.joined(), to: "versions.csv")
  }

  @Test("3.1 and 3.10 are two classes, unless labels are numbers")
  func versions() throws {
    let flags = [
      "probe", "train", "unfold-mini", "versions.csv", "--sites", "resid_post", "--layers", "0", "--json", "-q",
    ]
    let found = try tool.run(flags + ["-o", "p.safetensors"])
    #expect(found.output.contains("\"3.10\"") && found.output.contains("\"3.1\""), "\(found.errors)")
    let refused = try tool.run(flags + ["-o", "q.safetensors", "--label-type", "number"])
    #expect(refused.code == 65 && refused.faultName == "corpus.label" && refused.output.contains("line 4"))
  }

  @Test("A store says what it could not keep, and takes labels as written")
  func store() throws {
    try tool.write(
      """
      {"id": "a\\u0000x", "text": "left\\u0000right"}
      {"id": "b", "text": "plain"}

      """, to: "nul.jsonl")
    let capture = try tool.run(
      "capture", "unfold-mini", "nul.jsonl", "-o", "store", "--sites", "resid_post", "--layers", "0")
    #expect(capture.code == 0 && (capture.output + capture.errors).contains("1 documents hold U+0000"))
    try tool.write("id,tone\nb,007\n\"a\0x\",0x1A\n", to: "labels.csv")
    let label = try tool.run("store", "label", "store", "labels.csv", "--label-field", "tone", "--json")
    #expect(label.code == 0 && label.output.contains("\"tone\" : 2"), "\(label.output)\(label.errors)")
    let number = try tool.run(
      "store", "label", "store", "labels.csv", "--label-field", "tone", "--label-type", "number", "--json")
    #expect(number.code == 65 && number.faultName == "corpus.label")
  }

  @Test("Every line of a corpus is tokenized, the empty ones too")
  func tokenize() throws {
    try tool.write("one\n\ntwo\n\n", to: "lines.txt")
    let outcome = try tool.run("tokenize", "unfold-mini", "--input", "lines.txt", "--json", "--no-special-tokens")
    let lines = outcome.output.split(separator: "\n")
    #expect(outcome.code == 0 && lines.count == 4)
    #expect(lines.count == 4 && lines[1].contains("\"tokens\":[]") && lines[3].contains("\"id\":\"4\""))
    try tool.write("{\"tokens\": [1, 2]}\n{\"text\": \"\"}\n", to: "tokens.jsonl")
    let tokens = try tool.run("tokenize", "unfold-mini", "--input", "tokens.jsonl")
    #expect(tokens.code == 0 && tokens.errors.contains("1 documents were left out"))
  }
}
