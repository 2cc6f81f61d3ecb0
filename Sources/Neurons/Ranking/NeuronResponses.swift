import Activations
import Diagnostics
import LinearAlgebra

/// What one site's neurons did over the contexts, gathered in one pass.
struct NeuronResponses {
  let site: StoredSite
  /// [documents, width]: each document's highest activation; behind a gated MLP, its largest magnitude.
  var highest: [Float]
  /// [documents, width]: the context where it stood.
  var places: [Int32]
  /// Of the activation over the contexts: mean z³ and mean z⁴.
  var skewness: [Double]
  var kurtosis: [Double]
  /// The share of contexts where each neuron fires.
  var firing: [Double]
  /// Monosemanticity scores; nil without embeddings, or where a neuron is constant.
  var monosemanticity: [Double?]
  let documentCount: Int
  /// Of an expert's neurons, the documents with tokens that woke it, which alone say anything of them; nil: all.
  var seen: [Int]?
  /// The top examples that a capture kept, where there is nothing else.
  var gathered: TopExamples?

  var width: Int { site.width }

  /// A neuron's highest activation in each document.
  func values(_ column: Int) -> [Float] { (0..<documentCount).map { highest[$0 * width + column] } }

  /// The context of each of them.
  func places(_ column: Int) -> [Int32] { (0..<documentCount).map { places[$0 * width + column] } }

  /// A neuron's highest activation in each document and its context; of an expert's neuron, in the documents that woke
  /// it, and which these are.
  func seen(_ column: Int) -> (values: [Float], places: [Int32], documents: [Int]?) {
    let (values, places) = (values(column), places(column))
    guard let seen else { return (values, places, nil) }
    return (seen.map { values[$0] }, seen.map { places[$0] }, seen)
  }

  /// How a neuron answers kinds of documents; of an expert's neuron, of those that woke it.
  func profile(
    _ column: Int, _ all: MeasuredNeurons.Kinds
  ) -> (profile: ConceptProfile, kinds: MeasuredNeurons.Kinds, values: [Float], places: [Int32]) {
    let (values, places, documents) = seen(column)
    let kinds = documents.map { all.keeping($0) } ?? all
    return (ConceptProfile(values: values, labels: kinds.labels, counts: kinds.counts), kinds, values, places)
  }

  /// What a capture gathered, without the activations themselves.
  init(_ statistics: SiteStatistics, top: TopExamples, site: StoredSite) {
    self.site = site
    (highest, places, documentCount) = ([], [], 0)
    (skewness, kurtosis, firing) = (statistics.skewness, statistics.kurtosis, statistics.firing)
    monosemanticity = [Double?](repeating: nil, count: site.width)
    gathered = top
  }

  fileprivate init(_ site: StoredSite, documents: Int) {
    self.site = site
    highest = [Float](repeating: -.infinity, count: documents * site.width)
    places = [Int32](repeating: 0, count: documents * site.width)
    (skewness, kurtosis, firing, monosemanticity, gathered) = ([], [], [], [], nil)
    documentCount = documents
  }

