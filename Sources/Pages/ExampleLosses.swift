import Activations
import Architectures
import Neurons
import Transformer

extension NeuronCard {
  /// Adds to each example's tokens what the model loses on them, given the document before.
  ///
  /// - Parameter most: Examples that are looked at, the strongest first.
  /// - Throws: What reading tokens and running the model throw.
  /// - Complexity: a run over the documents of the examples.
  public mutating func addLosses(_ source: some ActivationSource, model: Model, most: Int = 60) throws {
    guard source.rowKind == .token, model.architecture.head.kind == .nextToken else { return }
    var losses = ExampleLosses(source: source, model: model, left: most)
    try losses.add(to: &examples.top)
    try losses.add(to: &examples.bottom)
    for index in meanings.indices { try losses.add(to: &meanings[index].examples) }
    for index in quantiles.indices { try losses.add(to: &quantiles[index].examples) }
  }
}

/// What a model loses on the tokens of examples; a document is run once.
private struct ExampleLosses<Source: ActivationSource> {
  let source: Source
  let model: Model
  /// Documents that may still be run.
  var left: Int
  private var known: [Int: [Double?]] = [:]

  init(source: Source, model: Model, left: Int) { (self.source, self.model, self.left) = (source, model, left) }

  mutating func add(to examples: inout [NeuronExample]) throws {
    for index in examples.indices {
      guard let first = examples[index].firstPosition, examples[index].marked >= 0 else { continue }
      let example = examples[index]
      let start = example.row - example.marked - first
      let end = start + first + example.tokens.count
      var losses = known[start]
      if losses.map({ $0.count < end - start }) ?? true {
        guard left > 0 else { continue }
        left -= 1
        losses = try model.tokenLosses(TokenBatch(documents: [source.tokens(in: start..<end).ids]))
        known[start] = losses
      }
      for place in example.tokens.indices { examples[index].tokens[place].loss = losses?[first + place] }
    }
  }
}
