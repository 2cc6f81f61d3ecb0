import Foundation
import Testing

@Suite("unfold probe apply", .serialized)
struct ProbeApplyTests {
  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  /// A tool with three probes of one site: logistic, mass-mean, and of three classes.
  private func trained() throws -> Tool {
    let tool = try Tool()
    let rows = (0..<36).map { number -> String in
      let word = ["river", "number", "letter"][number % 3]
      return "{\"id\": \"d\(number)\", \"text\": \"The \(word) of day \(number) is the \(word) \(number % 7).\", "
        + "\"label\": \"\(word)\", \"half\": \"\(number % 3 == 0 ? "water" : "dry")\"}"
    }
    try tool.write(rows.joined(separator: "\n") + "\n", to: "set.jsonl")
    for (name, extra) in [
      ("two", ["--label", "half", "--label-field", "half"]),
      ("mean", ["--label", "half", "--label-field", "half", "--method", "mass-mean"]), ("three", [String]()),
    ] {
      let outcome = try tool.run(
        ["probe", "train", "unfold-mini", "set.jsonl", "--sites", "resid_post", "--layers", "1", "--controls", "none"]
          + extra + ["-o", "\(name).safetensors", "--bootstrap", "0", "--quiet"])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    return tool
  }

  @Test("Documents have a score, a class and a probability, in every form") func forms() throws {
    let tool = try trained()
    let one = try tool.run(
      "probe", "apply", "two.safetensors", "unfold-mini", "The river of day 3 is the river 3.", "--json")
    #expect(one.code == 0, "\(one.errors)")
    let document = try object(one.output)
    let score = try #require(document["score"] as? Double)
    let probability = try #require(document["probability"] as? Double)
    let predicted = try #require(document["class"] as? String)
    let classes = try #require(document["classes"] as? [String])
    // One score is the log-odds of the second class.
    #expect(predicted == classes[score > 0 ? 1 : 0] && predicted == "water")
    #expect(abs(probability - 1 / (1 + exp(-abs(score)))) < 1e-6)
    // A linear probe of a mean of rows is the mean of its scores, over the tokens that are the text's own.
    let scores = try #require(document["scores"] as? [Double])
    let special = try #require(document["special"] as? [Bool])
    let own = zip(scores, special).filter { !$0.1 }.map(\.0)
    #expect(abs(own.reduce(0, +) / Double(own.count) - score) < 1e-3 * max(1, abs(score)))
    #expect((document["pieces"] as? [String])?.count == scores.count)

    // The same of a corpus, as lines and as a table, in the corpus's order.
    try tool.write(
      "id,text\nb,\"The river of day 3 is the river 3.\"\n\"a,1\",The letter of day 4 is the letter 4.\n", to: "in.csv")
    let lines = try tool.run(
      "probe", "apply", "two.safetensors", "unfold-mini", "--input", "in.csv", "--jsonl", "--quiet")
    #expect(lines.code == 0 && lines.errors.isEmpty, "\(lines.errors)")
    let found = try lines.output.split(separator: "\n").map { try object($0) }
    #expect(found.map { $0["id"] as? String } == ["b", "a,1"] && found[0]["tokens"] == nil)
    #expect(abs((found[0]["score"] as? Double ?? 0) - score) < 1e-4)
    let table = try tool.run(
      "probe", "apply", "two.safetensors", "unfold-mini", "--input", "in.csv", "--csv", "--quiet")
    let cells = table.output.split(separator: "\n").map(String.init)
    #expect(cells.count == 3 && cells[0] == "id,score,class,probability")
    #expect(cells[1].hasPrefix("b,") && cells[1].contains(",water,") && cells[2].hasPrefix("\"a,1\",-"))
    // Text: a line a document.
    let text = try tool.run("probe", "apply", "two.safetensors", "unfold-mini", "--input", "in.csv", "--tokens")
    #expect(text.output.contains("water") && text.output.contains("dry") && text.output.contains("river"))
    #expect(text.errors.contains("2 documents scored"))
  }

  @Test("Scores that are no log-odds have no probability, and it says why") func withoutProbability() throws {
    let tool = try trained()
    let mean = try tool.run("probe", "apply", "mean.safetensors", "unfold-mini", "The river.")
    #expect(mean.output.contains("probability –") && mean.output.contains("no log-odds"), "\(mean.output)")
    let document = try object(
      try tool.run("probe", "apply", "mean.safetensors", "unfold-mini", "The river.", "--json").output)
    #expect(document["probability"] == nil && document["class"] != nil && document["reason"] is String)
  }

  @Test("Of several classes the probabilities are a softmax that adds up to 1") func several() throws {
    let tool = try trained()
    let document = try object(
      try tool.run(
        "probe", "apply", "three.safetensors", "unfold-mini", "The letter of day 5 is the letter 5.", "--json"
      )
      .output)
    let probabilities = try #require(document["probabilities"] as? [Double])
    #expect(probabilities.count == 3 && abs(probabilities.reduce(0, +) - 1) < 1e-6)
    #expect(document["class"] as? String == "letter")
    #expect(document["probability"] as? Double == probabilities.max())
    try tool.write("The letter of day 5 is the letter 5.\n", to: "in.txt")
    let table = try tool.run(
      "probe", "apply", "three.safetensors", "unfold-mini", "--input", "in.txt", "--csv", "--quiet")
    #expect(
      table.output.hasPrefix("id,score,class,probability,probability letter,probability number,probability river"))
    #expect(table.output.split(separator: "\n").last?.split(separator: ",").count == 7)
  }

  @Test("Many documents stream through; standard input is read") func streams() throws {
    let tool = try trained()
    let count = 600
    try tool.write((0..<count).map { "The river of day \($0)." }.joined(separator: "\n") + "\n", to: "many.txt")
    let outcome = try tool.run(
      ["probe", "apply", "two.safetensors", "unfold-mini", "--input", "many.txt", "--jsonl", "--quiet"])
    #expect(outcome.code == 0 && outcome.output.split(separator: "\n").count == count)
    try tool.write(
      "{\"id\": \"x\", \"text\": \"The river.\"}\n{\"id\": \"y\", \"text\": \"A letter.\"}\n", to: "stdin.jsonl")
    let piped = try tool.run(
      ["probe", "apply", "two.safetensors", "unfold-mini", "-", "--csv", "--quiet"], input: "stdin.jsonl")
    #expect(piped.code == 0, "\(piped.errors)")
    #expect(piped.output.split(separator: "\n").map { $0.split(separator: ",")[0] } == ["id", "x", "y"])
    // What is asked for twice, or not at all.
    for arguments in [
      [], ["a text", "--input", "many.txt"], ["a text", "--csv", "--jsonl"], ["--input", "many.txt", "--json"],
      ["a text", "--csv", "--tokens"],
    ] {
      #expect(
        try tool.run(["probe", "apply", "two.safetensors", "unfold-mini"] + arguments).code == 64, "\(arguments)")
    }
    try tool.write("", to: "empty.txt")
    let empty = try tool.run("probe", "apply", "two.safetensors", "unfold-mini", "--input", "empty.txt", "--jsonl")
    #expect(empty.code == 65 && empty.output.isEmpty)
  }
}
