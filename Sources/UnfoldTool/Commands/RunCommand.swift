import ArgumentParser
import Foundation
import Unfold

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a model on a text: what it predicts, how well, and why.",
    discussion: """
      Examples:
        unfold run unfold-mini "The king and the"
        unfold run unfold-mini "Once upon a time" --greedy 40
        unfold run unfold-mini "The dog saw the cat because it" --attend it
        unfold run unfold-mini "GET /index.html HTTP/1" --attribute .
        unfold run unfold-mini "Two words" --sites resid_post --layers last --json
        unfold run ./olmoe "The king and the" --route

      TOKEN is a token's text (" it" or "it": the last such token) or its position. Without TEXT the model begins from its
      begin token.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The text; - reads standard input.") var text: String?
  @Option(name: .long, help: "How many of the likeliest next tokens are listed.") var top = 10
  @Option(name: .long, help: ArgumentHelp("Continue the text by the likeliest tokens.", valueName: "n"))
  var greedy: Int?
  @Option(name: .long, help: ArgumentHelp("List where each head looks from this token.", valueName: "token"))
  var attend: String?
  @Option(
    name: .long,
    help: ArgumentHelp("Split this token's logit, as predicted after the text, into its sources.", valueName: "token"))
  var attribute: String?
  @Option(
    name: .long, help: ArgumentHelp("With --attribute: split the difference to this token's logit.", valueName: "token")
  )
  var against: String?
  @Flag(name: .long, help: "List which experts each token wakes in each layer, and how strongly.") var route = false
  @Option(name: .long, help: "Print the values at these hook points.") var sites: String?
  @Option(name: .long, help: "Layers for --sites and --route: all, last, or such as 0,4-8.") var layers: String?
  @Flag(name: .long, help: "Add no begin token or its like.") var noSpecialTokens = false
  @OptionGroup var compute: ComputeOption
  @OptionGroup var common: CommonOptions

  struct Prediction: Encodable {
    let token: Int32
    let text: String
    let logit: Float
    let probability: Double
  }

  struct SiteValues: Encodable {
    let site: String
    /// [tokens, axes…], flat.
    let shape: [Int]
    let values: [Float]
  }

  struct Result: Encodable {
    let tokens: [Int32]
    let pieces: [String]
    /// Absent for models that see the tokens they would predict.
    var loss: Loss?
    var next: [Prediction]?
    var continuation: String?
    var continuationTokens: [Int32]?
    var attention: [AttentionSources]?
    var attribution: LogitAttribution?
    var routes: [ExpertRoutes]?
    var sites: [SiteValues]?
  }

  func validate() throws {
    if top < 1 { throw ValidationError("--top must be at least 1.") }
    if let greedy, greedy < 1 { throw ValidationError("--greedy must be at least 1.") }
    if against != nil, attribute == nil { throw ValidationError("--against needs --attribute.") }
  }

  func run() throws {
    common.apply()
    let loaded = try LoadedModel(model, compute: compute.compute)
    let tokenizer = try loaded.requireTokenizer()
    let tokens = try tokens(by: tokenizer)
    let session = RunSession(model: loaded.model, tokenizer: tokenizer, tokens: tokens)

    var result = Result(tokens: tokens, pieces: tokens.map { session.text(of: $0) })
    if loaded.model.architecture.head.kind == .nextToken {
      result.loss = try loaded.model.loss(session.batch)
      result.next = try session.next(top)
    }
    if let greedy {
      let added = try session.continued(by: greedy) { piece in
        if !common.json { Console.write(piece, to: STDOUT_FILENO) }
      }
      if !common.json { Console.standardOutput("") }
      result.continuationTokens = added
      result.continuation = tokenizer.decode(added)
    }
    if let attend {
      result.attention = try loaded.model.attentionSources(in: tokens, of: session.position(of: attend), count: 3)
    }
    if let attribute {
      result.attribution = try loaded.model.attributeLogit(
        of: session.id(of: attribute), against: against.map(session.id(of:)), in: tokens)
    }
    if route {
      result.routes = try loaded.model.expertRoutes(of: tokens, layers: layersToRoute(loaded.model))
    }
    if let sites {
      result.sites = try session.values(at: loaded.model.architecture.select(sites: sites, layers: layers))
    }
    let report = RunReport(result: result, session: session)
    // The continuation has been printed as it came.
    if common.json { return try Console.json(result) }
    if greedy == nil || attend != nil || attribute != nil || sites != nil || route {
      Console.standardOutput(report.text(common.style))
    }
  }

  /// The layers named, of those that have experts; nil for all.
  private func layersToRoute(_ model: Model) throws -> Set<Int>? {
    guard let layers else { return nil }
    guard model.architecture.blocks.contains(where: { $0.experts != nil }) else { throw Model.noExperts(model) }
    return Set(try model.architecture.select(sites: "expert_indices", layers: layers).compactMap(\.layer))
  }

  private func tokens(by tokenizer: Tokenizer) throws -> [Int32] {
    var text = self.text ?? ""
    if text == "-" { text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) }
    var tokens = try tokenizer.encode(text, addSpecialTokens: !noSpecialTokens).ids
    if tokens.isEmpty, let begin = tokenizer.beginID { tokens = [begin] }
    guard !tokens.isEmpty else {
      throw Fault(
        .usage, "tool.emptyText", "There is nothing to run the model on", expected: "a text of at least one token",
        found: "none", advice: "give a text in quotes")
    }
    return tokens
  }
}

/// One text in one model, and what is asked about it.
struct RunSession {
  let model: Model
  let tokenizer: Tokenizer
  let tokens: [Int32]

  var batch: TokenBatch { TokenBatch(documents: [tokens]) }

  func text(of token: Int32) -> String { tokenizer.text(of: token) ?? "[\(token)]" }

  func next(_ count: Int) throws -> [RunCommand.Prediction] {
    try model.nextTokens(after: batch, count: count)[0].map {
      RunCommand.Prediction(token: $0.token, text: text(of: $0.token), logit: $0.logit, probability: $0.probability)
    }
  }

  /// Continues the text; `show` gets each new stretch of it as soon as its characters are whole.
  func continued(by count: Int, show: (String) -> Void) throws -> [Int32] {
    var ids = tokens
    var shown = tokenizer.decode(ids, skipSpecialTokens: true)
    show(shown)
    return try model.generate(after: [tokens], count: count, ends: Set(tokenizer.endIDs)) { _, id in
      ids.append(id)
      let text = tokenizer.decode(ids, skipSpecialTokens: true)
      // A character of several tokens is U+FFFD until its last one is there.
      if !text.hasSuffix("\u{FFFD}"), text.utf8.starts(with: shown.utf8) {
        show(String(decoding: text.utf8.dropFirst(shown.utf8.count), as: UTF8.self))
        shown = text
      }
      return true
    }
  }

  /// The position of a token named by its number or its text (the last such).
  func position(of name: String) throws -> Int {
    if let number = Int(name), tokens.indices.contains(number) { return number }
    let texts = tokens.map(text(of:))
    if let exact = texts.lastIndex(of: name) { return exact }
    let bare = name.trimmingCharacters(in: .whitespaces)
    if let like = texts.lastIndex(where: { $0.trimmingCharacters(in: .whitespaces) == bare }) { return like }
    throw Fault(
      .usage, "tool.noSuchToken", "The text has no such token", place: "\"\(name)\"",
      expected: "the text of one of its tokens, or a position from 0 to \(tokens.count - 1)",
      found: texts.enumerated().map { "\($0):\($1)" }.joined(separator: " "))
  }

  /// The id of a token named by its text, with a space before it where only that is one token.
  func id(of name: String) throws -> Int32 {
    for candidate in [name, " " + name] {
      let ids = try tokenizer.encode(candidate, addSpecialTokens: false).ids
      if ids.count == 1 { return ids[0] }
    }
    let pieces = try tokenizer.encode(name, addSpecialTokens: false).ids.map(text(of:))
    throw Fault(
      .usage, "tool.notOneToken", "This is not one token of the vocabulary", place: "\"\(name)\"",
      expected: "a single token", found: pieces.map { "\"\($0)\"" }.joined(separator: " "),
      advice: "name its first token, \"\(pieces.first ?? "")\"")
  }

  func values(at sites: [Site]) throws -> [RunCommand.SiteValues] {
    var found: [String: RunCommand.SiteValues] = [:]
    let hooks = sites.map { site in
      Hook(site) { value in
        let earlier = found[site.name]?.values ?? []
        found[site.name] = RunCommand.SiteValues(
          site: site.name, shape: [value.rows.upperBound] + value.axes, values: earlier + value.copy())
      }
    }
    try model.run(batch, hooks: hooks)
    return sites.compactMap { found[$0.name] }
  }
}
