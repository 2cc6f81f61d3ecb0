import Foundation
import LinearAlgebra
import Probes
import Testing

/// What scikit-learn said, written by Scripts/references/probes.py.
struct Reference: Decodable {
  struct Case: Decodable {
    var name: String
    var rows: Int
    var columns: Int
    var classes: Int
    var trained: Int
    var labels: [Int32]
    var fits: [Fit]
    var massMeanPredictions: [Int32]

    /// The examples, a row each.
    func examples() throws -> Matrix {
      let bytes = try Data(contentsOf: Reference.fixtures.appending(path: "probes-\(name).f32"))
      let values = (0..<rows * columns).map { index in
        bytes.withUnsafeBytes {
          Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
        }
      }
      return Matrix(rows: rows, columns: columns, elements: values)
    }
  }

  struct Fit: Decodable {
    var strength: Double
    var coefficients: [Double]
    var intercepts: [Double]
    var testScores: [Double]
    var scores: Scores
  }

  struct Metric: Decodable {
    var classes: Int
    var labels: [Int32]
    var raw: [Float]
    var scores: Scores
  }

  var cases: [Case]
  var metrics: [Metric]

  static let fixtures = Bundle.module.resourceURL?.appending(path: "Fixtures") ?? URL(filePath: "Fixtures")

  static func read() throws -> Reference {
    try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: fixtures.appending(path: "probes.json")))
  }
}
