import CKernels
import COpenBLAS
import Foundation

/// The weights of consecutive outputs of a linear layer, in the layout of the library that multiplies with them.
///
/// Where a layer is cut into panels follows from its size, the library and the number of threads alone, never from the
/// memory that is free: so a product is the same, bit for bit, whether all panels lie ready or come one after another.
enum WeightPanel: Sendable {
  /// Row-major, for OpenBLAS; with `bfloat16` rounded, but still as Float.
  case plain(FloatStorage, Range<Int>)
  #if OneDNN
    case reordered(OneDNNPanel)
  #endif

  /// - Parameters:
  ///   - memory: Where memory for what is read comes from and goes back to; nil: the system.
  ///   - isPassing: Whether the panel is soon given up, so that its memory comes from there too.
  ///   - fill: Writes rows, each the weights of one output. With blocks it is called on all threads.
  init<E: Error>(
    _ outputs: Range<Int>, of total: Int, inputs: Int, type: ComputeType, library: MatrixLibrary, memory: PanelMemory?,
    isPassing: Bool,
    fill: (Range<Int>, UnsafeMutablePointer<Float>) throws(E) -> Void
  ) throws(E) {
    let rounds = library.rounds(type)
    #if OneDNN
      if library.isOneDNN, !outputs.isEmpty, inputs > 0 {
        let type = rounds ? .float32 : type
        let blocks = OneDNNBlocks(outputs: total, inputs: inputs, type: type)
        if let panel = OneDNNPanel(
          outputs: outputs, of: total, inputs: inputs, type: type, blocks: blocks, memory: isPassing ? memory : nil),
          try Self.fill(panel, rounds: rounds, memory, fill)
        {
          self = .reordered(panel)
          return
        }
      }
    #endif
    let values = FloatStorage(count: outputs.count * inputs, memory: isPassing ? memory : nil)
    try fill(outputs, values.base)
    if type == .bfloat16 { Kernels.roundToBFloat16(values.base, into: values.base, count: values.count) }
    self = .plain(values, outputs)
  }

  #if OneDNN
    /// Brings the weights into a panel, in pieces where it has blocks; false where the library refuses one.
    private static func fill<E: Error>(
      _ panel: OneDNNPanel, rounds: Bool, _ memory: PanelMemory?,
      _ fill: (Range<Int>, UnsafeMutablePointer<Float>) throws(E) -> Void
    ) throws(E) -> Bool {
      let pieces = panel.pieces((panel.outputs.count + piece(panel.inputs) - 1) / piece(panel.inputs))
      return try Threads.map(pieces.count) { (index) throws(E) in
        let some = pieces[index]
        let values = FloatStorage(count: some.count * panel.inputs, memory: memory)
        let start = panel.outputs.lowerBound
        try fill(start + some.lowerBound..<start + some.upperBound, values.base)
        if rounds { Kernels.roundToBFloat16(values.base, into: values.base, count: values.count) }
        return panel.reorder(some, plain: values.base)
      }.allSatisfy { $0 }
    }

    /// Outputs whose weights are read at once where a panel has blocks: 4 MiB of them, which a cache holds.
    private static func piece(_ inputs: Int) -> Int { max(64, (1 << 20) / max(inputs, 1) / 64 * 64) }
  #endif

  var byteCount: Int {
    switch self {
    case .plain(let values, _): values.count * MemoryLayout<Float>.size
    #if OneDNN
      case .reordered(let panel): panel.byteCount
    #endif
    }
  }

  /// The most weights in one panel, as far as that leaves it wide enough.
  private static var largest: Int { max(2 << 20, (16 << 20) / Threads.count) }

