import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

extension WeightTable.Entry {
  /// The number of elements that belong to the weight.
  var count: Int { outputs.count * (inputs ?? 1) }

  /// Writes the weight as float32, [outputs, inputs] row-major, whichever way it is stored.
  /// - Throws: `Fault` named `transformer.nonfiniteWeights`.
  func read(into target: UnsafeMutableBufferPointer<Float>) throws {
    precondition(target.count == count, "\(target.count) places for \(count) weights of \(tensor.name)")
    guard let base = target.baseAddress, !target.isEmpty else { return }
    if let random {
      let rowLength = inputs ?? 1
      Threads.forRanges(0..<outputs.count, grain: max(1, (1 << 14) / rowLength)) { rows in
        for row in rows { random.fill(row: outputs.lowerBound + row, base + row * rowLength, count: rowLength) }
      }
      return
    }
    if let inputs, transposed {
      let whole = tensor.shape[1]
      let stored = UnsafeMutablePointer<Float>.allocate(capacity: count)
      defer { stored.deallocate() }
      if outputs.count == whole {
        tensor.convert(0..<count, into: stored)
      } else {
        let width = outputs.count
        Threads.forRanges(0..<inputs, grain: 64) { rows in
          for row in rows {
            let first = row * whole + outputs.lowerBound
            tensor.convert(first..<first + width, into: stored + row * width)
          }
        }
      }
      Kernels.transpose(stored, rows: inputs, columns: outputs.count, into: base)
    } else {
      let rowLength = inputs ?? 1
      tensor.convert(outputs.lowerBound * rowLength..<outputs.upperBound * rowLength, into: base)
    }
    try tensor.refuseNonfinite(UnsafeBufferPointer(target))
  }

  /// The weight as float32, [outputs, inputs] row-major.
  func floats() throws -> [Float] {
    try Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
      initialized = count
    }
  }

  /// Writes one row (one output's weights) of a weight that is not transposed, unchecked for NaN.
  func readRow(_ row: Int, into target: UnsafeMutablePointer<Float>) {
    let length = inputs ?? 1
    if let random { return random.fill(row: outputs.lowerBound + row, target, count: length) }
    let first = (outputs.lowerBound + row) * length
    tensor.convert(first..<first + length, into: target)
  }
}

extension TensorView {
  /// Converts some of the elements to float32.
  /// - Precondition: The elements are F64, F32, F16 or BF16.
  func convert(_ elements: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    withUnsafeBytes { bytes in
      let bytes = UnsafeRawBufferPointer(
        rebasing: bytes[elements.lowerBound * type.size..<elements.upperBound * type.size])
      guard let start = bytes.baseAddress, !elements.isEmpty else { return }
      if Int(bitPattern: start).isMultiple(of: type.size) {
        convert(aligned: start, count: elements.count, into: target)
      } else {
        // A header of odd length shifts everything behind it: such files are legal, and rare.
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyMemory(from: start, byteCount: bytes.count)
        convert(aligned: UnsafeRawPointer(copy), count: elements.count, into: target)
      }
    }
  }

  private func convert(aligned start: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>) {
    switch type {
    case .float32:
      let source = start.assumingMemoryBound(to: Float.self)
      Threads.forRanges(0..<count, grain: 1 << 18) {
        (target + $0.lowerBound).update(from: source + $0.lowerBound, count: $0.count)
      }
    case .float16: Kernels.fromFloat16(start.assumingMemoryBound(to: UInt16.self), into: target, count: count)
    case .bfloat16: Kernels.fromBFloat16(start.assumingMemoryBound(to: UInt16.self), into: target, count: count)
    case .float64: Kernels.fromDouble(start.assumingMemoryBound(to: Double.self), into: target, count: count)
    default: preconditionFailure("weights of type \(type.rawValue)")
    }
  }

  /// - Throws: `Fault` named `transformer.nonfiniteWeights` with the tensor and the numbers of NaN and infinities.
  func refuseNonfinite(_ values: UnsafeBufferPointer<Float>) throws {
    guard let start = values.baseAddress, Kernels.countNonfinite(start, count: values.count) > 0 else { return }
    let notNumbers = values.lazy.filter(\.isNaN).count
    let infinite = values.lazy.filter(\.isInfinite).count
    throw Fault(
      .badData, "transformer.nonfiniteWeights", "A tensor holds values that are not finite numbers",
      file: file.url.path, place: "tensor \(name)", expected: "finite numbers",
      found: "\(notNumbers) NaN and \(infinite) infinite of \(values.count)",
      advice: "download the model again; if the values are the same, it was saved broken")
  }
}
