import Foundation
import LinearAlgebra
import Testing

/// Random normal numbers from a seed.
func normals(_ count: Int, seed: UInt64 = 1, scale: Double = 1) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in Float(generator.normal() * scale) }
}

/// The largest distance between two arrays over the largest value of the second: the error relative to the whole.
func relativeError(_ found: [Float], _ expected: [Double]) -> Double {
  let largest = expected.map(abs).max() ?? 0
  return zip(found, expected).map { abs(Double($0) - $1) }.max().map { $0 / max(largest, 1e-300) } ?? 0
}
