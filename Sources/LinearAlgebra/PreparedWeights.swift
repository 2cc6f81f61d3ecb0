import CKernels
import COpenBLAS

/// The weights of a linear layer, [outputs, inputs], in the layout of the library that multiplies with them.
public final class PreparedWeights: Sendable {
  public let outputs: Int
  public let inputs: Int
  public let type: ComputeType
  private let storage: Storage

  private enum Storage {
    /// Row-major, for OpenBLAS; with `bfloat16` rounded, but still as Float.
    case plain(FloatStorage)
    #if OneDNN
      case panels([OneDNNPanel])
    #endif
  }

  /// Prepares weights that the closure writes, row after row: a row holds the weights of one output.
  ///
  /// With `bfloat16` each weight is rounded to the nearest bfloat16.
  public convenience init(
    outputs: Int, inputs: Int, type: ComputeType = .float32,
    fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    try self.init(
      outputs: outputs, inputs: inputs, type: type, library: MatrixLibrary.preferred(for: type), fill: fill)
  }

  /// Prepares weights for a certain library, for comparisons; where it cannot serve them, for OpenBLAS.
  public init(
    outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary,
    fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    precondition(outputs >= 0 && inputs >= 0, "weights of \(outputs)×\(inputs)")
    self.outputs = outputs
    self.inputs = inputs
    self.type = type
    let values = FloatStorage(count: outputs * inputs)
    try fill(values.buffer)
    #if OneDNN
      if library == .oneDNN, let panels = Self.panels(values.base, outputs, inputs, type) {
        storage = .panels(panels)
        return
      }
    #endif
    if type == .bfloat16 { Kernels.roundToBFloat16(values.base, into: values.base, count: values.count) }
    storage = .plain(values)
  }

  /// The memory that the weights take.
  public var byteCount: Int {
    switch storage {
    case .plain(let values): values.count * MemoryLayout<Float>.size
    #if OneDNN
      case .panels(let panels): panels.reduce(0) { $0 + $1.byteCount }
    #endif
    }
  }

  /// output[rows, outputs] = input[rows, inputs] · weightsᵀ + bias, on all threads; 2 · rows · outputs · inputs
  /// operations.
  ///
  /// With `bfloat16` the input is rounded to bfloat16 first; sums are kept and the output is written in float32.
  public func multiply(
    _ input: UnsafePointer<Float>, rows: Int, bias: UnsafePointer<Float>? = nil,
    into output: UnsafeMutablePointer<Float>
  ) {
    precondition(rows >= 0, "\(rows) rows")
    guard rows > 0 && outputs > 0 else { return }
    let start = ProductMeter.now()
    defer { ProductMeter.count(2 * rows * outputs * inputs, since: start) }
    switch storage {
    case .plain(let values):
      if type == .bfloat16 {
        let rounded = FloatStorage(count: rows * inputs)
        Kernels.roundToBFloat16(input, into: rounded.base, count: rows * inputs)
        product(values, rounded.base, rows: rows, bias: bias, into: output)
      } else {
        product(values, input, rows: rows, bias: bias, into: output)
      }
    #if OneDNN
      case .panels(let panels):
        if type == .bfloat16 {
          let rounded = UnsafeMutablePointer<UInt16>.allocate(capacity: rows * inputs)
          defer { rounded.deallocate() }
          _ = Kernels.toBFloat16(input, into: rounded, count: rows * inputs)
          product(panels, rounded, bytes: 2, rows: rows, bias: bias, into: output)
        } else {
          product(panels, input, bytes: 4, rows: rows, bias: bias, into: output)
        }
    #endif
    }
  }

  private func product(
    _ values: FloatStorage, _ input: UnsafePointer<Float>, rows: Int, bias: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>
  ) {
    _ = OpenBLAS.coreName
    let grid = ProductGrid(rows: rows, columns: outputs, inner: inputs)
    let weights = UnsafePointer(values.base)
    let width = blasint(max(inputs, 1))
    Threads.forEach(grid.count) { index in
      let (some, columns) = grid[index]
      let target = output + some.lowerBound * outputs + columns.lowerBound
      let source = input + some.lowerBound * inputs
      let factors = weights + columns.lowerBound * inputs
      if let bias {
        unfold_fill_bias(bias + columns.lowerBound, target, some.count, columns.count, outputs)
      }
      let beta: Float = bias == nil ? 0 : 1
      if some.count == 1 {
        cblas_sgemv(
          CblasRowMajor, CblasNoTrans, blasint(columns.count), blasint(inputs), 1, factors, width, source, 1, beta,
          target, 1)
      } else {
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasTrans, blasint(some.count), blasint(columns.count), blasint(inputs), 1,
          source, width, factors, width, beta, target, blasint(outputs))
      }
    }
  }

  #if OneDNN
    /// Rows are cut into equal blocks of a multiple of 64, the last one shorter; each block meets each panel.
    private func product(
      _ panels: [OneDNNPanel], _ input: UnsafeRawPointer, bytes: Int, rows: Int, bias: UnsafePointer<Float>?,
      into output: UnsafeMutablePointer<Float>
    ) {
      let share = (rows + Threads.count - 1) / Threads.count
      let block = min(512, OneDNNPanel.roundedUp(max(share, 64)))
      let blocks = (rows + block - 1) / block
      Threads.forEach(blocks * panels.count) { index in
        let first = index / panels.count * block
        panels[index % panels.count].multiply(
          input + first * inputs * bytes, rows: min(block, rows - first), bias: bias, into: output + first * outputs)
      }
    }

    /// As many panels as threads, so that few rows use all threads too; none narrower than 256 outputs.
    private static func panels(
      _ plain: UnsafePointer<Float>, _ outputs: Int, _ inputs: Int, _ type: ComputeType
    ) -> [OneDNNPanel]? {
      guard outputs > 0 && inputs > 0 else { return nil }
      let count = max(1, min(Threads.count, outputs / 256))
      let ranges = (0..<count).map { ProductGrid.piece($0, of: count, in: outputs) }
      let panels = ranges.compactMap {
        OneDNNPanel(plain: plain, outputs: $0, of: outputs, inputs: inputs, type: type)
      }
      return panels.count == count ? panels : nil
    }
  #endif
}

/// Memory for numbers, aligned to a cache line, owned by one object.
final class FloatStorage: @unchecked Sendable {  // Written by its maker alone, then only read.
  let base: UnsafeMutablePointer<Float>
  let count: Int

  init(count: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: base, count: count) }
}
