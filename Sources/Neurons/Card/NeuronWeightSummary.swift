import Diagnostics
import LinearAlgebra
import Transformer

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

  /// Sums up what a neuron's weights do.
  ///
  /// - Parameters:
  ///   - input: w_in [d_model]; of the gate where there is one.
  ///   - output: w_out [d_model].
  ///   - effects: what a unit of activation does to each logit [vocabulary]; their mean is taken off, since a shift of
  ///     all logits alike says nothing.
  ///   - piece: a token's text.
  public init(
    input: [Float], inputBias: Float?, output: [Float], effects: [Float], count: Int = 10, piece: (Int32) -> String
  ) {
    precondition(input.count == output.count, "w_in of \(input.count), w_out of \(output.count)")
    var effects = effects
    let moments = ColumnMoments(of: effects)
    for token in effects.indices { effects[token] -= Float(moments.mean[0]) }
    func list(_ values: [Float], sign: Float) -> [TokenEffect] {
      topK(min(count, values.count), of: values).map {
        TokenEffect(id: Int32($0.index), text: piece(Int32($0.index)), effect: sign * $0.value)
      }
    }
    promoted = list(effects, sign: 1)
    suppressed = list(effects.map { -$0 }, sign: -1)
    vocabularySkewness = moments.skewness[0]
    vocabularyKurtosis = moments.kurtosis[0]
    let inputSquares = input.reduce(0.0) { $0 + Double($1) * Double($1) }
    let outputSquares = output.reduce(0.0) { $0 + Double($1) * Double($1) }
    inputNorm = inputSquares.squareRoot()
    outputNorm = outputSquares.squareRoot()
    self.inputBias = inputBias.map { Double($0) }
    let product = zip(input, output).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let norms = (inputSquares * outputSquares).squareRoot()
    inputOutputCosine = norms > 0 ? product / norms : 0
  }

  /// Sums up a neuron of a model.
  ///
  /// Its effect on a token's logit is W_U · (γ ⊙ w_out): the final norm's weight γ is folded into the unembedding and,
  /// where the norm centres, so is the centring; the norm's scale, which depends on the text, is left out.
  ///
  /// - Throws: `neurons.noSuchNeuron`; `transformer.noLogits` where the model has no unembedding.
  /// - Complexity: reads a layer's MLP and the unembedding; O(vocabulary · d_model).
  public init(of neuron: NeuronReference, in model: Model, count: Int = 10, piece: (Int32) -> String) throws {
    let (layer, expert) = (try neuron.requireLayer(in: model), neuron.expert)
    let output = try model.neuronOutputWeights(layer: layer, expert: expert).row(neuron.index)
    let gate = try model.neuronGateWeights(layer: layer, expert: expert)
    let input = try gate ?? model.neuronInputWeights(layer: layer, expert: expert)
    let effects = try model.logitEffects(of: Matrix(rows: 1, columns: output.count, elements: output))
    self.init(
      input: input.row(neuron.index),
      inputBias: gate == nil ? try model.neuronInputBias(layer: layer, expert: expert)?[neuron.index] : nil,
      output: output,
      effects: effects.elements, count: count, piece: piece)
  }
}
