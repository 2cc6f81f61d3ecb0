import ArgumentParser
import Foundation
import Unfold

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Show a text's tokens: ids, pieces and character offsets.",
    discussion: """
      Examples:
        unfold tokenize unfold-mini "The fox found a key."
        unfold tokenize unfold-mini --input corpus.jsonl --json > tokens.jsonl

      The model's folder may hold a tokenizer.json alone. Offsets count Unicode scalars, as Python does.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The text.") var text: String?
  @Option(name: .long, help: "A corpus in place of a text; with --json one object a line.") var input: [String] = []
  @Flag(name: .long, help: "Add no begin token or its like.") var noSpecialTokens = false
  @OptionGroup var corpus: CorpusArguments
  @OptionGroup var common: CommonOptions

  /// One text's tokens, column by column.
  struct Result: Encodable {
    let id: String?
    let tokens: [Int32]
    let pieces: [String]
    let starts: [Int32]
    let ends: [Int32]
    let special: [Bool]
  }

  func validate() throws {
    if (text == nil) == input.isEmpty {
      throw ValidationError("Give a text or --input with a corpus, one of the two.")
    }
  }

  func run() throws {
    common.apply()
    let location = try model.folder()
    guard let tokenizer = try Tokenizer.of(model: location) else {
      throw Fault(
        .noInput, "session.noTokenizer", "The model has no tokenizer", file: location.path,
        expected: "tokenizer.json in the folder, or a vocabulary in the GGUF file",
        advice: "add the file, or name another model")
    }
    if let text {
      let result = try result(of: text, id: nil, by: tokenizer)
      return try common.show(result) { table(of: result, by: tokenizer, $0) }
    }
    let reader = try Corpus(input, options: corpus.options).makeReader()
    var withoutText = 0
    while let document = try reader.next(keepsEmpty: true) {
      guard let text = document.text else {
        withoutText += 1
        continue
      }
      let result = try result(of: text, id: document.id, by: tokenizer)
      if common.json {
        try Console.jsonLine(result)
      } else {
        Console.standardOutput("\(document.id)\t\(result.tokens.map(String.init).joined(separator: " "))")
      }
    }
    if withoutText > 0 {
      common.note("\(Format.count(withoutText)) documents were left out: they are given as tokens, without a text")
    }
    if reader.invalidDocuments > 0 {
      common.note("\(Format.count(reader.invalidDocuments)) documents that were not UTF-8 were left out")
    }
  }

  private func result(of text: String, id: String?, by tokenizer: Tokenizer) throws -> Result {
    let encoding = try tokenizer.encode(text, addSpecialTokens: !noSpecialTokens)
    return Result(
      id: id, tokens: encoding.ids, pieces: encoding.ids.map { tokenizer.piece($0) ?? "" }, starts: encoding.starts,
      ends: encoding.ends, special: encoding.special)
  }

  private func table(of result: Result, by tokenizer: Tokenizer, _ style: TerminalStyle) -> String {
    var table = TextTable([
      .right("position"), .right("id"), .left("piece"), .left("text"), .right("start"), .right("end"),
    ])
    for index in result.tokens.indices {
      table.append([
        "\(index)", "\(result.tokens[index])", result.pieces[index],
        tokenizer.text(of: result.tokens[index]) ?? "", "\(result.starts[index])", "\(result.ends[index])",
      ])
    }
    return table.rendered(style)
  }
}
