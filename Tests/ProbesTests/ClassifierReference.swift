import Foundation
import LinearAlgebra
import Probes

/// What scikit-learn said of the other classifiers, written by Scripts/references/classifiers.py.
struct ClassifierReference: Decodable {
  struct Linear: Decodable {
    var coefficients: [Double]
    var intercepts: [Double]
    var testScores: [Double]
    var l1Ratio: Double?
    var strength: Double?
    var objective: Double?
  }

  struct Components: Decodable {
    var directions: [Double]
    var variances: [Double]
  }

  struct Case: Decodable {
    var name: String
    var rows: Int
    var columns: Int
    var classes: Int
    var trained: Int
    var labels: [Int32]
    var penalties: [Linear]
    var balanced: Linear
    var svm: Linear
    var lda: Linear
    /// Without the constant column 1.
    var f: [Double]
    var mutualInformation: [Double]
    var components: Components
    /// The first 12 rows.
    var erased: [Double]

    var trainingLabels: [Int32] { Array(labels[..<trained]) }
    func examples() throws -> Matrix { try ClassifierReference.matrix(name, rows: rows, columns: columns) }
  }

  struct Ridge: Decodable {
    var penalty: Double
    var coefficients: [Double]
    var predictions: [Double]
    var r2: Double
    var mae: Double
    var rmse: Double
    var spearman: Double
  }

  struct Regression: Decodable {
    var rows: Int
    var columns: Int
    var trained: Int
    var values: [Double]
    var fits: [Ridge]
  }

  struct Metric: Decodable {
    var classes: Int
    var labels: [Int32]
    var raw: [Float]
    var prAUC: Double
    var calibrationError: Double
  }

  struct Ranks: Decodable {
    var a: [Double]
    var b: [Double]
    var spearman: Double
  }

  var cases: [Case]
  var regression: Regression
  /// More columns than rows.
  var wideRegression: Regression
  var metrics: [Metric]
  var ranks: Ranks

  static func read() throws -> ClassifierReference {
    try JSONDecoder().decode(
      ClassifierReference.self,
      from: Data(contentsOf: Reference.fixtures.appending(path: "classifiers.json")))
  }

  static func matrix(_ name: String, rows: Int, columns: Int) throws -> Matrix {
    let bytes = try Data(contentsOf: Reference.fixtures.appending(path: "classifiers-\(name).f32"))
    return Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { index in
        bytes.withUnsafeBytes {
          Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
        }
      })
  }
}
