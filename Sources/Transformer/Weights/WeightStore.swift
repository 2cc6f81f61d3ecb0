import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Synchronization

/// Gives the pass each layer's weights, read, checked and reordered when the layer is first used.
///
/// Prepared layers are kept while they fit the memory that there is beside the run; of the others each matrix is read
/// ahead, prepared, multiplied with and given up, so that a model larger than memory runs.
final class WeightStore: Sendable {
  let table: WeightTable
  let type: ComputeType
  /// The bytes that weights and runs may take; nil: what the machine has free.
  let memory: Int?
  let reader = WeightReader(window: 0)
  let panels = PanelMemory()
  /// The values of runs.
  let scratch = PanelMemory()
  private let machine: MachineMemory
  /// The sizes of the matrices, each once.
  private let shapes: Set<Shape>
  private let state: Mutex<State>
  private let preparations = Atomic<Int>(0)
  /// One a layer, and one for what stands outside the blocks: two runs on one model prepare a weight once.
  private let preparing: [NSLock]

  private struct Shape: Hashable {
    let outputs: Int
    let inputs: Int
  }

  private struct State {
    var blocks: [BlockWeights?]
    var head: HeadWeights?
    var embeddingProjection: Linear?
    var unembedding: Linear?
    /// Layers that were found not to fit; `layers` stands for the unembedding.
    var passing: Set<Int> = []
    var embeddings: Set<WeightRole> = []
    /// What is kept and what is about to be.
    var byteCount = 0
    var budget = MemoryBudget()
  }

  init(table: WeightTable, type: ComputeType, memory: Int?, machine: MachineMemory = MachineMemory()) {
    self.table = table
    self.type = type
    self.memory = memory
    self.machine = machine
    shapes = Set(table.allMatrices.map { Shape(outputs: $0.outputs, inputs: $0.inputs ?? 1) })
    state = Mutex(State(blocks: Array(repeating: nil, count: table.architecture.layers)))
    preparing = (0...table.architecture.layers).map { _ in NSLock() }
  }

  /// The libraries that the matrices are multiplied with, tried now where that is not known yet.
  var productChoices: ProductChoices {
    ProductChoices(for: type, sizes: shapes.map { (outputs: $0.outputs, inputs: $0.inputs) })
  }

  // MARK: - Memory

  /// The bytes of prepared weights that are kept now.
  var keptBytes: Int { state.withLock { $0.byteCount } }
  /// How many matrices have been prepared so far.
  var preparationCount: Int { preparations.load(ordering: .relaxed) }
  func countPreparation() { preparations.add(1, ordering: .relaxed) }
  /// Gives back what only preparing needed, where nothing is prepared anew.
  func runEnded() { if state.withLock({ $0.passing.isEmpty }) { panels.clear() } }
  var keepsUnembedding: Bool { state.withLock { $0.unembedding != nil } }

  /// The bytes that weights and runs may take now, what is kept included.
  var limit: Int { memory ?? machine.allowance.map { $0 + keptBytes } ?? MemoryBudget.unlimited }

  /// Makes sure that a run's values, and what whoever runs the model holds beside them, have room: what is kept gives way.
  ///
  /// - Parameters:
  ///   - run: Bytes of a run.
  ///   - beside: Bytes that are taken elsewhere while it runs.
  /// - Throws: `Fault` named `transformer.notEnoughMemory`.
  func reserve(run: Int, beside: Int = 0) throws {
    if state.withLock({ run <= $0.budget.run && beside <= $0.budget.beside }) { return }
    let free = memory ?? machine.allowance
    let passing = passingBytes
    let window: Int = try state.withLock { state in
      var budget = state.budget
      budget.limit = memory ?? free.map { $0 + state.byteCount } ?? MemoryBudget.unlimited
      budget.run = max(budget.run, run)
      budget.beside = max(budget.beside, beside)
      budget.passing = passing
      guard budget.isEnough else { throw notEnough(budget) }
      state.budget = budget
      state.passing = []
      if let bytes = state.unembedding?.byteCount, state.byteCount > budget.kept {
        state.unembedding = nil
        state.byteCount -= bytes
      }
      for layer in state.blocks.indices.reversed() where state.byteCount > budget.kept {
        state.byteCount -= state.blocks[layer]?.byteCount ?? 0
        state.blocks[layer] = nil
      }
      return budget.window
    }
    reader.setWindow(window)
  }

