import Activations
import LinearAlgebra

extension MeasuredNeurons {
  /// What a neuron fires for: the concepts that it separates, labels or regions, related ones as one meaning. A neuron
  /// without a second meaning has one.
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
      let examples = try reader.distinct(group.places, count: examples) { contexts.rows[$0.context] }
      return NeuronMeaning(
        labels: group.labels, separation: group.separation,
        topShare: Double(group.inTop) / Double(max(total, 1)),
        activation: shown.reduce(0) { $0 + Double($1.value) } / Double(max(shown.count, 1)),
        tokens: sorted.map(\.key), lexicalShare: Double(sorted.first?.value ?? 0) / Double(max(forms.count, 1)),
        context: contexts.characteristicForms(shown.map(\.context)),
        examples: try examples.map { place in
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
    var labels: [String]
    var separation: Double?
    /// Where the neuron is highest in each, strongest first.
    var places: [(context: Int, value: Float)]
    /// How many of the top examples belong to it.
    var inTop: Int
  }

  /// The concepts that a neuron answers, labels or regions: those that its second meaning rests on, related ones as one.
  private func groups(_ site: NeuronResponses, _ column: Int, _ most: Int) -> (found: [Group], top: Int) {
    guard let (all, tree, names) = kinds else { return ([], 0) }
    let (profile, kinds, values, places) = site.profile(column, all)
    let top = profile.order.prefix(settings.top)
    let meanings = profile.secondMeaning(tree).meanings
    let concepts = meanings.flatMap(\.self)
    let found = meanings.prefix(most).map { meaning in
      func isOwn(_ document: Int32) -> Bool { meaning.contains(Int(kinds.labels[Int(document)])) }
      return Group(
        labels: names.map { names in meaning.map { names[$0] } } ?? [],
        separation: meaning.map { profile.separation(of: $0, outside: concepts) }.min(),
        places: profile.order.lazy.filter(isOwn).prefix(24).map { (Int(places[Int($0)]), values[Int($0)]) },
        inTop: top.count(where: isOwn))
    }
    return (found, top.count)
  }

  /// The labels that stand twice or oftener among the top examples that a capture kept; without labels, all of them.
  private func groupsOfTop(_ gathered: TopExamples, _ column: Int, _ most: Int) -> (found: [Group], top: Int) {
    let places = contexts.places(gathered, column, most: settings.top).enumerated().map { rank, context in
      (context: context, value: gathered.values[column * gathered.k + rank])
    }
    guard let classes = contexts.classes else {
      return (
        places.isEmpty ? [] : [Group(labels: [], separation: nil, places: places, inTop: places.count)], places.count
      )
    }
    var byLabel: [Int32: [(context: Int, value: Float)]] = [:]
    for place in places { byLabel[contexts.labels[Int(contexts.documentOf[place.context])], default: []].append(place) }
    let found = byLabel.filter { $0.value.count >= 2 || byLabel.count == 1 }
      .sorted { $0.value.count != $1.value.count ? $0.value.count > $1.value.count : $0.key < $1.key }
      .prefix(most).map { label, places in
        Group(labels: [classes[Int(label)]], separation: nil, places: places, inTop: places.count)
      }
    return (found, places.count)
  }
}
