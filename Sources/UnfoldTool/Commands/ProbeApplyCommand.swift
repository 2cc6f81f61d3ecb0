import ArgumentParser
import Unfold

struct ProbeApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Score texts with a probe: documents, and their tokens.",
    discussion: """
      Examples:
        unfold probe apply sentiment.safetensors unfold-mini \\
            "A dull film with one fine scene."
        unfold probe apply sentiment.safetensors unfold-mini \\
            --input reviews.csv notes.txt --csv > scores.csv
        cat reviews.txt | unfold probe apply sentiment.safetensors unfold-mini - \\
            --jsonl --tokens

      A document is pooled as in training. Above zero (warm colours) a token looks like the concept, below (cool) like its
      absence. Corpora are those of `unfold capture`; they are read, scored and printed a part at a time.
      """)

  @OptionGroup var file: ProbeFileArgument
  @OptionGroup var model: ModelArgument
  @Argument(help: "The text, or - for standard input: JSON lines, or a document a line.") var text: String?
  @Option(name: .long, parsing: .upToNextOption, help: "A corpus to score, in place of a text.") var input: [String] =
    []
  @OptionGroup var corpus: CorpusArguments
  @Flag(name: .long, help: "Print comma-separated values, a document a line.") var csv = false
  @Flag(name: .long, help: "Print JSON lines, a document each.") var jsonl = false
  @Flag(name: .long, help: "Print each document's tokens too (a text's are printed anyway).") var tokens = false
  @OptionGroup var common: CommonOptions

  /// The corpus to read; nil for one text.
  private var corpora: [String]? { text == "-" ? ["-"] : text == nil ? input : nil }

  func validate() throws {
    guard (text == nil) != input.isEmpty else {
      throw ValidationError("Give a text (or - for standard input) or --input with a corpus, one of the two.")
    }
    guard [csv, jsonl, common.json].count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --csv, --jsonl and --json.")
    }
    if csv, tokens { throw ValidationError("--tokens goes with text and --jsonl: a line of --csv holds a document.") }
    if common.json, corpora != nil {
      throw ValidationError("A corpus may be longer than memory: give --jsonl, a line a document, in place of --json.")
    }
  }

  /// A document as JSON.
  struct Result: Encodable {
    let id: String?
    /// The pooled score, or of more than two classes the predicted one's; null where there is none.
    let score: Double?
    let predictedClass: String?
    /// Of the predicted class.
    let probability: Double?
    /// Of every class, in the order of `classes`.
    let probabilities: [Double]?
    /// Why there is no probability.
    let reason: String?
    let classes: [String]
    var tokens: [Int32]?
    var pieces: [String]?
    /// [tokens], or [tokens, classes] flat where there are more than two classes.
    var scores: [Float]?
    /// Which tokens the tokenizer added.
    var special: [Bool]?

    private enum CodingKeys: String, CodingKey {
      case id, score, probability, probabilities, reason, classes, tokens, pieces, scores, special
      case predictedClass = "class"
    }
  }

  func run() throws {
    common.apply()
    let probe = try file.read()
    let loaded = try Session.open(model.model)
    let scorer = DocumentScorer(probe: probe, loaded: loaded)
    guard let corpora else {
      let document = Document(id: "text", text: text)
      guard let result = try scorer.results(of: [document], tokens: !csv && (!jsonl || tokens)).first else {
        throw Fault(
          .badData, "session.emptyText", "The text has no token", expected: "a text of at least one token",
          found: "\"\(text ?? "")\"")
      }
      if jsonl { return try Console.jsonLine(result) }
      if csv { return Console.standardOutput(scorer.header + "\n" + scorer.line(of: result)) }
      return try common.show(result) { scorer.text(of: result, withTable: true, $0) }
    }
    try scoreAll(Corpus(corpora, options: corpus.options), by: scorer)
  }

  /// Scores a corpus part by part.
  private func scoreAll(_ corpus: Corpus, by scorer: DocumentScorer) throws {
    let reader = try corpus.makeReader()
    let progress = ProgressLine(isSilent: common.quiet)
    let style = common.style
    var (done, seen) = (0, 0)
    if csv { Console.standardOutput(scorer.header) }
    while true {
      // A part is bounded by its documents and by their lengths.
      var part: [Document] = []
      var length = 0
      while part.count < 256, length < 1 << 18, let document = try reader.next() {
        length += document.text?.utf8.count ?? 4 * (document.tokens?.count ?? 0)
        part.append(document)
      }
      guard !part.isEmpty else { break }
      let results = try scorer.results(of: part, tokens: tokens)
      progress.clear()
      for result in results {
        if jsonl {
          try Console.jsonLine(result)
        } else if csv {
          Console.standardOutput(scorer.line(of: result))
        } else {
          Console.standardOutput(scorer.text(of: result, withTable: false, style))
        }
      }
      done += results.count
      seen += part.count
      let total = corpus.byteCount.map { max($0, 1) }
      progress.update(
        "\(done) documents scored" + (total.map { ", \(min(100, reader.bytesRead * 100 / $0)) %" } ?? ""))
    }
    progress.clear()
    let skipped = seen - done + reader.emptyDocuments + reader.invalidDocuments
    common.note(
      "\(done) documents scored" + (skipped > 0 ? "; \(skipped) left out: empty, without a token, or not UTF-8" : "")
        + (scorer.probe.reasonWithoutProbability.map { "; no probability: \($0)" } ?? ""))
    guard done > 0 else {
      throw Fault(
        .badData, "tool.emptyCorpus", "The corpus holds nothing to score", file: corpus.names.joined(separator: ", "),
        expected: "documents with text", found: "\(skipped) without")
    }
  }
}