  private func notEnough(_ budget: MemoryBudget) -> Fault {
    Fault(
      .usage, "transformer.notEnoughMemory", "The model cannot run in the memory that there is",
      file: table.weight(.tokenEmbedding).tensor.file.url.path,
      expected: "\(byteText(budget.needed)): \(byteText(budget.run)) for the values of a batch, "
        + "\(byteText(budget.passing)) for the weights of one product"
        + (budget.beside > 0 ? ", \(byteText(budget.beside)) for what is gathered of it" : ""),
      found: "\(byteText(max(0, budget.limit))) \(memory == nil ? "free" : "allowed")",
      advice: "take fewer tokens at once (--batch-tokens, --context) or fewer sites"
        + (memory == nil ? ", or say with --memory how much there is" : ", or allow more with --memory"))
  }

  /// The most memory that a matrix takes while it is multiplied with and not kept.
  var passingBytes: Int {
    shapes.map { PreparedWeights.passingBytes(outputs: $0.outputs, inputs: $0.inputs, type: type) }.max() ?? 0
  }

  /// What a layer's prepared weights take.
  func expectedBytes(_ layer: Int) -> Int {
    table.matrices(layer).reduce(0) { sum, key in
      guard let entry = table.find(key.role, layer: layer, expert: key.expert) else { return sum }
      return sum + PreparedWeights.expectedBytes(outputs: entry.outputs, inputs: entry.inputs ?? 1, type: type)
    }
  }

  /// Takes so many bytes of what may be kept; false where they do not fit, which is remembered.
  private func claim(_ bytes: Int, _ place: Int) -> Bool {
    let mayBe = state.withLock { state in
      guard !state.passing.contains(place) else { return false }
      guard state.byteCount + bytes <= state.budget.kept else {
        state.passing.insert(place)
        return false
      }
      state.byteCount += bytes
      return true
    }
    guard mayBe else { return false }
    // Another model may have been loaded since the budget was made, or another process begun.
    if memory == nil, let free = machine.allowance, free < bytes + passingBytes {
      giveUp(bytes, place)
      return false
    }
    return true
  }

  private func giveUp(_ bytes: Int, _ place: Int) {
    state.withLock {
      $0.byteCount -= bytes
      $0.passing.insert(place)
    }
  }

  /// Puts what was claimed in its place; true if it is kept.
  private func keep(_ claimed: Int, _ bytes: Int, _ place: Int, _ put: (inout State) -> Void) {
    state.withLock { state in
      state.byteCount += bytes - claimed
      if state.byteCount > state.budget.kept {
        state.byteCount -= bytes
        state.passing.insert(place)
      } else {
        put(&state)
      }
    }
  }

  /// The first layer of a range that is not kept.
  func firstUnkept(from first: Int, to last: Int) -> Int? {
    guard first <= last else { return nil }
    return state.withLock { state in (first...last).first { state.blocks[$0] == nil } }
  }

  // MARK: - Weights

  /// The weights of a block.
  func block(_ layer: Int, _ stream: WeightStream) throws -> BlockWeights {
    if let block = state.withLock({ $0.blocks[layer] }) { return block }
    return try preparing[layer].withLock {
      if let block = state.withLock({ $0.blocks[layer] }) { return block }
      stream.enter(layer)
      let claimed = expectedBytes(layer)
      guard claim(claimed, layer) else {
        return try BlockWeights(WeightMaker(stream: stream, isKept: false), layer: layer)
      }
      do {
        let block = try BlockWeights(WeightMaker(stream: stream, isKept: true), layer: layer)
        keep(claimed, block.byteCount, layer) { $0.blocks[layer] = block }
        return block
      } catch {
        giveUp(claimed, layer)
        throw error
      }
    }
  }

