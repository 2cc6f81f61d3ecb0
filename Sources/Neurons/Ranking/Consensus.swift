/// One figure made of several measures: how surely a neuron means several unrelated things.
enum Consensus {
  static func add(to neurons: inout [NeuronMeasures]) {
    for index in neurons.indices {
      guard let second = neurons[index][.secondMeaning] else { continue }
      let share = neurons[index][.lexicalShare] ?? 0
      neurons[index][.consensus] = second * (1 - share * share)
    }
  }
}
