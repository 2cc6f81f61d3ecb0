import Activations
import LinearAlgebra

extension MeasuredNeurons {
  /// What a neuron fires for: the concepts that it separates, or the clusters of its top examples' contexts.
  ///
  /// - Parameter most: how many meanings at most.
  public func meanings(of neuron: NeuronReference, most: Int = 3, examples: Int = 1) throws -> [NeuronMeaning] {
    var reader = try ContextReader(source: source, piece: piece)
    return try meanings(of: neuron, most: most, examples: examples, reader: &reader)
  }

  func meanings(
    of neuron: NeuronReference, most: Int = 3, examples: Int, reader: inout ContextReader
  ) throws -> [NeuronMeaning] {
    guard let number = siteNumbers[neuron.site] else { return [] }
    let site = responses[number]
    let values = site.values(neuron.index)
    let order: [Int32]
    /// For each meaning its documents, strongest first.
    var found: [(label: String?, separation: Double?, documents: [Int])] = []
    if let classes = contexts.classes {
      let kinds = Kinds(labels: contexts.labels, count: classes.count)
      let profile = ConceptProfile(values: values, labels: kinds.labels, counts: kinds.counts)
      order = profile.order
      let concepts = profile.secondMeaning(relatedness: conceptRelatedness).concepts
      for concept in concepts.prefix(most) {
        found.append(
          (
            classes[concept], profile.separation(of: concept, outside: concepts),
            order.lazy.filter { contexts.labels[Int($0)] == Int32(concept) }.prefix(8).map { Int($0) }
          ))
      }
    } else if let embeddings = contexts.embeddings {
      order =
        ConceptProfile(
          values: values, labels: [Int32](repeating: 0, count: values.count), counts: [Double(values.count)]
        ).order
      let top = order.prefix(settings.top).map { Int($0) }
      let places = top.map { Int(site.places[$0 * site.width + neuron.index]) }
      let clusters = ContextClusters(embeddings.selectingRows(places), threshold: threshold)
      for members in clusters.members.prefix(most) { found.append((nil, nil, members.prefix(8).map { top[$0] })) }
    } else {
      return []
    }
    let top = Set(order.prefix(settings.top).map { Int($0) })
    return try found.map { meaning in
      let places = meaning.documents.map { Int(site.places[$0 * site.width + neuron.index]) }
      let forms = places.compactMap { contexts.form($0) }
      let counts = forms.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
      let sorted = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
      let inTop =
        meaning.label == nil
        ? meaning.documents.count
        : top.count { contexts.classes?[Int(contexts.labels[$0])] == meaning.label }
      return NeuronMeaning(
        label: meaning.label, separation: meaning.separation, topShare: Double(inTop) / Double(max(top.count, 1)),
        activation: meaning.documents.reduce(0) { $0 + Double(values[$1]) } / Double(max(meaning.documents.count, 1)),
        tokens: sorted.map(\.key), lexicalShare: Double(sorted.first?.value ?? 0) / Double(max(forms.count, 1)),
        context: contexts.characteristicForms(places),
        examples: try zip(meaning.documents, places).prefix(examples).map { document, place in
          let row = contexts.rows[place]
          return source.rowKind == .token
            ? try reader.example(row: row, value: values[document])
            : try reader.example(document: row, value: values[document])
        })
    }
    .sorted { $0.activation > $1.activation }
  }
}
