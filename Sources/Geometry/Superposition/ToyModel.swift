import LinearAlgebra

/// The toy model of superposition (Elhage et al. 2022, arXiv 2209.10652): n features go through m < n hidden dimensions
/// and come back, x̂ = ReLU(WᵀW·x + b).
///
/// A feature is 0 with probability S (its sparsity) and else uniform in 0 … 1. Trained on the loss Σ_i I_i·(x_i − x̂_i)²,
/// with I_i the feature's importance, the model keeps the m most important features apart while features are dense, and
/// puts more features than dimensions into superposition as they become sparse.
public struct ToyModel: Sendable, Equatable {
  /// [features, hidden]: row i is the direction W_i of feature i, a column of W in the paper.
  public var weights: Matrix
  /// b, one a feature.
  public var bias: [Float]

  public var features: Int { weights.rows }
  public var hidden: Int { weights.columns }

  public init(weights: Matrix, bias: [Float]) {
    precondition(bias.count == weights.rows, "\(bias.count) biases for \(weights.rows) features")
    self.weights = weights
    self.bias = bias
  }

  /// Σ_i I_i·(x_i − x̂_i)², averaged over the rows of `batch` [examples, features], and its derivatives.
  ///
  /// 6 · examples · features · hidden operations.
  public func lossAndGradient(
    _ batch: Matrix, importance: [Float]
  ) -> (loss: Double, weights: Matrix, bias: [Float]) {
    precondition(
      batch.columns == features && importance.count == features,
      "\(batch.columns) features and \(importance.count) importances for \(features)")
    let count = batch.rows
    let codes = batch.multiplied(by: weights)  // [examples, hidden]
    var output = codes.multiplied(by: weights, transposed: true)  // [examples, features], then its derivative
    var biasGradient = [Float](repeating: 0, count: features)
    var loss = 0.0
    let scale = 2 / Float(max(count, 1))
    output.withUnsafeMutableElements { output in
      for row in 0..<count {
        var own: Float = 0
        for feature in 0..<features {
          let place = row * features + feature
          let before = output[place] + bias[feature]
          let error = max(before, 0) - batch.elements[place]
          own += importance[feature] * error * error
          let derivative = before > 0 ? scale * importance[feature] * error : 0
          output[place] = derivative
          biasGradient[feature] += derivative
        }
        loss += Double(own)
      }
    }
    // W enters twice: where the hidden values are read, and where they are written.
    let pulledBack = output.multiplied(by: weights)  // [examples, hidden]
    var gradient = output.transposed().multiplied(by: codes)
    let written = batch.transposed().multiplied(by: pulledBack)
    for index in gradient.elements.indices { gradient.elements[index] += written.elements[index] }
    return (loss / Double(max(count, 1)), gradient, biasGradient)
  }

  /// What the directions share among each other.
  public var geometry: DirectionGeometry { DirectionGeometry(weights) }
}

/// How a set of directions, of any length, shares the dimensions it lies in.
public struct DirectionGeometry: Codable, Sendable, Equatable {
  /// ‖W_i‖ of each.
  public var norms: [Double]
  /// The share of a dimension that each feature has to itself, D_i = ‖W_i‖² / Σ_j (Ŵ_i·W_j)², the sum over all j, i too:
  /// 1 alone, ½ for one of an antipodal pair, 0 for a feature that is not represented (‖W_i‖ under a hundredth of the
  /// largest). Scherlis et al. (2022, arXiv 2210.01892) call the same number the feature's capacity.
  public var dimensionality: [Double]
  /// Σ_{j≠i} (Ŵ_i·W_j)²: how much of the other features is read along each.
  public var interference: [Double]
  /// ‖W‖²_F, about how many features are represented.
  public var frobenius: Double

  /// Σ D_i, the dimensions used up: at most the rank.
  public var capacity: Double { dimensionality.reduce(0, +) }

  /// - Parameter directions: A direction a row. n²·d operations in one product of [n, n].
  public init(_ directions: Matrix) {
    let products = directions.multiplied(by: directions, transposed: true)
    let count = directions.rows
    norms = (0..<count).map { Double(max(0, products[$0, $0])).squareRoot() }
    frobenius = norms.reduce(0) { $0 + $1 * $1 }
    let least = (norms.max() ?? 0) / 100
    (dimensionality, interference) = ([], [])
    for row in 0..<count {
      let squared = norms[row] * norms[row]
      guard norms[row] > least, squared > 0 else {
        dimensionality.append(0)
        interference.append(0)
        continue
      }
      var others = 0.0
      for other in 0..<count where other != row {
        others += Double(products[row, other]) * Double(products[row, other])
      }
      interference.append(others / squared)
      dimensionality.append(squared / (squared + others / squared))
    }
  }
}
