import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// A weight where it lies in a checkpoint.
struct StoredWeight: Sendable {
  /// One; several where each head has a tensor of its own, or keys lie beside values.
  var tensors: [TensorView]
  /// The first element of the part of the tensor that `rows` speaks of.
  var base: Int
  /// Which of that part's rows are the weight's.
  var rows: RowRuns
  /// The rows of that part.
  var storedRows: Int
  /// [outputs, inputs], or [outputs] of a vector.
  var inputs: Int?
  /// Whether the part is stored as [inputs, rows].
  var isTransposed: Bool
  /// The width of heads whose rows lie as neighbouring pairs and are read as halves.
  var neighboursInHeads: Int?
  /// The rows of each head that the first of two tensors holds, as [heads, inputs, rows]; the second holds the others, as
  /// [heads, rows, inputs].
  var turnedKeys: Int?
  /// Set where random numbers stand in for the tensor's own.
  var random: RandomTensor?

  var tensor: TensorView { tensors[0] }
  var outputs: Int { rows.count }
  /// The number of elements that belong to the weight.
  var count: Int { outputs * (inputs ?? 1) }

  /// Writes the weight as float32, [outputs, inputs] row-major, whichever way it is stored.
  /// - Throws: `Fault` named `transformer.nonfiniteWeights`.
  func read(into target: UnsafeMutableBufferPointer<Float>) throws {
    precondition(target.count == count, "\(target.count) places for \(count) weights of \(tensor.name)")
    guard let start = target.baseAddress, !target.isEmpty else { return }
    if let random {
      let length = inputs ?? 1
      Threads.forRanges(0..<outputs, grain: max(1, (1 << 14) / length)) { some in
        for row in some { random.fill(row: rows.stored(row), start + row * length, count: length) }
      }
      return
    }
    if let inputs, let turnedKeys {
      readBeside(keys: turnedKeys, inputs: inputs, into: start)
    } else if let inputs, isTransposed {
      readTransposed(inputs: inputs, into: start)
    } else if tensors.count > 1 {
      let length = count / tensors.count
      for (number, tensor) in tensors.enumerated() { tensor.convert(0..<length, into: start + number * length) }
    } else {
      readRows(into: start)
    }
    try tensor.refuseNonfinite(UnsafeBufferPointer(target))
  }

  /// Each head's keys, turned back, and behind them its values.
  private func readBeside(keys: Int, inputs: Int, into start: UnsafeMutablePointer<Float>) {
    let heads = tensors[0].shape[0]
    let (keyCount, valueCount) = (keys * inputs, tensors[1].count / heads)
    let turned = UnsafeMutablePointer<Float>.allocate(capacity: keyCount)
    defer { turned.deallocate() }
    for head in 0..<heads {
      let target = start + head * (keyCount + valueCount)
      tensors[0].convert(head * keyCount..<(head + 1) * keyCount, into: turned)
      Kernels.transpose(turned, rows: inputs, columns: keys, into: target)
      tensors[1].convert(head * valueCount..<(head + 1) * valueCount, into: target + keyCount)
    }
  }

  private func readRows(into start: UnsafeMutablePointer<Float>) {
    let length = inputs ?? 1
    if neighboursInHeads == nil && rows.runs == 1 {
      let first = base + rows.first * length
      return tensor.convert(first..<first + count, into: start)
    }
    // Each run of rows that lie together.
    let runs = neighboursInHeads == nil ? rows.runs : outputs
    let run = outputs / runs
    Threads.forRanges(0..<runs, grain: max(1, (1 << 14) / (run * length))) { some in
      for number in some {
        let first = base + rows.stored(source(number * run)) * length
        tensor.read(first..<first + run * length, into: start + number * run * length)
      }
    }
  }

  /// The weight's row in the order of the file: rows of a head that lie as neighbouring pairs are put into halves.
  private func source(_ row: Int) -> Int {
    guard let width = neighboursInHeads else { return row }
    let (head, place) = (row / width, row % width)
    return head * width + 2 * (place % (width / 2)) + place / (width / 2)
  }

  private func readTransposed(inputs: Int, into start: UnsafeMutablePointer<Float>) {
    let stored = UnsafeMutablePointer<Float>.allocate(capacity: count)
    defer { stored.deallocate() }
    let outputs = outputs
    if outputs == storedRows {
      tensor.convert(base..<base + count, into: stored)
    } else if rows.runs == 1 {
      Threads.forRanges(0..<inputs, grain: 64) { some in
        for row in some {
          let first = base + row * storedRows + rows.first
          tensor.read(first..<first + outputs, into: stored + row * outputs)
        }
      }
    } else {
      Threads.forRanges(0..<inputs, grain: 16) { some in
        let whole = UnsafeMutablePointer<Float>.allocate(capacity: storedRows)
        defer { whole.deallocate() }
        for row in some {
          let first = base + row * storedRows
          tensor.read(first..<first + storedRows, into: whole)
          for output in 0..<outputs { stored[row * outputs + output] = whole[rows.stored(output)] }
        }
      }
    }
    Kernels.transpose(stored, rows: inputs, columns: outputs, into: start)
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
    if let random { return random.fill(row: rows.stored(row), target, count: length) }
    let first = base + rows.stored(row) * length
    tensor.read(first..<first + length, into: target)
  }
}

extension TensorView {
  /// Converts some of the elements to float32, on all threads.
  func convert(_ elements: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    Threads.forRanges(0..<elements.count, grain: 1 << 18) {
      read(elements.lowerBound + $0.lowerBound..<elements.lowerBound + $0.upperBound, into: target + $0.lowerBound)
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
