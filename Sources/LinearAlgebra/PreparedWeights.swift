import CKernels
import COpenBLAS

/// The weights of a linear layer, [outputs, inputs], in the layout of the library that multiplies with them.
public final class PreparedWeights: Sendable {
  public let outputs: Int
  public let inputs: Int
  public let type: ComputeType
  private let values: FloatStorage

  /// Prepares weights that the closure writes, row after row: a row holds the weights of one output.
  ///
  /// With `bfloat16` each weight is rounded to the nearest bfloat16.
  public init(
    outputs: Int, inputs: Int, type: ComputeType = .float32,
    fill: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    precondition(outputs >= 0 && inputs >= 0, "weights of \(outputs)×\(inputs)")
    self.outputs = outputs
    self.inputs = inputs
    self.type = type
    let values = FloatStorage(count: outputs * inputs)
    try fill(values.buffer)
    if type == .bfloat16 { Kernels.roundToBFloat16(values.base, into: values.base, count: values.count) }
    self.values = values
  }

  /// The memory that the weights take.
  public var byteCount: Int { values.count * MemoryLayout<Float>.size }

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
    _ = OpenBLAS.coreName
    if type == .bfloat16 {
      let rounded = FloatStorage(count: rows * inputs)
      Kernels.roundToBFloat16(input, into: rounded.base, count: rows * inputs)
      product(rounded.base, rows: rows, bias: bias, into: output)
    } else {
      product(input, rows: rows, bias: bias, into: output)
    }
  }

  private func product(
    _ input: UnsafePointer<Float>, rows: Int, bias: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>
  ) {
    let grid = ProductGrid(rows: rows, columns: outputs, inner: inputs)
    let weights = UnsafePointer(values.base)
    Threads.forEach(grid.count) { index in
      let (some, columns) = grid[index]
      let target = output + some.lowerBound * outputs + columns.lowerBound
      if let bias {
        unfold_fill_bias(bias + columns.lowerBound, target, some.count, columns.count, outputs)
      }
      if some.count == 1 {
        cblas_sgemv(
          CblasRowMajor, CblasNoTrans, blasint(columns.count), blasint(inputs), 1,
          weights + columns.lowerBound * inputs, blasint(max(inputs, 1)), input + some.lowerBound * inputs, 1,
          bias == nil ? 0 : 1, target, 1)
      } else {
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasTrans, blasint(some.count), blasint(columns.count), blasint(inputs), 1,
          input + some.lowerBound * inputs, blasint(max(inputs, 1)), weights + columns.lowerBound * inputs,
          blasint(max(inputs, 1)), bias == nil ? 0 : 1, target, blasint(outputs))
      }
    }
  }

  /// What multiplies in the given type: the library, its version and its kernels.
  static func library(for type: ComputeType) -> String {
    let name = "OpenBLAS \(OpenBLAS.version) \(OpenBLAS.coreName)"
    return type == .bfloat16 ? "\(name), bfloat16 by rounding" : name
  }
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
