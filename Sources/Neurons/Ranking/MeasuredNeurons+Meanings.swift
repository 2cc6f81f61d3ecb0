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
    let groups = site.gathered.map { groupsOfTop($0, neuron.index, most) } ?? groups(site, neuron.index, most)
    let total = groups.top
    return try groups.found.map { group in
      let forms = group.places.compactMap { contexts.form($0.context) }
      let counts = forms.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
      let sorted = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
      let shown = group.places.prefix(8)
      return NeuronMeaning(
        label: group.label, separation: group.separation,
        topShare: Double(group.inTop) / Double(max(total, 1)),
        activation: shown.reduce(0) { $0 + Double($1.value) } / Double(max(shown.count, 1)),
        tokens: sorted.map(\.key), lexicalShare: Double(sorted.first?.value ?? 0) / Double(max(forms.count, 1)),
        context: contexts.characteristicForms(shown.map(\.context)),
        examples: try group.places.prefix(examples).map { place in
          let row = contexts.rows[place.context]
          return source.rowKind == .token
            ? try reader.example(row: row, value: place.value)
            : try reader.example(document: row, value: place.value)
        })
    }
    .sorted { $0.activation > $1.activation }
  }

  /// The documents of one meaning.
  private struct Group {
    var label: String?
    var separation: Double?
    /// Where the neuron is highest in each, strongest first.
    var places: [(context: Int, value: Float)]
    /// How many of the top examples belong to it.
    var inTop: Int
  }

  /// The concepts that a neuron answers; without labels, the clusters of its top examples.
  private func groups(_ site: NeuronResponses, _ column: Int, _ most: Int) -> (found: [Group], top: Int) {
    let (values, places, documents) = seen(site, column)
    func place(_ document: Int) -> (context: Int, value: Float) { (Int(places[document]), values[document]) }
    if let classes = contexts.classes {
      let all = Kinds(labels: contexts.labels, count: classes.count)
      let kinds = documents.map { all.keeping($0) } ?? all
      let profile = ConceptProfile(values: values, labels: kinds.labels, counts: kinds.counts)
      let top = profile.order.prefix(settings.top)
      let concepts = profile.secondMeaning(relatedness: conceptRelatedness).concepts
      let found = concepts.prefix(most).map { concept in
        let own = profile.order.lazy.map { Int($0) }.filter { kinds.labels[$0] == Int32(concept) }
        return Group(
          label: classes[concept], separation: profile.separation(of: concept, outside: concepts),
          places: own.prefix(24).map(place), inTop: top.count { kinds.labels[Int($0)] == Int32(concept) })
      }
      return (found, top.count)
    }
    guard let embeddings = contexts.embeddings else { return ([], 0) }
    let top = ConceptProfile.order(values).prefix(settings.top).map { Int($0) }
    let clusters = ContextClusters(embeddings.selectingRows(top.map { Int(places[$0]) }), threshold: threshold)
    let found = clusters.members.prefix(most).map { members in
      Group(label: nil, separation: nil, places: members.map { place(top[$0]) }, inTop: members.count)
    }
    return (found, top.count)
  }

  /// The labels that stand twice or oftener among the top examples that a capture kept; without labels, all of them.
  private func groupsOfTop(_ gathered: TopExamples, _ column: Int, _ most: Int) -> (found: [Group], top: Int) {
    let places = topContexts(gathered, column).enumerated().map { rank, context in
      (context: context, value: gathered.values[column * gathered.k + rank])
    }
    guard let classes = contexts.classes else {
      return (
        places.isEmpty ? [] : [Group(label: nil, separation: nil, places: places, inTop: places.count)], places.count
      )
    }
    var byLabel: [Int32: [(context: Int, value: Float)]] = [:]
    for place in places { byLabel[contexts.labels[Int(contexts.documentOf[place.context])], default: []].append(place) }
    let found = byLabel.filter { $0.value.count >= 2 || byLabel.count == 1 }
      .sorted { $0.value.count != $1.value.count ? $0.value.count > $1.value.count : $0.key < $1.key }
      .prefix(most).map { label, places in
        Group(label: classes[Int(label)], separation: nil, places: places, inTop: places.count)
      }
    return (found, places.count)
  }
}
