import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// A transformer that can be run with hooks.
///
/// Loading maps the weights and checks names and shapes; each layer's weights are read when a run first comes to it. A
/// model can be run from several threads; each run computes with all of Unfold's threads.
public final class Model: Sendable {
  public let architecture: Architecture
  /// The folder or file that the model was loaded from.
  public let folder: URL
  /// The number type of the matrix products; everything else is computed in float32.
  public let compute: ComputeType
  /// The mapped files of the weights.
  public let checkpoint: any TensorSource
  /// Tensors of the checkpoint that are not run, such as heads for other tasks and the vision part of a wrapper.
  public let leftOut: [String]
  /// The bytes that weights and runs may take; nil: what the machine has free.
  public let memory: Int?
  let store: WeightStore
  /// Hooks of every run, made anew for each batch, called before the run's own.
  private let edits: (@Sendable (TokenBatch) -> [Hook])?

  /// Opens a model: a folder in Hugging Face layout (`config.json` and safetensors) or a GGUF file.
  ///
  /// - Parameters:
  ///   - memory: The bytes that prepared weights and the values of runs may take; nil: what the machine (and the
  ///     process's control groups) have free when weights are prepared. Layers beyond that are read anew in each run.
  /// - Throws: `Fault`: `architectures.missingConfig`, `architectures.unknownModelType` and their like,
  ///   `transformer.missingTensors`, `transformer.unusedTensors`, `transformer.tensorShape`, `transformer.tensorType`,
  ///   and those of the checkpoint. NaN and infinite weights are found when a run first uses them
  ///   (`transformer.nonfiniteWeights`).
  public static func load(_ location: URL, compute: ComputeType = .float32, memory: Int? = nil) throws -> Model {
    try load(location, compute: compute, memory: memory, randomSeed: nil)
  }

  /// The same architecture with random weights, for a baseline: every tensor's values are replaced by normal numbers of
  /// its own mean and variance, which keeps the scale of the activations. Reads all weights once.
  package func randomized(seed: UInt64) throws -> Model {
    try Model.load(folder, compute: compute, memory: memory, randomSeed: seed)
  }

  private static func load(_ location: URL, compute: ComputeType, memory: Int?, randomSeed: UInt64?) throws -> Model {
    let model = try ModelSource(location)
    var table = try WeightTable(model.architecture, names: model.names, checkpoint: model.tensors)
    if let randomSeed { try table.randomize(seed: randomSeed) }
    return Model(table: table, folder: location, compute: compute, memory: memory, checkpoint: model.tensors)
  }

  private init(table: WeightTable, folder: URL, compute: ComputeType, memory: Int?, checkpoint: any TensorSource) {
    architecture = table.architecture
    leftOut = table.leftOut
    self.folder = folder
    self.compute = compute
    self.checkpoint = checkpoint
    self.memory = memory
    store = WeightStore(table: table, type: compute, memory: memory)
    edits = nil
  }

  private init(_ other: Model, edits: @escaping @Sendable (TokenBatch) -> [Hook]) {
    architecture = other.architecture
    folder = other.folder
    compute = other.compute
    checkpoint = other.checkpoint
    leftOut = other.leftOut
    memory = other.memory
    store = other.store
    self.edits = edits
  }

  /// This model with edits that belong to every run of it, before the run's own hooks; the weights are shared.
  ///
  /// A run that begins in front of a layer takes the stream that it is given as edited already: edits of sites before it,
  /// and of that stream, are left out.
  /// - Parameter edits: Makes the hooks of a run over a batch.
  public func editing(_ edits: @escaping @Sendable (TokenBatch) -> [Hook]) -> Model {
    let before = self.edits
    return Model(self) { batch in (before?(batch) ?? []) + edits(batch) }
  }

  /// What a reader must know of how this model is run: the architecture's notes, and which tensors were left out.
  public var notes: [String] {
    guard !leftOut.isEmpty else { return architecture.notes }
    let shown = leftOut.prefix(3).joined(separator: ", ") + (leftOut.count > 3 ? " …" : "")
    let count = leftOut.count == 1 ? "1 tensor is" : "\(leftOut.count) tensors are"
    return architecture.notes + ["\(count) left out, of heads for other tasks or of parts for pictures: \(shown)"]
  }

  /// Which logits a run returns.
  public enum LogitRows: Sendable {
    case none
    /// Those of each document's last token, in the documents' order.
    case lastOfEachDocument
    case all
  }

