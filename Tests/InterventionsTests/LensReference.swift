import Activations
import Foundation
import Transformer

/// What PyTorch, NumPy and TransformerLens say of tiny models, made by `Scripts/references/lens.py`.
struct LensReference: Decodable {
  struct Lens: Decodable {
    var logProbabilities: [[Double]]
    var entropy: [[Double]]
    var divergence: [[Double]]
  }

  struct Tuned: Decodable {
    var weights: [Float]
    var bias: [Float]
    var loss: Double
    var weightsGradient: [Float]
    var biasGradient: [Float]
  }

  struct Scores: Decodable {
    var previous: Double
    var duplicate: Double
    var induction: Double
    var first: Double
    var entropy: Double
    var detected: [Double]
  }

  struct Pair: Decodable {
    var from: String
    var to: String
    var value: Double
    var query: Double?
    var key: Double?
  }

  struct Weights: Decodable {
    var copying: [[Double]]
    var matching: [[Double]]?
    var composition: [Pair]
  }

  var ids: [Int32]
  var lens: Lens
  var tuned: [Tuned]
  var heads: [[Scores]]
  var weights: Weights

  static let names = ["gpt2", "llama", "gemma2"]

  static func read(_ name: String) throws -> LensReference {
    let file = Bundle.module.resourceURL!.appending(path: "Fixtures/lens.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([String: LensReference].self, from: Data(contentsOf: file))[name]!
  }

  /// The tiny models that the tests of `Transformer` read.
  static let models = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "TransformerTests/Fixtures")

  static func session(_ name: String) throws -> Session {
    Session(model: try Model.load(models.appending(path: name)), tokenizer: nil, name: name)
  }

  /// The model that ships.
  static let mini = models.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "models/unfold-mini")
}

/// The largest difference of two rows relative to the second's largest value.
func relativeError(_ values: [Float], _ reference: [Float]) -> Double {
  guard values.count == reference.count else { return .infinity }
  let largest = Double(reference.map(abs).max() ?? 0)
  let difference = zip(values, reference).map { Double(abs($0 - $1)) }.max() ?? 0
  return difference / max(largest, 1e-12)
}
