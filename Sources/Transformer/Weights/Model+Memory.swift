import Architectures
import LinearAlgebra

/// How much memory a model takes, and what it does where there is less.
extension Model {
  /// The bytes of prepared weights that are kept now.
  public var keptWeightBytes: Int { store.keptBytes }
  /// How long runs have waited for weights to be read, and how many bytes have been read for them.
  public var secondsWaitingForWeights: Double { store.reader.secondsWaiting }
  public var weightBytesRead: Int { store.reader.bytesRead }
  /// How many matrices have been prepared so far: each once where all are kept.
  public var preparedMatrices: Int { store.preparationCount }
  /// The bytes that weights and runs may take now: those of `memory`, or what is free, with what is kept already.
  public var memoryLimit: Int { store.limit }

  /// The libraries that this model's layers are multiplied with; found by trial where that is not known yet, which takes
  /// some tenths of a second once on a machine.
  public var productChoices: ProductChoices { store.productChoices }

  /// Takes the choices of another run, so that this one's results are the same.
  /// - Returns: Whether that is possible: the libraries are here, and no weight has been prepared for others.
  public func adopt(_ choices: ProductChoices) -> Bool {
    choices == productChoices || keptWeightBytes == 0 && choices.adopt(for: compute)
  }

  /// What some of the weights take.
  public struct WeightBytes: Sendable, Equatable {
    /// In the files.
    public var stored: Int
    /// Prepared.
    public var prepared: Int
    /// The multiplications and additions that they cost for each token, experts that are not chosen left out.
    public var operations: Int
    /// What the weights of one product take while they are not kept: without so much nothing runs.
    public var passing: Int
  }

  /// The weights of the blocks that a run with hooks at these sites comes to.
  public func weightBytes(for sites: [Site]) -> WeightBytes {
    var sum = WeightBytes(stored: 0, prepared: 0, operations: 0, passing: store.passingBytes)
    for layer in 0..<architecture.lastLayer(of: sites) + 1 {
      sum.prepared += store.expectedBytes(layer)
      let experts = architecture.blocks[layer].experts
      for key in store.table.matrices(layer) {
        guard let entry = store.table.find(key.role, layer: layer, expert: key.expert) else { continue }
        sum.stored += entry.extents().reduce(0) { $0 + $1.bytes.count }
        let share = key.expert == nil ? 1 : experts.map { Double($0.active) / Double($0.count) } ?? 1
        sum.operations += Int(2 * Double(entry.count) * share)
      }
    }
    return sum
  }

  /// Makes room for runs of up to so many bytes (`workingBytesPerToken` for each token) and for what is held beside them;
  /// decides how many weights are kept. Runs make room for themselves: this is for those who know what is to come.
  /// - Throws: `Fault` named `transformer.notEnoughMemory`.
  public func reserve(bytes: Int, beside: Int = 0) throws { try store.reserve(run: bytes, beside: beside) }

  /// Gives the memory of runs back to the system until the next one.
  public func giveBackWorkingMemory() { store.scratch.clear() }

  func runBytes(_ batch: TokenBatch, _ hooks: [Hook], _ logits: LogitRows) -> Int {
    var bytes = batch.count * architecture.workingBytesPerToken
    guard logits != .none || hooks.contains(where: { $0.site.kind == .unembedOut }) else { return bytes }
    let row = 4 * architecture.vocabularySize
    bytes += min(64 << 20, batch.count * row)
    switch logits {
    case .none: break
    case .lastOfEachDocument: bytes += batch.documentCount * row
    case .all: bytes += batch.count * row
    }
    return bytes
  }
}

extension Architecture {
  /// The last layer that a run comes to which ends at the last of some sites; −1: none.
  func lastLayer(of sites: [Site]) -> Int {
    sites.map { $0.layer ?? ($0.kind < .residPre ? -1 : layers - 1) }.max() ?? -1
  }
}
