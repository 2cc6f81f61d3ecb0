import Architectures
import LinearAlgebra
import Transformer

/// What a layer's weights say about its neurons, without any text.
enum WeightMeasures {
  /// Adds norms, biases, cosines and the moments of the effects on the vocabulary.
  ///
  /// - Complexity: O(neurons · d_model · vocabulary); 64 MiB for the effects.
  static func add(to neurons: inout [NeuronMeasures], model: Model, layer: Int, expert: Int? = nil) throws {
    guard layer < model.architecture.layers,
      neurons.count == model.architecture.neurons(layer: layer, expert: expert)
    else { return }
    let output = try model.neuronOutputWeights(layer: layer, expert: expert)
    let gate = try model.neuronGateWeights(layer: layer, expert: expert)
    let input = try gate ?? model.neuronInputWeights(layer: layer, expert: expert)
    let bias = gate == nil ? try model.neuronInputBias(layer: layer, expert: expert) : nil
    for column in neurons.indices {
      let (read, write) = (input.row(column), output.row(column))
      let inputNorm = read.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let outputNorm = write.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let product = zip(read, write).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      neurons[column][.inputNorm] = inputNorm
      neurons[column][.outputNorm] = outputNorm
      neurons[column][.inputOutputCosine] =
        inputNorm > 0 && outputNorm > 0 ? product / (inputNorm * outputNorm) : 0
      if let bias {
        neurons[column][.inputBias] = Double(bias[column])
        neurons[column][.inputDrive] = -Double(bias[column]) * inputNorm
      }
    }
    guard model.architecture.hasLogits else { return }
    let step = max(1, (16 << 20) / max(model.architecture.vocabularySize, 1))
    for start in stride(from: 0, to: neurons.count, by: step) {
      let rows = start..<min(start + step, neurons.count)
      let effects = try model.logitEffects(of: output.selectingRows(rows))
      neurons.withUnsafeMutableBufferPointer { neurons in
        nonisolated(unsafe) let neurons = neurons
        Threads.forEach(rows.count) { row in
          let moments = effects.withUnsafeRow(row) { ColumnMoments(of: $0) }
          neurons[start + row][.vocabularySkewness] = moments.skewness[0]
          neurons[start + row][.vocabularyKurtosis] = moments.kurtosis[0]
        }
      }
    }
  }
}
