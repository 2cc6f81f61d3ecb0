import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

/// What a model would say if it ended at each of its layers: its residual streams read through its own head (the logit
/// lens, nostalgebraist 2020), or through trained translators before it (`TunedLens`).
public struct LogitLens: Sendable, Codable, Equatable {
  /// A token that may come next.
  public struct Candidate: Sendable, Codable, Equatable {
    public var token: Int32
    public var piece: String
    public var probability: Double
  }

  /// How likely the token asked for is.
  public struct TargetReading: Sendable, Codable, Equatable {
    public var probability: Double
    /// 1 for the likeliest.
    public var rank: Int
  }

  /// What is read at one site, for each position of the text.
  public struct Layer: Sendable, Codable, Equatable {
    /// The site's full name.
    public var site: String
    /// What people call it: `embeddings`, `L2`, `L2 mid`, `output`.
    public var title: String
    /// The likeliest tokens, best first. Shape: [positions][count].
    public var top: [[Candidate]]
    /// Nats. Shape: [positions].
    public var entropy: [Double]
    /// The Kullback–Leibler divergence from the model's own output, in nats. Shape: [positions].
    public var divergence: [Double]
    /// Shape: [positions]; nil where no token was asked for.
    public var target: [TargetReading]?
  }

  public var model: String
  public var tokens: [Int32]
  /// The tokens' texts.
  public var pieces: [String]
  /// The token asked for, and its text.
  public var target: Int32?
  public var targetPiece: String?
  /// Whether streams went through the translators of a tuned lens.
  public var isTuned: Bool
  /// First the embeddings, unless a tuned lens has no translator for them; last the model's own output.
  public var layers: [Layer]

  /// The first layer from which on the likeliest token is that of the output, at each position.
  public var settled: [Int] {
    tokens.indices.map { position in
      let last = layers[layers.count - 1].top[position].first?.token
      let other = layers.lastIndex { $0.top[position].first?.token != last }
      return other.map { $0 + 1 } ?? 0
    }
  }
}

extension LogitLens {
  /// What is to be read.
  public struct Settings: Sendable {
    /// Sites of the residual stream, as users type them; nil: what each layer hands to the next.
    public var sites: String?
    public var layers: String?
    /// How many of the likeliest tokens are listed.
    public var count: Int
    /// The token whose probability and rank are told.
    public var target: Int32?

    public init(sites: String? = nil, layers: String? = nil, count: Int = 5, target: Int32? = nil) {
      self.sites = sites
      self.layers = layers
      self.count = count
      self.target = target
    }
  }

  /// Reads a text at every layer and position.
  ///
  /// Costs one run, and the head's products for each site and position. Memory: the streams at the sites chosen, and logits
  /// of at most 192 MiB.
  /// - Parameters:
  ///   - tuned: Translators for the streams; sites that it has none for are read as they are.
  ///   - hooks: Edits of the run.
  ///   - progress: Told how many positions are read.
  /// - Throws: `lens.site`, `lens.count`, `lens.otherModel`, `lens.tunedSites`; `transformer.tokenOutOfRange`,
  ///   `transformer.noLogits` and those of `Model.run`.
  public init(
    of tokens: [Int32], in session: Session, _ settings: Settings = Settings(), tuned: TunedLens? = nil,
    hooks: [Hook] = [], progress: (Int) -> Void = { _ in }
  ) throws {
    let model = session.model
    let architecture = model.architecture
    // A tuned lens may have been trained without the embeddings.
    let sites = try LensSites(
      architecture, named: settings.sites, layers: settings.layers,
      addsEmbeddings: tuned.map { $0.translator(at: LensSites.embeddings) != nil } ?? true)
    try tuned?.require(model, sites: sites.read)
    guard (1...architecture.vocabularySize).contains(settings.count) else {
      throw Fault(
        .usage, "lens.count", "So many tokens cannot be listed", expected: "1 to \(architecture.vocabularySize)",
        found: "\(settings.count)")
    }
    if let target = settings.target { _ = try model.unembeddings(of: [target]) }
    let streams = try sites.streams(of: TokenBatch(documents: [tokens]), in: model, hooks: hooks)
    let read = zip(sites.read, streams.read).map { site, stream in
      tuned?.translator(at: site)?.translate(stream) ?? stream
    }
    let places = sites.read.count + 1
    var cells = [Cell?](repeating: nil, count: places * tokens.count)
    try cells.withUnsafeMutableBufferPointer { cells in
      nonisolated(unsafe) let cells = cells  // Each row writes its own place.
      let reader = LensReader(model: model)
      try reader.read(output: streams.output, streams: read, progress: progress) { stream, row, own, output in
        cells[(stream < 0 ? places - 1 : stream) * tokens.count + row] = Cell(
          own, from: output, settings, isOutput: stream < 0)
      }
    }
    self.model = session.name
    self.tokens = tokens
    pieces = session.pieces(of: tokens)
    target = settings.target
    targetPiece = settings.target.map(session.text(of:))
    isTuned = tuned != nil
    layers = (sites.read + [sites.output]).enumerated().map { number, site in
      let own = (0..<tokens.count).compactMap { cells[number * tokens.count + $0] }
      return Layer(
        site: site.name, title: number == places - 1 ? "output" : LensSites.title(site),
        top: own.map { cell in
          cell.top.map {
            Candidate(token: Int32($0.token), piece: session.text(of: Int32($0.token)), probability: $0.probability)
          }
        },
        entropy: own.map(\.entropy), divergence: own.map(\.divergence),
        target: settings.target == nil ? nil : own.compactMap(\.target))
    }
  }

  /// What is kept of one row.
  private struct Cell {
    let top: [(token: Int, probability: Double)]
    let entropy: Double
    let divergence: Double
    let target: TargetReading?

    init(_ own: Distribution, from output: Distribution, _ settings: Settings, isOutput: Bool) {
      top = own.top(settings.count)
      entropy = own.entropy
      divergence = isOutput ? 0 : own.divergence(from: output)
      target = settings.target.map {
        TargetReading(probability: own.probability(of: Int($0)), rank: own.rank(of: Int($0)))
      }
    }
  }
}