  /// Which outputs each panel has.
  ///
  /// Where oneDNN has blocks, all outputs are one panel, which multiplies fastest. Those of more than 16 Mi weights are cut
  /// all the same, so that weights that are not kept need not lie in the memory as a whole.
  /// Otherwise oneDNN has as many panels as threads, so that few rows use all threads too; none narrower than 256 outputs.
  /// More of them where the weights are so many that one would be large.
  static func cuts(outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary) -> [Range<Int>] {
    var count = 1
    if hasBlocks(outputs: outputs, inputs: inputs, type: type, library: library) {
      let width = max(1024, min(4096, (16 << 20) / inputs))
      if outputs * inputs > 16 << 20 { count = (outputs + width - 1) / width }
      // Whole blocks, whatever their size.
      let units = (outputs + 63) / 64
      return (0..<count).map { index in
        let own = ProductGrid.piece(index, of: count, in: units)
        return own.lowerBound * 64..<min(own.upperBound * 64, outputs)
      }
    }
    let usual = library.isOneDNN ? max(1, min(Threads.count, outputs / 256)) : 1
    let least = (outputs * inputs + largest - 1) / largest
    count = usual
    if least > usual { count = min((least + Threads.count - 1) / Threads.count * Threads.count, max(outputs, 1)) }
    return (0..<count).map { ProductGrid.piece($0, of: count, in: outputs) }
  }

  /// Whether a layer's panels are filled piece by piece, on all threads.
  static func hasBlocks(outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary) -> Bool {
    #if OneDNN
      guard library.isOneDNN else { return false }
      return OneDNNBlocks(outputs: outputs, inputs: inputs, type: library.rounds(type) ? .float32 : type) != nil
    #else
      return false
    #endif
  }

  /// The memory that a panel takes while it is filled: what is read, and what is prepared of it.
  static func fillingBytes(
    _ outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary, hasBlocks: Bool
  ) -> Int {
    var read = outputs
    #if OneDNN
      // A piece may be a block wider than the others.
      if hasBlocks { read = min(outputs, Threads.count * (piece(inputs) + 64)) }
    #endif
    return 4 * read * inputs + PreparedWeights.preparedBytes(outputs, inputs, type, library)
  }
}

/// A product with the panels of a linear layer: output[rows, outputs] = input[rows, inputs] · weightsᵀ + bias.
struct PanelProduct {
  let outputs: Int
  let inputs: Int
  let type: ComputeType
  let input: UnsafePointer<Float>
  let rows: Int
  let bias: UnsafePointer<Float>?
  let output: UnsafeMutablePointer<Float>
  /// The input as bfloat16, or rounded to it, whichever the panels want.
  private var halves: UnsafeMutablePointer<UInt16>?
  private var rounded: FloatStorage?

  /// Runs the body with a product of these panels' kind; the input is rounded once for all of them.
  static func with<Result, E: Error>(
    outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary, _ input: UnsafePointer<Float>, rows: Int,
    bias: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>,
    _ body: (borrowing PanelProduct) throws(E) -> Result
  ) throws(E) -> Result {
    var product = PanelProduct(
      outputs: outputs, inputs: inputs, type: type, input: input, rows: rows, bias: bias, output: output, halves: nil,
      rounded: nil)
    guard type == .bfloat16 else { return try body(product) }
    let isRounded = library.rounds(type)
    let memory = FloatStorage(count: isRounded ? rows * inputs : (rows * inputs + 1) / 2, memory: .ofProducts)
    defer { withExtendedLifetime(memory) {} }
    if isRounded {
      Kernels.roundToBFloat16(input, into: memory.base, count: rows * inputs)
      product.rounded = memory
      return try body(product)
    }
    return try memory.base.withMemoryRebound(to: UInt16.self, capacity: rows * inputs) { halves throws(E) in
      _ = Kernels.toBFloat16(input, into: halves, count: rows * inputs)
      product.halves = halves
      return try body(product)
    }
  }

  /// Multiplies with some of the layer's panels, on all threads.
  func multiply(_ panels: [WeightPanel]) {
    let start = ProductMeter.now()
    var columns = 0
    #if OneDNN
      var reordered: [OneDNNPanel] = []
    #endif
    for panel in panels {
      switch panel {
      case .plain(let values, let some):
        columns += some.count
        multiply(values, some)
      #if OneDNN
        case .reordered(let panel):
          columns += panel.outputs.count
          reordered.append(panel)
      #endif
      }
    }
    #if OneDNN
      if !reordered.isEmpty { multiply(reordered) }
    #endif
    ProductMeter.count(2 * rows * columns * inputs, since: start)
  }