/// Runs documents through the model and has the probe read them.
private struct DocumentScorer {
  typealias Result = ProbeApplyCommand.Result
  let probe: Probe
  let loaded: Session

  /// - Parameter tokens: whether the tokens' scores are wanted.
  func results(of documents: [Document], tokens: Bool) throws -> [Result] {
    let live = try LiveActivations(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus(documents: documents),
      settings: CaptureSettings(sites: probe.record.site.name), modelName: loaded.name)
    guard live.documents.count > 0 else { return [] }
    // Of an expert's probe, the tokens that wake the expert.
    let source: any ActivationSource = try live.throughExpert(of: [probe.record.site.name]) ?? live
    return try readings(of: source).map { reading in
      let classes = probe.record.classes
      let predicted = reading.predictedClass
      var result = Result(
        id: reading.id,
        score: reading.scores.flatMap { $0.count == 1 ? Double($0[0]) : $0.max().map(Double.init) },
        predictedClass: predicted.map { classes[$0] },
        probability: predicted.flatMap { predicted in reading.probabilities.map { $0[predicted] } },
        probabilities: reading.probabilities,
        reason: reading.probabilities == nil
          ? probe.reasonWithoutProbability ?? "no token of the document counts" : nil,
        classes: classes)
      if tokens {
        let table = try table(of: reading.rows, in: source)
        result.tokens = table.ids
        result.pieces = table.ids.map { loaded.piece?($0) ?? "\($0)" }
        result.special = table.special.map { $0 != 0 }
        result.scores = reading.tokenScores
      }
      return result
    }
  }

  private func readings(of source: some ActivationSource) throws -> [ProbeReading] { try probe.read(source) }

  private func table(of rows: [Int], in source: any ActivationSource) throws -> TokenTable {
    guard let first = rows.first, let last = rows.last else { return TokenTable() }
    return try source.tokens(in: first..<last + 1)
  }

  private var outputs: Int { probe.classifier.bias.count }

  // MARK: Text

  private func number(_ value: Double?) -> String { value.map { Format.fixed($0) } ?? "–" }

  /// A line, or for one text a table; then the tokens where they are asked for.
  func text(of result: Result, withTable: Bool, _ style: TerminalStyle) -> String {
    var lines: [String] = []
    let parts = [
      "score \(number(result.score))", "class \(result.predictedClass ?? "–")",
      "probability \(number(result.probability))",
    ]
    if withTable {
      lines.append(parts.joined(separator: ", ") + (result.reason.map { " (\($0))" } ?? ""))
    } else {
      lines.append(
        [number(result.score), result.predictedClass ?? "–", number(result.probability), result.id ?? ""]
          .joined(separator: "\t"))
    }
    guard let scores = result.scores, let pieces = result.pieces, let special = result.special else { return lines[0] }
    let ordinary = pieces.indices.filter { !special[$0] }
    if outputs == 1 {
      let largest = ordinary.map { abs(scores[$0]) }.max() ?? 1
      let shaded = ordinary.map { row in
        style.shaded(pieces[row].onOneLine, intensity: Double(scores[row] / max(largest, 1e-9)))
      }
      lines.append(shaded.joined())
    }
    guard withTable else { return lines.joined(separator: "\n") }
    var table =
      outputs == 1
      ? TextTable([.right("score"), .left("token")]) : TextTable([.left("token"), .left("class"), .right("score")])
    for row in ordinary {
      let own = scores[row * outputs..<(row + 1) * outputs]
      guard outputs > 1 else {
        table.append([Format.fixed(Double(scores[row])), pieces[row]])
        continue
      }
      let best = own.indices.max { own[$0] < own[$1] } ?? own.startIndex
      table.append([pieces[row], result.classes[best - own.startIndex], Format.fixed(Double(own[best]))])
    }
    return lines.joined(separator: "\n\n") + "\n\n" + table.rendered(style)
  }

  // MARK: Comma-separated values

  /// The columns: with more than two classes the probability of each.
  var header: String {
    CSV.line(
      ["id", "score", "class", "probability"] + (outputs > 1 ? probe.record.classes.map { "probability " + $0 } : []))
  }

  /// A document; what it lacks is left empty.
  func line(of result: Result) -> String {
    func cell(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    var cells = [
      result.id ?? "", cell(result.score), result.predictedClass ?? "", cell(result.probability),
    ]
    if outputs > 1 {
      cells += probe.record.classes.indices.map { cell(result.probabilities?[$0]) }
    }
    return CSV.line(cells)
  }
}
