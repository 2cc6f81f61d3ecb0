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
        unfold run unfold-mini "GET /index.html HTTP/1" --attribute . \\
            --dictionary dictionary
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
  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --attribute: split what these dictionaries' sites add into their features.", valueName: "folder,folder"))
  var dictionary: String?
  @Flag(name: .long, help: "List which experts each token wakes in each layer, and how strongly.") var route = false
  @Option(name: .long, help: "Print the values at these hook points.") var sites: String?
  @Option(name: .long, help: "Layers for --sites and --route: all, last, or such as 0,4-8.") var layers: String?
  @Flag(name: .long, help: "Add no begin token or its like.") var noSpecialTokens = false
  @OptionGroup var splice: SpliceOption
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
    /// What sites add to the logit, split into the features of dictionaries.
    var features: [LatentAttribution]?
    var routes: [ExpertRoutes]?
    var sites: [SiteValues]?
  }

  func validate() throws {
    if top < 1 { throw ValidationError("--top must be at least 1.") }
    if let greedy, greedy < 1 { throw ValidationError("--greedy must be at least 1.") }
    if against != nil, attribute == nil { throw ValidationError("--against needs --attribute.") }
    if dictionary != nil, attribute == nil { throw ValidationError("--dictionary needs --attribute.") }
  }

  func run() throws {
    common.apply()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let model = session.model
    let tokens = try TextArgument.tokens(text, for: session, addSpecialTokens: !noSpecialTokens)
    let batch = TokenBatch(documents: [tokens])

    var result = Result(tokens: tokens, pieces: session.pieces(of: tokens))
    if model.architecture.head.kind == .nextToken {
      result.loss = try model.loss(batch)
      result.next = try model.nextTokens(after: batch, count: top)[0].map {
        Prediction(
          token: $0.token, text: session.text(of: $0.token), logit: $0.logit, probability: $0.probability)
      }
    }
    if let greedy {
      let write = common.json ? { _ in } : Console.said
      write(try session.requireTokenizer().decode(tokens, skipSpecialTokens: true))
      let added = try session.generate(after: tokens, count: greedy, show: write)
      write("\n")
      result.continuationTokens = added.tokens
      result.continuation = added.text
    }
    if let attend {
      result.attention = try model.attentionSources(
        in: tokens, of: session.position(of: attend, in: tokens), count: 3)
    }
    if let attribute {
      let (token, other) = (try session.token(named: attribute), try against.map(session.token(named:)))
      result.attribution = try model.attributeLogit(of: token, against: other, in: tokens)
      result.features = try dictionary.map { folders in
        try folders.split(separator: ",").flatMap { folder in
          try SparseAutoencoder.load(folder: URL(filePath: String(folder))).attributeLogit(
            of: token, against: other, in: tokens, model: model, name: String(folder))
        }
      }
    }
    if route { result.routes = try model.expertRoutes(of: tokens, layers: layersToRoute(model)) }
    if let sites {
      let chosen = try model.architecture.select(sites: sites, layers: layers)
      result.sites = try model.cache(tokens, sites: chosen).values.map {
        SiteValues(site: $0.site.name, shape: $0.shape, values: $0.elements)
      }
    }
    // The continuation has been printed as it came.
    if common.json { return try Console.json(result) }
    if greedy == nil || attend != nil || attribute != nil || sites != nil || route {
      Console.standardOutput(RunReport(result: result, session: session).text(common.style))
    }
  }

  /// The layers named, of those that have experts; nil for all.
  private func layersToRoute(_ model: Model) throws -> Set<Int>? {
    guard let layers else { return nil }
    guard model.architecture.blocks.contains(where: { $0.experts != nil }) else { throw Model.noExperts(model) }
    return Set(try model.architecture.select(sites: "expert_indices", layers: layers).compactMap(\.layer))
  }
}