  private func multiply(_ values: FloatStorage, _ outputs: Range<Int>) {
    guard !outputs.isEmpty else { return }
    guard let halves, rounded == nil else {
      return multiply(values, outputs, rounded.map { UnsafePointer($0.base) } ?? input)
    }
    // A panel that oneDNN refused, among others that it took.
    _ = halves
    let copy = FloatStorage(count: rows * inputs, memory: .ofProducts)
    Kernels.roundToBFloat16(input, into: copy.base, count: rows * inputs)
    multiply(values, outputs, copy.base)
  }

  /// So many rows, as when text is generated, take our own kernels: the libraries' copy the weights first, or read them
  /// slower than memory gives them.
  private static let few = 3

  /// Outputs cut into pieces for the threads, of at least 512.
  private static func pieces(of outputs: Int) -> [Range<Int>] {
    let count = Threads.count == 1 ? 1 : max(1, min(outputs / 512, 4 * Threads.count))
    return (0..<count).map { ProductGrid.piece($0, of: count, in: outputs) }
  }

  private func multiply(_ values: FloatStorage, _ own: Range<Int>, _ input: UnsafePointer<Float>) {
    if rows <= Self.few {
      let pieces = Self.pieces(of: own.count)
      return Threads.forEach(pieces.count) { index in
        let some = pieces[index]
        let first = own.lowerBound + some.lowerBound
        unfold_few_rows_by_outputs(
          UnsafePointer(values.base) + some.lowerBound * inputs, some.count, inputs, input, rows,
          bias.map { $0 + first }, output + first, outputs)
      }
    }
    _ = OpenBLAS.coreName
    let grid = ProductGrid(rows: rows, columns: own.count, inner: inputs)
    let weights = UnsafePointer(values.base)
    let width = blasint(max(inputs, 1))
    Threads.forEach(grid.count) { index in
      let (some, columns) = grid[index]
      let first = own.lowerBound + columns.lowerBound
      let target = output + some.lowerBound * outputs + first
      let source = input + some.lowerBound * inputs
      let factors = weights + columns.lowerBound * inputs
      if let bias {
        unfold_fill_bias(bias + first, target, some.count, columns.count, outputs)
      }
      let beta: Float = bias == nil ? 0 : 1
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(some.count), blasint(columns.count), blasint(inputs), 1,
        source, width, factors, width, beta, target, blasint(outputs))
    }
  }

  #if OneDNN
    /// Rows of a block.
    ///
    /// Blocks of weights are read anew for each: 256 rows are within 2 % of the best for all layers and types. Where they
    /// lie otherwise and a panel stays in the shared cache, blocks of rows whose own factors stay in a core's are 2 to 4 %
    /// faster than longer ones (768 inputs). Wider panels, and those of bfloat16, are read anew for each block: there
    /// blocks of 64 rows are up to 30 % slower than of 512.
    private func blockRows(_ panels: [OneDNNPanel], bytes: Int) -> Int {
      let share = OneDNNPanel.roundedUp(max((rows + Threads.count - 1) / Threads.count, 64))
      if panels.allSatisfy({ $0.blocks != nil }) { return min(256, share) }
      guard bytes == 4, panels.allSatisfy({ $0.byteCount <= 8 << 20 }) else { return min(512, share) }
      return min(512, max(64, (512 << 10) / max(bytes * inputs, 1) / 64 * 64), share)
    }

    /// Rows are cut into equal blocks of a multiple of 64, the last one shorter; each block meets each panel. Where that
    /// leaves threads without work, panels are cut too.
    private func multiply(_ panels: [OneDNNPanel]) {
      let source =
        halves.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(rounded.map { UnsafePointer($0.base) } ?? input)
      if rows <= Self.few, panels.allSatisfy(\.isPlain) {
        let pieces = panels.flatMap { panel in
          panel.pieces(Self.pieces(of: panel.outputs.count).count).map { (panel, $0) }
        }
        return Threads.forEach(pieces.count) { index in
          let (panel, some) = pieces[index]
          panel.multiplyPlainly(source, rows: rows, outputs: some, bias: bias, into: output)
        }
      }
      let bytes = halves == nil ? 4 : 2
      let block = blockRows(panels, bytes: bytes)
      let blocks = (rows + block - 1) / block
      let pieces = panels.flatMap { panel in
        let wanted = (Threads.count + blocks * panels.count - 1) / (blocks * panels.count)
        return panel.pieces(min(wanted, max(1, panel.outputs.count / 256))).map { (panel, $0) }
      }
      Threads.forEach(blocks * pieces.count) { index in
        let first = index / pieces.count * block
        let (panel, some) = pieces[index % pieces.count]
        panel.multiply(
          source + first * inputs * bytes, rows: min(block, rows - first), outputs: some, bias: bias,
          into: output + first * outputs)
      }
    }
  #endif
}

