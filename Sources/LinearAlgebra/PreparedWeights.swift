/// The weights of a linear layer, [outputs, inputs], in the layout of the library that multiplies with them.
public final class PreparedWeights: Sendable {
  public let outputs: Int
  public let inputs: Int
  public let type: ComputeType
  private let library: MatrixLibrary
  private let panels: [WeightPanel]

  /// Prepares weights that the closure writes, row after row: a row holds the weights of one output.
  ///
  /// With `bfloat16` each weight is rounded to the nearest bfloat16.
  public convenience init(
    outputs: Int, inputs: Int, type: ComputeType = .float32,
    fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    try self.init(
      outputs: outputs, inputs: inputs, type: type,
      library: ProductChoices.library(for: type, outputs: outputs, inputs: inputs), fill: fill)
  }

  /// Prepares weights for a certain library, for comparisons; where it cannot serve them, for OpenBLAS.
  public convenience init(
    outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary,
    fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    precondition(outputs >= 0 && inputs >= 0, "weights of \(outputs)×\(inputs)")
    let values = FloatStorage(count: outputs * inputs)
    try fill(values.buffer)
    self.init(outputs: outputs, inputs: inputs, type: type, library: library) { rows, target in
      target.update(from: values.base + rows.lowerBound * inputs, count: rows.count * inputs)
    }
  }

  /// Prepares weights that the closure writes in pieces: the rows asked for, from the pointer on. It is called from
  /// several threads at once; of several errors the first piece's is thrown.
  ///
  /// Memory: the prepared weights, and on each thread what `passingBytes` says of a panel.
  /// - Parameter memory: Lends memory for the pieces as they are read; nil: the system's.
  public init<E: Error>(
    outputs: Int, inputs: Int, type: ComputeType, library: MatrixLibrary? = nil, memory: PanelMemory? = nil,
    rows fill: (Range<Int>, UnsafeMutablePointer<Float>) throws(E) -> Void
  ) throws(E) {
    precondition(outputs >= 0 && inputs >= 0, "weights of \(outputs)×\(inputs)")
    self.outputs = outputs
    self.inputs = inputs
    self.type = type
    let library = library ?? ProductChoices.library(for: type, outputs: outputs, inputs: inputs)
    self.library = library
    let cuts = WeightPanel.cuts(outputs: outputs, inputs: inputs, type: type, library: library)
    panels = try Self.panels(cuts[...], outputs, inputs, type, library, memory: memory, isPassing: false, fill)
  }

  private static func panels<E: Error>(
    _ cuts: ArraySlice<Range<Int>>, _ outputs: Int, _ inputs: Int, _ type: ComputeType, _ library: MatrixLibrary,
    memory: PanelMemory?, isPassing: Bool, _ fill: (Range<Int>, UnsafeMutablePointer<Float>) throws(E) -> Void
  ) throws(E) -> [WeightPanel] {
    let prepare = { (index: Int) throws(E) in
      try WeightPanel(
        cuts[cuts.startIndex + index], of: outputs, inputs: inputs, type: type, library: library, memory: memory,
        isPassing: isPassing, fill: fill)
    }
    if WeightPanel.hasBlocks(outputs: outputs, inputs: inputs, type: type, library: library) {
      return try (0..<cuts.count).map(prepare)
    }
    return try Threads.map(cuts.count, prepare)
  }

  /// The memory that the weights take.
  public var byteCount: Int { panels.reduce(0) { $0 + $1.byteCount } }

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
    PanelProduct.with(
      outputs: outputs, inputs: inputs, type: type, library: library, input, rows: rows, bias: bias, into: output
    ) { $0.multiply(panels) }
  }
}

// MARK: - Weights that are not kept

extension PreparedWeights {
  /// As `multiply` of weights prepared for it alone, bit for bit: a few panels at a time are prepared, multiplied with and
  /// given up.
  ///
  /// Memory: `passingBytes(outputs:inputs:type:)`, taken from `memory` and given back there.
  /// - Parameter fill: As of `init(outputs:inputs:type:library:rows:)`.
  public static func multiply<E: Error>(
    outputs: Int, inputs: Int, type: ComputeType, memory: PanelMemory, _ input: UnsafePointer<Float>, rows: Int,
    bias: UnsafePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>,
    fill: (Range<Int>, UnsafeMutablePointer<Float>) throws(E) -> Void
  ) throws(E) {
    guard rows > 0 && outputs > 0 else { return }
    let library = ProductChoices.library(for: type, outputs: outputs, inputs: inputs)
    let cuts = WeightPanel.cuts(outputs: outputs, inputs: inputs, type: type, library: library)
    try PanelProduct.with(
      outputs: outputs, inputs: inputs, type: type, library: library, input, rows: rows, bias: bias, into: output
    ) { (product) throws(E) in
      for group in groups(of: cuts, outputs, inputs, type, library) {
        product.multiply(try panels(cuts[group], outputs, inputs, type, library, memory: memory, isPassing: true, fill))
      }
    }
  }

  /// As many panels at once as there are threads; one where all threads fill it.
  private static func groups(
    of cuts: [Range<Int>], _ outputs: Int, _ inputs: Int, _ type: ComputeType, _ library: MatrixLibrary
  ) -> [Range<Int>] {
    let hasBlocks = WeightPanel.hasBlocks(outputs: outputs, inputs: inputs, type: type, library: library)
    let step = hasBlocks ? 1 : Threads.count
    return stride(from: 0, to: cuts.count, by: step).map { $0..<min($0 + step, cuts.count) }
  }

  /// The memory that a product takes whose weights are not kept: its panels of one moment, as they are read and as they
  /// are multiplied.
  public static func passingBytes(outputs: Int, inputs: Int, type: ComputeType) -> Int {
    let library = ProductChoices.library(for: type, outputs: outputs, inputs: inputs)
    let hasBlocks = WeightPanel.hasBlocks(outputs: outputs, inputs: inputs, type: type, library: library)
    let cuts = WeightPanel.cuts(outputs: outputs, inputs: inputs, type: type, library: library)
    return groups(of: cuts, outputs, inputs, type, library).map { group in
      cuts[group].reduce(0) {
        $0
          + WeightPanel.fillingBytes(
            $1.count, inputs: inputs, type: type, library: library, hasBlocks: hasBlocks)
      }
    }.max() ?? 0
  }

  /// The memory that weights will take once prepared; may be a little above the truth.
  public static func expectedBytes(outputs: Int, inputs: Int, type: ComputeType) -> Int {
    let library = ProductChoices.library(for: type, outputs: outputs, inputs: inputs)
    return WeightPanel.cuts(outputs: outputs, inputs: inputs, type: type, library: library)
      .reduce(0) { $0 + preparedBytes($1.count, inputs, type, library) }
  }

  static func preparedBytes(_ outputs: Int, _ inputs: Int, _ type: ComputeType, _ library: MatrixLibrary) -> Int {
    guard library.isOneDNN else { return 4 * outputs * inputs }
    // Filled up to whole blocks.
    return (type == .float32 || library.rounds(type) ? 4 : 2) * ((outputs + 63) / 64 * 64) * ((inputs + 63) / 64 * 64)
  }
}