  /// Runs the model over a batch, with hooks; ends after the last site that a hook wants, unless logits are wanted or a
  /// cache is extended.
  ///
  /// Memory: `architecture.workingBytesPerToken` for each token, beside the weights.
  /// - Parameter start: Where the run begins; by default with the embeddings of each document's first token.
  /// - Returns: The logits asked for, [rows, d_vocab]; nil for `.none`.
  /// - Throws: What a hook throws; `Fault`: `transformer.unknownSite`, `transformer.noLogits`,
  ///   `transformer.tokenOutOfRange`, `transformer.documentTooLong`, `transformer.nonfiniteWeights`,
  ///   `transformer.siteBeforeStart`, `transformer.notEnoughMemory`.
  @discardableResult
  public func run(
    _ batch: TokenBatch, from start: RunStart = RunStart(), hooks: [Hook] = [], logits: LogitRows = .none
  ) throws -> Matrix? {
    // A task that nobody waits for any more begins no further run.
    try Task.checkCancellation()
    try check(batch, start, hooks, logits)
    guard batch.count > 0, !hooks.isEmpty || logits != .none || start.isExtending else {
      return logits == .none ? nil : Matrix(zeros: 0, columns: architecture.vocabularySize)
    }
    let caches = batch.lengths.enumerated().compactMap { document, length in
      start.past(document).extended.map { ($0, $0.count + length) }
    }
    try store.reserve(
      run: runBytes(batch, hooks, logits), beside: caches.reduce(0) { $0 + $1.0.missingBytes($1.1) })
    for (cache, count) in caches { cache.reserve(count) }
    let hooks = (edits?(batch) ?? []).filter { start.reaches($0.site) } + hooks
    let runsToEnd = logits != .none || start.isExtending
    let stream = WeightStream(
      store: store, tokens: batch.count, firstLayer: start.firstLayer,
      lastLayer: runsToEnd ? architecture.layers - 1 : architecture.lastLayer(of: hooks.map(\.site)),
      wantsLogits: logits != .none || hooks.contains { $0.site.kind == .unembedOut })
    var pass = ForwardPass(
      batch, from: start, weights: stream,
      hooks: RunHooks(hooks, architecture: architecture, runsToEnd: runsToEnd))
    let values = try pass.run(logits: logits)
    for document in 0..<batch.documentCount {
      start.past(document).extended?.append(batch.ids[batch.rows(of: document)])
    }
    return values.map {
      Matrix(rows: $0.count / architecture.vocabularySize, columns: architecture.vocabularySize, elements: $0)
    }
  }

  private func check(_ batch: TokenBatch, _ start: RunStart, _ hooks: [Hook], _ logits: LogitRows) throws {
    try check(start, batch, hooks)
    for hook in hooks where !architecture.has(hook.site) {
      if hook.site.kind == .unembedOut { throw noLogits }
      throw Fault(
        .usage, "transformer.unknownSite", "This model has no such site", place: hook.site.name,
        expected: "a site of this architecture (\(architecture.modelType), \(architecture.layers) layers)",
        advice: nearestNames(to: hook.site.name, among: architecture.sites.map(\.name)).first.map {
          "did you mean \($0)?"
        })
    }
    if logits != .none && !architecture.hasLogits { throw noLogits }
    let vocabulary = architecture.vocabularySize
    if let token = batch.ids.firstIndex(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw Fault(
        .badData, "transformer.tokenOutOfRange", "A token's number has no embedding", file: folder.path,
        place: "token \(token) of the batch", expected: "a number from 0 to \(vocabulary - 1)",
        found: "\(batch.ids[token])", advice: "check that the tokenizer belongs to this model")
    }
    let lengths = batch.lengths.enumerated().map { start.past($0).count + $1 }
    if let longest = architecture.longestDocument, let length = lengths.max(), length > longest {
      throw Fault(
        .badData, "transformer.documentTooLong", "A document is longer than the model's positions", file: folder.path,
        expected: "at most \(longest) tokens", found: "\(length)", advice: "split or truncate the document")
    }
    let types = architecture.embedding.tokenTypes
    if let type = batch.types?.first(where: { $0 < 0 || Int($0) >= max(types, 1) }) {
      throw Fault(
        .badData, "transformer.tokenOutOfRange", "A token's type has no embedding", file: folder.path,
        expected: types > 0 ? "a type from 0 to \(types - 1)" : "no types", found: "\(type)")
    }
  }

  private func check(_ start: RunStart, _ batch: TokenBatch, _ hooks: [Hook]) throws {
    precondition(
      start.pasts.isEmpty || start.pasts.count == batch.documentCount,
      "\(start.pasts.count) pasts of \(batch.documentCount) documents")
    guard let residual = start.residual else { return }
    precondition(
      (0...architecture.layers).contains(residual.layer) && residual.values.count == batch.count * architecture.width,
      "a residual stream of \(residual.values.count) values in front of layer \(residual.layer)")
    precondition(!start.isExtending, "a cache is extended from the first layer on")
    if let early = hooks.first(where: { $0.site.kind < .residPre || ($0.site.layer ?? .max) < residual.layer }) {
      throw Fault(
        .usage, "transformer.siteBeforeStart", "The run begins behind this site", place: early.site.name,
        expected: "a site of layer \(residual.layer) or later")
    }
  }

  var noLogits: Fault {
    Fault(
      .usage, "transformer.noLogits", "This checkpoint has no output head, so it has no logits", file: folder.path,
      expected: architecture.head.kind == .none && !architecture.blocks[0].attention.isCausal
        ? "the tensors of a masked-language head (cls.predictions.*)" : "an unembedding (lm_head.weight)",
      advice: "ask for sites before the head, or take a checkpoint that was saved with its head")
  }
}
