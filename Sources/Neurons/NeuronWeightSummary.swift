import LinearAlgebra

/// What a neuron's weights say about it, without any text.
public struct NeuronWeightSummary: Codable, Sendable, Equatable {
  /// A token and how much a unit of the neuron's activation raises its logit, before the final norm's scaling.
  public struct TokenEffect: Codable, Sendable, Equatable {
    public var id: Int32
    public var text: String
    public var effect: Float
  }

  /// ‖w_in‖, of the gate where the MLP is gated. A large norm with a negative bias marks a neuron that fires for a
  /// combination of features (Gurnee et al., arXiv 2305.01610).
  public var inputNorm: Double
  public var inputBias: Double?
  /// ‖w_out‖.
  public var outputNorm: Double
  /// The cosine of what the neuron reads and what it writes: near 1 it strengthens what it saw, near −1 it removes it.
  public var inputOutputCosine: Double
  /// The tokens whose logits it raises most, first the strongest.
  public var promoted: [TokenEffect]
  /// The tokens whose logits it lowers most.
  public var suppressed: [TokenEffect]
  /// Skewness and kurtosis of its effects over the vocabulary; a kurtosis above 10 marks a prediction neuron.
  public var vocabularySkewness: Double
  public var vocabularyKurtosis: Double

  /// Reads off what a neuron's weights do.
  ///
  /// The effect on a token is W_U · (γ ⊙ w_out) minus its mean over the vocabulary: the final norm's weight γ is folded
  /// into the unembedding, the centring of a layer norm too (w_out less its mean), its scaling left out, and a shift of
  /// all logits alike says nothing.
  ///
  /// - Parameters:
  ///   - input: w_in [d_model].
  ///   - output: w_out [d_model].
  ///   - unembedding: W_U [vocabulary, d_model].
  ///   - normWeight: γ [d_model]; nil where there is no final norm.
  ///   - centred: whether the final norm subtracts the mean (layer norm) or not (RMS norm).
  ///   - piece: a token's text.
  /// - Complexity: O(vocabulary · d_model).
  public init(
    input: [Float], inputBias: Float?, output: [Float], unembedding: Matrix, normWeight: [Float]?, centred: Bool,
    count: Int = 10, piece: (Int32) -> String
  ) {
    precondition(input.count == output.count, "w_in of \(input.count), w_out of \(output.count)")
    precondition(unembedding.columns == output.count, "W_U of \(unembedding.columns) columns for \(output.count)")
    var direction = output
    if centred {
      let mean = direction.reduce(0, +) / Float(max(direction.count, 1))
      for index in direction.indices { direction[index] -= mean }
    }
    if let normWeight { for index in direction.indices { direction[index] *= normWeight[index] } }
    var effects = [Float](repeating: 0, count: unembedding.rows)
    let columns = unembedding.columns
    unembedding.elements.withUnsafeBufferPointer { rows in
      direction.withUnsafeBufferPointer { direction in
        guard let rows = rows.baseAddress, let direction = direction.baseAddress else { return }
        for token in effects.indices {
          effects[token] = Kernels.dot(rows + token * columns, direction, count: columns)
        }
      }
    }
    let moments = Self.moments(effects)
    for token in effects.indices { effects[token] -= Float(moments.mean) }
    func list(_ values: [Float], sign: Float) -> [TokenEffect] {
      topK(min(count, values.count), of: values).map {
        TokenEffect(id: Int32($0.index), text: piece(Int32($0.index)), effect: sign * $0.value)
      }
    }
    promoted = list(effects, sign: 1)
    suppressed = list(effects.map { -$0 }, sign: -1)
    vocabularySkewness = moments.skewness
    vocabularyKurtosis = moments.kurtosis
    let inputSquares = input.reduce(0.0) { $0 + Double($1) * Double($1) }
    let outputSquares = output.reduce(0.0) { $0 + Double($1) * Double($1) }
    inputNorm = inputSquares.squareRoot()
    outputNorm = outputSquares.squareRoot()
    self.inputBias = inputBias.map { Double($0) }
    let product = zip(input, output).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let norms = (inputSquares * outputSquares).squareRoot()
    inputOutputCosine = norms > 0 ? product / norms : 0
  }

  private static func moments(_ values: [Float]) -> (mean: Double, skewness: Double, kurtosis: Double) {
    let count = Double(max(values.count, 1))
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    var (square, cube, fourth) = (0.0, 0.0, 0.0)
    for value in values {
      let d = Double(value) - mean
      square += d * d
      cube += d * d * d
      fourth += d * d * d * d
    }
    let variance = square / count
    guard variance > 0 else { return (mean, 0, 0) }
    return (mean, cube / count / (variance * variance.squareRoot()), fourth / count / (variance * variance))
  }
}
