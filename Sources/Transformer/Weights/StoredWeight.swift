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

  /// Writes the weight as float32, [outputs, inputs] row-major.
  /// - Throws: `Fault` named `transformer.nonfiniteWeights`.
  func read(into target: UnsafeMutableBufferPointer<Float>) throws {
    precondition(target.count == count, "\(target.count) places for \(count) weights of \(tensor.name)")
    if let start = target.baseAddress { try read(0..<outputs, into: start) }
  }

  /// Writes some of the weight's rows as float32, [rows, inputs] row-major, whichever way it is stored.
  /// - Throws: `Fault` named `transformer.nonfiniteWeights`.
  func read(_ some: Range<Int>, into start: UnsafeMutablePointer<Float>) throws {
    precondition(some.lowerBound >= 0 && some.upperBound <= outputs, "rows \(some) of \(outputs) of \(tensor.name)")
    guard !some.isEmpty else { return }
    if let random {
      let length = inputs ?? 1
      Threads.forRanges(some, grain: max(1, (1 << 14) / length)) { part in
        for row in part {
          random.fill(row: rows.stored(row), start + (row - some.lowerBound) * length, count: length)
        }
      }
      return
    }
    readUnchecked(some, into: start)
    let count = some.count * (inputs ?? 1)
    if Kernels.countNonfinite(start, count: count) > 0 { throw nonfinite() }
  }

  private func readUnchecked(_ some: Range<Int>, into start: UnsafeMutablePointer<Float>) {
    if let inputs, let turnedKeys { return readBeside(some, keys: turnedKeys, inputs: inputs, into: start) }
    if let inputs, isTransposed { return readTransposed(some, inputs: inputs, into: start) }
    let length = inputs ?? 1
    let share = outputs / tensors.count
    if tensors.count > 1 || neighboursInHeads == nil && rows.runs == 1 {
      for number in some.lowerBound / share...(some.upperBound - 1) / share {
        let part = some.clamped(to: number * share..<(number + 1) * share)
        let first =
          tensors.count == 1 ? base + (rows.first + part.lowerBound) * length : part.lowerBound % share * length
        tensors[number].convert(
          first..<first + part.count * length, into: start + (part.lowerBound - some.lowerBound) * length)
      }
      return
    }
    // Each run of rows that lie together.
    let run = neighboursInHeads == nil ? rows.length : 1
    let runs = some.lowerBound / run..<(some.upperBound - 1) / run + 1
    Threads.forRanges(runs, grain: max(1, (1 << 14) / (run * length))) { numbers in
      for number in numbers {
        let part = some.clamped(to: number * run..<(number + 1) * run)
        let first = base + rows.stored(source(part.lowerBound)) * length
        tensor.read(
          first..<first + part.count * length, into: start + (part.lowerBound - some.lowerBound) * length)
      }
    }
  }

  /// Each head's keys, turned back, and behind them its values.
  private func readBeside(_ some: Range<Int>, keys: Int, inputs: Int, into start: UnsafeMutablePointer<Float>) {
    let heads = tensors[0].shape[0]
    let (keyCount, valueCount) = (keys * inputs, tensors[1].count / heads)
    let whole = outputs / heads
    let turned = UnsafeMutablePointer<Float>.allocate(capacity: 2 * keyCount + valueCount)
    defer { turned.deallocate() }
    let lines = turned + keyCount  // [keys and values of one head, inputs]
    for head in some.lowerBound / whole...(some.upperBound - 1) / whole {
      tensors[0].convert(head * keyCount..<(head + 1) * keyCount, into: turned)
      Kernels.transpose(turned, rows: inputs, columns: keys, into: lines)
      tensors[1].convert(head * valueCount..<(head + 1) * valueCount, into: lines + keyCount)
      let part = some.clamped(to: head * whole..<(head + 1) * whole)
      (start + (part.lowerBound - some.lowerBound) * inputs).update(
        from: lines + (part.lowerBound - head * whole) * inputs, count: part.count * inputs)
    }
  }

  /// The weight's row in the order of the file: rows of a head that lie as neighbouring pairs are put into halves.
  private func source(_ row: Int) -> Int {
    guard let width = neighboursInHeads else { return row }
    let (head, place) = (row / width, row % width)
    return head * width + 2 * (place % (width / 2)) + place / (width / 2)
  }

  /// Reads stripes of outputs, each from every row of the tensor, and turns them.
  private func readTransposed(_ some: Range<Int>, inputs: Int, into start: UnsafeMutablePointer<Float>) {
    let stripe = 256
    Threads.forEach((some.count + stripe - 1) / stripe) { number in
      let first = some.lowerBound + number * stripe
      let part = first..<min(first + stripe, some.upperBound)
      let stored = rows.stored(part.lowerBound)..<rows.stored(part.upperBound - 1) + 1
      let turned = UnsafeMutablePointer<Float>.allocate(capacity: inputs * part.count)
      let line = UnsafeMutablePointer<Float>.allocate(capacity: stored.count)
      defer {
        turned.deallocate()
        line.deallocate()
      }
      for input in 0..<inputs {
        let place = base + input * storedRows
        let target = turned + input * part.count
        if stored.count == part.count {
          tensor.read(place + stored.lowerBound..<place + stored.upperBound, into: target)
        } else {
          tensor.read(place + stored.lowerBound..<place + stored.upperBound, into: line)
          for (index, row) in part.enumerated() { target[index] = line[rows.stored(row) - stored.lowerBound] }
        }
      }
      Kernels.transpose(
        turned, rows: inputs, columns: part.count, into: start + (part.lowerBound - some.lowerBound) * inputs)
    }
  }

  /// Which bytes of the weight's file must be read for some of its rows: those in between where they lie apart, all of
  /// them where it is transposed. Several where each head has a tensor of its own.
  func extents(of some: Range<Int>? = nil) -> [WeightExtent] {
    if random != nil { return [] }
    if tensors.count > 1 { return tensors.map { WeightExtent(file: $0.file, bytes: $0.range) } }
    let length = inputs ?? 1
    var elements = base..<base + storedRows * length
    if !isTransposed {
      let some = neighboursInHeads == nil ? some ?? 0..<outputs : 0..<outputs
      guard !some.isEmpty else { return [] }
      elements = base + rows.stored(some.lowerBound) * length..<base + (rows.stored(some.upperBound - 1) + 1) * length
    }
    // Elements of any type lie evenly in their tensor.
    let (bytes, count) = (tensor.range.count, max(tensor.count, 1))
    func place(_ element: Int) -> Int {
      min(bytes, Int((Double(element) / Double(count) * Double(bytes)).rounded(.up)))
    }
    let end = elements.upperBound == count ? bytes : place(elements.upperBound)
    let first = elements.lowerBound == 0 ? 0 : max(0, place(elements.lowerBound) - 1)
    let start = tensor.range.lowerBound
    return [WeightExtent(file: tensor.file, bytes: start + min(first, end)..<start + end)]
  }

  /// The weight as float32, [outputs, inputs] row-major.
  func floats() throws -> [Float] {
    try Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      if let start = buffer.baseAddress { try read(0..<outputs, into: start) }
      initialized = count
    }
  }

  /// The fault that names the weight's tensor; reads all of it to count.
  private func nonfinite() -> Fault {
    let length = inputs ?? 1
    let piece = max(1, (1 << 16) / length)
    var (notNumbers, infinite) = (0, 0)
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(piece, outputs) * length)
    defer { buffer.deallocate() }
    for first in stride(from: 0, to: outputs, by: piece) {
      guard let start = buffer.baseAddress else { break }
      let some = first..<min(first + piece, outputs)
      readUnchecked(some, into: start)
      for value in buffer[..<(some.count * length)] {
        notNumbers += value.isNaN ? 1 : 0
        infinite += value.isInfinite ? 1 : 0
      }
    }
    return tensor.nonfinite(notNumbers: notNumbers, infinite: infinite, of: count)
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

  /// The fault that says how many NaN and infinities there are.
  func nonfinite(notNumbers: Int, infinite: Int, of count: Int) -> Fault {
    Fault(
      .badData, "transformer.nonfiniteWeights", "A tensor holds values that are not finite numbers",
      file: file.url.path, place: "tensor \(name)", expected: "finite numbers",
      found: "\(notNumbers) NaN and \(infinite) infinite of \(count)",
      advice: "download the model again; if the values are the same, it was saved broken")
  }
}
