import Activations
import Architectures
import Diagnostics
import Foundation
import Interventions
import LinearAlgebra
import Reports
import Transformer

extension Page {
  /// What a model does with one text: what it predicts, layer by layer, where its heads look, what its answer is a sum of.
  ///
  /// - Parameters:
  ///   - against: With `target`, the logit's difference to this token is split.
  ///   - target: The token that is looked for; the likeliest one unless given.
  /// - Throws: `page.tooLong` for a text of more tokens than a page can show, and those of running the model.
  /// - Complexity: a few runs; memory for the patterns of all heads.
  public init(
    text: String, in session: Session, origin: Origin, target: Int32? = nil, against: Int32? = nil
  ) throws {
    let model = session.model
    let tokens = try session.tokens(of: text)
    let pieces = session.pieces(of: tokens)
    guard tokens.count <= Self.mostTokens else {
      throw Fault(
        .usage, "page.tooLong", "This text is too long for a page", expected: "at most \(Self.mostTokens) tokens",
        found: "\(tokens.count)", advice: "give a part of it")
    }
    self.init(
      kind: "Run", title: "“\(text.onOneLine.prefix(120))”",
      facts: [.init("model", session.name), .init("tokens", "\(tokens.count)")],
      source: origin.words)
    if model.architecture.head.kind == .nextToken {
      try addPredictions(tokens, pieces, session, target: target, against: against)
    }
    if model.architecture.blocks.contains(where: { $0.experts != nil }) {
      let routes = try model.expertRoutes(of: tokens)
      add("Which experts each token wakes", [.table(PageTable("", routes.table(pieces: pieces)))])
    }
    add(
      "Where its heads look",
      note:
        "A picture a head: rows are tokens, columns what they look at. Point at one to enlarge it, click to lock it.",
      [.attention(try Self.maps(of: tokens, pieces, model: model))])
  }

  /// The most tokens whose patterns a page holds.
  static let mostTokens = 256

  private mutating func addPredictions(
    _ tokens: [Int32], _ pieces: [String], _ session: Session, target: Int32?, against: Int32?
  ) throws {
    let model = session.model
    let losses = try model.tokenLosses(TokenBatch(documents: [tokens]))
    let next = try model.nextTokens(after: TokenBatch(documents: [tokens]), count: 12)[0]
    let known = losses.compactMap(\.self)
    let mean = known.reduce(0, +) / Double(max(known.count, 1))
    if !known.isEmpty { facts.append(.init("loss", "\(Format.fixed(mean, 3)) nats a token")) }
    let answer = target ?? next.first?.token
    if let first = next.first {
      lead = "It would go on with “\(session.text(of: first.token).onOneLine)” (\(Format.percent(first.probability)))."
    }
    add(
      "What it predicts",
      [
        .passage(
          PagePassage(
            "How surprising each token is", measure: "loss", scale: Float(max(known.max() ?? 1, 1)),
            tokens: tokens.indices.map { place in
              PageToken(pieces[place], id: tokens[place], position: place, value: losses[place].map { Float($0) })
            })),
        .bars(
          PageBars(
            "What may come next, %", next.map { (session.text(of: $0.token), $0.probability * 100) }, decimals: 1)),
      ])
    let lens = try LogitLens(of: tokens, in: session, .init(count: 3, target: answer))
    add(
      "What it would say after each layer",
      note: "The residual stream of each layer, read through the model's own final norm and unembedding.",
      [.figure(lens.figure())])
    if let answer {
      let attribution = try model.attributeLogit(of: answer, against: against, in: tokens)
      add("What the answer is the sum of", attribution.blocks { session.text(of: $0) })
    }
  }

  /// The patterns of all heads as bytes.
  private static func maps(of tokens: [Int32], _ pieces: [String], model: Model) throws -> AttentionMaps {
    let architecture = model.architecture
    let (layers, heads) = (architecture.layers, architecture.blocks.map(\.attention.heads).max() ?? 0)
    let n = tokens.count
    var both = false
    var weights = [[UInt8]](repeating: [], count: layers * heads)
    let reads = (0..<layers).map { layer in
      Hook(Site(.pattern, layer: layer)) { value in
        for row in value.rows {
          let values = value.row(row)
          let width = value.axes[1]
          for head in 0..<value.axes[0] {
            let own = values[head * width..<head * width + min(n, width)]
            if own.dropFirst(row + 1).contains(where: { $0 > 0 }) { both = true }
            weights[layer * heads + head] += own.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) }
          }
        }
      }
    }
    try model.run(TokenBatch(documents: [tokens]), hooks: reads)
    let flat = weights.flatMap { whole -> [UInt8] in
      let full = whole.isEmpty ? [UInt8](repeating: 0, count: n * n) : whole
      return both ? full : (0..<n).flatMap { full[$0 * n...$0 * n + $0] }
    }
    return AttentionMaps(tokens: pieces, layers: layers, heads: heads, weights: flat, looksBothWays: both)
  }

  /// A page of a patching result.
  public init(_ report: PatchingReport, origin: Origin) {
    let result = report.result
    self.init(
      kind: "Patching", title: result.pairs == 1 ? "“\(report.clean.joined().onOneLine)”" : "\(result.pairs) pairs",
      lead: report.heading,
      facts: [
        .init("clean", Format.fixed(result.clean, 2)), .init("corrupted", Format.fixed(result.corrupt, 2)),
        .init("pairs", "\(result.pairs)"),
      ], source: origin.words)
    add("Where the answer is carried", [.figure(report.figure())])
    add("The strongest places", [.table(PageTable("", report.table(count: 50)))])
  }
}

extension LogitAttribution {
  /// The parts by layer as a figure, and the strongest heads and neurons by name.
  fileprivate func blocks(_ text: (Int32) -> String) -> [PageBlock] {
    let title =
      "The logit of “\(text(token).onOneLine)”" + (against.map { " less that of “\(text($0).onOneLine)”" } ?? "")
      + ": \(Format.fixed(logit, 2))"
    let names = ["embedding"] + layers.indices.flatMap { ["L\($0) attention", "L\($0) MLP"] } + ["constant"]
    let values = [tokenEmbedding + positionEmbedding] + layers.flatMap { [$0.attention, $0.mlp] } + [constant]
    var parts: [(name: String, value: Double)] = []
    for (number, layer) in layers.enumerated() {
      parts += layer.heads.enumerated().map { ("L\(number) head \($0.offset)", $0.element) }
      parts += layer.neurons.enumerated().map { ("L\(number).\($0.offset)", $0.element) }
      parts += (layer.experts ?? []).map { ("L\(number) expert \($0.expert)", $0.contribution) }
    }
    let strongest = parts.sorted { abs($0.value) > abs($1.value) }.prefix(16)
    return [
      .figure(
        Figure(
          title,
          caption: "Each part's own share of the logit, the final norm's scale as it was in this run; they sum to it.",
          panelWidth: max(460, 140 + 30 * Double(names.count)),
          panels: [.init(x: .categories(names), y: .init("contribution"), marks: [.bars(heights: values)])])),
      .bars(PageBars("The strongest heads and neurons", Array(strongest), decimals: 3)),
    ]
  }
}