/// Memory for numbers, aligned to a cache line, owned by one object.
final class FloatStorage: @unchecked Sendable {  // Written by its maker alone, then only read.
  let base: UnsafeMutablePointer<Float>
  let count: Int
  private let memory: PanelMemory?
  private let whole: UnsafeMutableRawBufferPointer

  /// - Parameter memory: Where the memory comes from and goes back to; nil: the system.
  init(count: Int, memory: PanelMemory? = nil) {
    let bytes = max(count, 1) * 4
    // Small pieces would take the place of large ones.
    let memory = bytes < 1 << 20 ? nil : memory
    whole = memory?.take(bytes) ?? PanelMemory.allocate(bytes)
    guard let start = whole.baseAddress else { preconditionFailure("no memory for \(count) numbers") }
    base = start.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    self.memory = memory
  }

  deinit { memory.map { $0.giveBack(whole) } ?? whole.deallocate() }

  var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: base, count: count) }
}

/// Memory that comes and goes, of panels and of runs, used again and again: fresh memory costs a page fault for every 4 KiB.
// `lock` guards `spare`.
public final class PanelMemory: @unchecked Sendable {
  static let alignment = 64
  /// What products need for their moment: rounded factors, rows filled up, a library's own.
  static let ofProducts = PanelMemory()
  private let lock = NSLock()
  private var spare: [UnsafeMutableRawBufferPointer] = []

  public init() {}

  deinit { for memory in spare { memory.deallocate() } }

  /// Memory of at least so many bytes, with anything in it.
  public func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let (found, surplus) = lock.withLock { () -> (UnsafeMutableRawBufferPointer?, UnsafeMutableRawBufferPointer?) in
      let fitting = spare.indices.filter { spare[$0].count >= count }
      if let best = fitting.min(by: { spare[$0].count < spare[$1].count }) { return (spare.remove(at: best), nil) }
      // None is large enough: what is allocated takes the place of one, so that their number does not grow.
      return (nil, spare.popLast())
    }
    surplus?.deallocate()
    return found ?? Self.allocate(count)
  }

  /// Fresh memory, aligned to a cache line at least; a large piece in large pages where the system has them, which cost a
  /// fault for every 2 MiB. `deallocate` gives it back.
  static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let huge = 2 << 20
    let isLarge = count >= 2 * huge
    var start: UnsafeMutableRawPointer?
    let bytes = max(count, alignment)
    guard posix_memalign(&start, isLarge ? huge : alignment, bytes) == 0, let start else {
      OutOfMemory.end(bytes, for: "numbers")
    }
    #if os(Linux)
      // MADV_HUGEPAGE
      if isLarge { madvise(start, count / huge * huge, 14) }
    #endif
    return UnsafeMutableRawBufferPointer(start: start, count: bytes)
  }

  /// Takes back what was lent.
  public func giveBack(_ memory: UnsafeMutableRawBufferPointer) { lock.withLock { spare.append(memory) } }

  /// Gives what is not in use back to the system.
  public func clear() {
    let all = lock.withLock { () -> [UnsafeMutableRawBufferPointer] in
      defer { spare = [] }
      return spare
    }
    for memory in all { memory.deallocate() }
  }
}
