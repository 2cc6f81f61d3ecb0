import LinearAlgebra

extension DictionaryTrainer {
  /// Lets the next step expect this share of active latents, for tests: which arithmetic it takes follows from that.
  package func expectDensity(_ share: Double) { density = share }

  /// Selects by the product in single precision, for comparisons.
  package func selectInSinglePrecision() { screened = nil }

  /// An array by its name, for tests: encoder, encoderBias, decoder, decoderBias, skip, threshold, magnitudeBias,
  /// magnitudeScale.
  package func values(of name: String) -> [Float]? { parameters.first { $0.name == name }?.values.array }

  /// The last step's gradient of an array, for tests; 0 where a latent had none.
  package func gradient(of name: String) -> [Float]? {
    guard let parameter = parameters.first(where: { $0.name == name }) else { return nil }
    var result = parameter.gradient.array
    guard parameter === encoder || parameter === decoder else { return result }
    for latent in touched.indices where !touched[latent] {
      let columns = parameter.columns
      result.replaceSubrange(latent * columns..<(latent + 1) * columns, with: repeatElement(0, count: columns))
    }
    return result
  }

  /// Sets an array, for tests.
  package func setValues(of name: String, _ values: [Float]) {
    guard let parameter = parameters.first(where: { $0.name == name }) else { return }
    precondition(values.count == parameter.values.count, "\(values.count) values for \(name)")
    _ = parameter.values.buffer.update(fromContentsOf: values)
  }

  /// Sets how many tokens have passed since each latent fired, for tests.
  package func setTokensSinceFiring(_ tokens: [Int64]) { sinceFired = tokens }
}