  /// The weights behind the last block, without the unembedding.
  func head(_ stream: WeightStream? = nil) throws -> HeadWeights {
    try outside(\.head) {
      let head = try HeadWeights(WeightMaker(stream: stream ?? self.stream(), isKept: true))
      state.withLock { $0.head = head }
      return head
    }
  }

  /// From the width of the embedding's rows up to the model's.
  func embeddingProjection(_ stream: WeightStream) throws -> Linear {
    try outside(\.embeddingProjection) {
      let linear = try Linear(WeightMaker(stream: stream, isKept: true), .embeddingProjection)
      state.withLock { $0.embeddingProjection = linear }
      return linear
    }
  }

  /// What is prepared outside the blocks, or is prepared now.
  private func outside<Weights>(
    _ place: any KeyPath<State, Weights?> & Sendable, _ prepare: () throws -> Weights
  ) throws -> Weights {
    func known() -> Weights? { state.withLock { $0[keyPath: place] } }
    if let weights = known() { return weights }
    return try preparing[table.architecture.layers].withLock { try known() ?? prepare() }
  }

  /// [d_vocab, d_model]
  func unembedding(_ stream: WeightStream? = nil) throws -> Linear {
    try outside(\.unembedding) {
      let (entry, place) = (table.weight(.unembedding), table.architecture.layers)
      let claimed = PreparedWeights.expectedBytes(outputs: entry.outputs, inputs: entry.inputs ?? 1, type: type)
      let isKept = claim(claimed, place)
      do {
        let unembedding = try Linear(WeightMaker(stream: stream ?? self.stream(), isKept: isKept), .unembedding)
        if isKept { keep(claimed, unembedding.byteCount, place) { $0.unembedding = unembedding } }
        return unembedding
      } catch {
        if isKept { giveUp(claimed, place) }
        throw error
      }
    }
  }

  /// A stream for single weights outside a run.
  private func stream() -> WeightStream {
    WeightStream(store: self, tokens: 0, lastLayer: -1, wantsLogits: false)
  }

  /// Where an embedding's rows lie; the whole of it is checked for NaN when it is first asked for.
  func embedding(_ role: WeightRole) throws -> StoredWeight {
    let entry = table.weight(role)
    if state.withLock({ $0.embeddings.contains(role) }) { return entry }
    try entry.tensor.refuseNonfinite()
    entry.tensor.advise(.done)
    _ = state.withLock { $0.embeddings.insert(role) }
    return entry
  }
}

extension TensorView {
  /// Reads all elements once, piece by piece, for the check alone.
  fileprivate func refuseNonfinite() throws {
    let piece = 1 << 16
    let pieces = (count + piece - 1) / piece
    let bad = Mutex((notNumbers: 0, infinite: 0))
    Threads.forRanges(0..<pieces, grain: 4) { some in
      let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: piece)
      defer { buffer.deallocate() }
      guard let start = buffer.baseAddress else { return }
      for number in some {
        let elements = number * piece..<min((number + 1) * piece, count)
        read(elements, into: start)
        guard Kernels.countNonfinite(start, count: elements.count) > 0 else { continue }
        let values = buffer[..<elements.count]
        let (notNumbers, infinite) = (values.count { $0.isNaN }, values.count { $0.isInfinite })
        bad.withLock { $0 = ($0.notNumbers + notNumbers, $0.infinite + infinite) }
      }
    }
    let found = bad.withLock { $0 }
    if found.notNumbers + found.infinite > 0 {
      throw nonfinite(notNumbers: found.notNumbers, infinite: found.infinite, of: count)
    }
  }
}