  /// Streams some sites' activations once.
  ///
  /// For each neuron and each of the contexts' embeddings ê the pass keeps Σ a, Σ a² and Σ a·ê. The score's ã is
  /// (a − min)/(max − min), linear in a, so its sums follow from these once the extremes are known.
  ///
  /// - Complexity: contexts · neurons · width of the embeddings, in single-precision products.
  ///
  /// - Parameter null: for each site its random directions, which are measured on the way.
  static func gather(
    _ sites: [StoredSite], of source: some ActivationSource, contexts: RankingContexts,
    null: [[NullDirections]], progress: ((Int) -> Void)? = nil
  ) throws -> (neurons: [NeuronResponses], null: [[NeuronResponses]]) {
    var gatherers = sites.map { SiteGatherer($0, contexts: contexts) }
    var nulls = null.map { $0.map { SiteGatherer($0.site, contexts: contexts) } }
    var names = sites.map(\.name)
    for direction in null.joined() where !names.contains(direction.read) { names.append(direction.read) }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    let width = try max(names.reduce(0) { try $0 + source.site(named: $1).width }, 1)
    let blockRows = min(max((8 << 20) / width, 64), 4096)
    try source.streamRouted(names, maximumRows: blockRows) { block in
      let kept = block.rows.filter { contexts.contextOfRow[$0] >= 0 }
      guard let first = kept.first else { return }
      let start = Int(contexts.contextOfRow[first])
      let offsets = kept.map { $0 - block.rows.lowerBound }
      func chosen(_ values: Matrix, _ offsets: [Int]) -> Matrix {
        offsets.count == values.rows ? values : values.selectingRows(offsets)
      }
      for index in gatherers.indices {
        // Rows that take part follow each other in the contexts' order.
        var places = offsets
        var contextNumbers: [Int32]?
        var rows = offsets
        if sites[index].isRouted {
          let own = block.rowNumbers(index)
          places = own.indices.filter { contexts.contextOfRow[own[$0]] >= 0 }
          if places.isEmpty { continue }
          contextNumbers = places.map { contexts.contextOfRow[own[$0]] }
          rows = places.map { own[$0] - block.rows.lowerBound }
        }
        let values = chosen(block.values[index], places)
        let firstContext = contextNumbers == nil ? start : 0
        try gatherers[index].add(values, start: firstContext, contexts, numbers: contextNumbers)
        for (number, direction) in (null.isEmpty ? [] : null[index]).enumerated() {
          let read =
            direction.kind == .rotations ? values : chosen(block.values[numbers[direction.read] ?? index], rows)
          try nulls[index][number].add(
            direction.values(read), start: firstContext, contexts, numbers: contextNumbers)
        }
      }
      progress?(block.rows.upperBound)
    }
    return (gatherers.map { $0.finished(contexts) }, nulls.map { $0.map { $0.finished(contexts) } })
  }
}

private struct SiteGatherer {
  let site: StoredSite
  var responses: NeuronResponses
  var moments: ColumnMoments
  var positive: [Int]
  /// The moments of |a| behind a gated MLP, where the sums below are those of magnitudes.
  var magnitudes: ColumnMoments?
  /// Σ a·ê: [width, embedding width].
  var products: Matrix?
  /// For gated neurons, which fire where |a| > 0.1 · max |a|: counts by magnitude, four bins an octave.
  var octaves: [Int32]
  /// Rows taken in, and the sum of their embeddings, which are not all contexts' where the site is an expert's.
  var rows = 0
  var total: [Double]

  init(_ site: StoredSite, contexts: RankingContexts) {
    self.site = site
    responses = NeuronResponses(site, documents: contexts.documents.count)
    moments = ColumnMoments(columns: site.width)
    positive = [Int](repeating: 0, count: site.width)
    magnitudes = site.gated ? ColumnMoments(columns: site.width) : nil
    products = contexts.embeddings.map { Matrix(zeros: site.width, columns: $0.columns) }
    octaves = site.gated ? [Int32](repeating: 0, count: site.width * Self.bins) : []
    total = [Double](repeating: 0, count: contexts.embeddings?.columns ?? 0)
  }

  /// Magnitudes from 2⁻³² to 2³².
  private static let bins = 256

