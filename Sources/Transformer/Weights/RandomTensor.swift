import Checkpoints
import LinearAlgebra

/// Random numbers in the place of a tensor: normal, with the tensor's own mean and variance.
///
/// A row's numbers follow from the seed, the tensor's name and the row alone, so that tied weights stay tied and rows
/// can be read one by one.
struct RandomTensor: Sendable {
  let seed: UInt64
  let name: String
  let mean: Double
  let deviation: Double

  /// Reads the entry once for its mean and variance.
  init(_ entry: StoredWeight, seed: UInt64) throws {
    self.seed = seed
    name = entry.tensor.name
    let values = try entry.floats()
    let count = Double(max(values.count, 1))
    var (sum, squares) = (0.0, 0.0)
    for value in values {
      sum += Double(value)
      squares += Double(value) * Double(value)
    }
    mean = sum / count
    deviation = max(squares / count - mean * mean, 0).squareRoot()
  }

  func fill(row: Int, _ target: UnsafeMutablePointer<Float>, count: Int) {
    var generator = SeededGenerator(seed: seed &+ UInt64(row) &* 0x9e37_79b9_7f4a_7c15, stream: name)
    for index in 0..<count { target[index] = Float(mean + deviation * generator.normal()) }
  }
}