  /// - Parameter numbers: the context of each row, where they do not follow one another from `start`.
  mutating func add(_ block: Matrix, start: Int, _ contexts: RankingContexts, numbers: [Int32]? = nil) throws {
    var block = block
    let width = site.width
    let gated = site.gated
    if let bad = block.elements.firstIndex(where: { !$0.isFinite }) {
      throw Fault(
        .badData, "neurons.notFinite", "An activation is NaN or infinite",
        place: "\(site.name), column \(bad % width)", expected: "finite numbers", found: "\(block.elements[bad])",
        advice: "see where it comes from with `unfold store verify`, or leave that site out")
    }
    block.elements.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      moments.add(base, rows: block.rows)
    }
    if gated {
      for index in block.elements.indices { block.elements[index] = abs(block.elements[index]) }
      block.elements.withUnsafeBufferPointer { values in
        if let base = values.baseAddress { magnitudes?.add(base, rows: block.rows) }
      }
    }
    let rows = block.rows
    self.rows += rows
    block.elements.withUnsafeBufferPointer { values in
      responses.highest.withUnsafeMutableBufferPointer { highest in
        responses.places.withUnsafeMutableBufferPointer { places in
          positive.withUnsafeMutableBufferPointer { positive in
            octaves.withUnsafeMutableBufferPointer { octaves in
              nonisolated(unsafe) let (values, highest, places) = (values, highest, places)
              nonisolated(unsafe) let (positive, octaves) = (positive, octaves)
              // Each thread has columns of its own.
              Threads.forRanges(0..<width, grain: 64) { columns in
                for row in 0..<rows {
                  let context = numbers?[row] ?? Int32(start + row)
                  let target = Int(contexts.documentOf[Int(context)]) * width
                  let source = row * width
                  for column in columns {
                    let value = values[source + column]
                    if value > highest[target + column] {
                      highest[target + column] = value
                      places[target + column] = context
                    }
                    positive[column] &+= value > 0 ? 1 : 0
                  }
                  if gated {
                    for column in columns {
                      octaves[column * Self.bins + Self.bin(values[source + column])] += 1
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    addProducts(block, start: start, contexts, numbers)
  }

  /// products += blockᵀ · embeddings of its rows.
  private mutating func addProducts(_ block: Matrix, start: Int, _ contexts: RankingContexts, _ numbers: [Int32]?) {
    guard let all = contexts.embeddings, products != nil else { return }
    let embeddings = numbers.map { all.selectingRows($0.map { Int($0) }) } ?? all
    if numbers != nil {
      for index in embeddings.elements.indices {
        total[index % embeddings.columns] += Double(embeddings.elements[index])
      }
    }
    let (width, inner) = (site.width, embeddings.columns)
    let rows = block.rows
    block.elements.withUnsafeBufferPointer { a in
      embeddings.elements.withUnsafeBufferPointer { e in
        products?.withUnsafeMutableElements { c in
          guard let a = a.baseAddress, let e = e.baseAddress, let c = c.baseAddress else { return }
          gemm(
            m: width, n: inner, k: rows, a: a, aStride: width, transposeA: true, b: e + start * inner, bStride: inner,
            beta: 1, c: c, cStride: inner)
        }
      }
    }
  }

  private static func bin(_ value: Float) -> Int {
    guard value > 0 else { return 0 }
    return min(max(Int(value.bitPattern >> 21) - (95 << 2), 0), bins - 1)
  }

  func finished(_ contexts: RankingContexts) -> NeuronResponses {
    var responses = responses
    let count = Double(site.isRouted ? max(rows, 1) : contexts.count)
    if site.isRouted {
      responses.seen = (0..<responses.documentCount).filter { responses.highest[$0 * site.width] > -.infinity }
    }
    responses.skewness = moments.skewness
    responses.kurtosis = moments.kurtosis
    responses.firing = positive.indices.map { column in
      guard site.gated else { return Double(positive[column]) / count }
      let largest = max(abs(moments.minimum[column]), abs(moments.maximum[column]))
      let edge = Self.bin(largest / 10)
      return Double(octaves[column * Self.bins + edge..<(column + 1) * Self.bins].reduce(0) { $0 + Int($1) }) / count
    }
    responses.monosemanticity = [Double?](repeating: nil, count: site.width)
    guard let embeddings = contexts.embeddings, let products else { return responses }
    var total = total
    if !site.isRouted {
      for index in embeddings.elements.indices {
        total[index % embeddings.columns] += Double(embeddings.elements[index])
      }
    }
    let own = magnitudes ?? moments
    responses.monosemanticity = (0..<site.width).map { column in
      let (low, high) = (Double(own.minimum[column]), Double(own.maximum[column]))
      guard high > low else { return nil }
      let range = high - low
      let sum = count * own.mean[column]
      let squares = own.second[column] + sum * own.mean[column]
      let u = (sum - count * low) / range
      let v = (squares - 2 * low * sum + count * low * low) / (range * range)
      var norm = 0.0
      for place in total.indices {
        let w = (Double(products[column, place]) - low * total[place]) / range
        norm += w * w
      }
      let pairs = u * u - v
      return pairs > 1e-12 ? (norm - v) / pairs : nil
    }
    return responses
  }
}
