import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes

/// Finds neurons that mean two unrelated things, from the labels of documents.
///
/// A document's activation is its highest token's. For every neuron and every two labels a and b:
/// - *separation*: the chance that a document of a exceeds one that is neither a nor b, and the same for b; the smaller;
/// - *strength*: the mean of the weaker label's strongest quarter over the neuron's maximum;
/// - *relatedness*: the correlation over all neurons of the labels' mean activations, standardised by neuron: two
///   languages or two markups that most neurons treat alike are no discovery;
/// - *the lexical confound* (arXiv 2604.00443): at the top examples of each label, s is the share of the most frequent
///   token form, and o the overlap of the two labels' forms. A neuron that knows the digit 1 or a line's end is no
///   discovery either.
///
/// score = (2·separation − 1) · √strength · (1 − max(0, relatedness)) · (1 − s_a²) · (1 − s_b²) · (1 − o).
///
/// Nothing is random but the choice of documents where there are too many, which is seeded.
public struct PolysemanticSearch: Sendable {
  /// The column of document labels that names the domains.
  public var column: String
  /// A seeded choice of so many documents where there are more.
  public var maximumDocuments: Int
  /// The bytes of activations held at a time.
  public var memory: Int
  /// The documents of each meaning whose tokens are looked at.
  public var examples: Int
  public var seed: UInt64

  public init(
    column: String = DocumentTable.defaultLabels, maximumDocuments: Int = 4000, memory: Int = 1 << 30,
    examples: Int = 8, seed: UInt64 = 0
  ) {
    self.column = column
    self.maximumDocuments = maximumDocuments
    self.memory = memory
    self.examples = examples
    self.seed = seed
  }

  /// The neurons with the highest scores, first the best.
  ///
  /// - Parameters:
  ///   - sites: the neurons' sites; every `mlp.hook_post` unless given.
  ///   - embedding: a site of the residual stream by which documents are compared for the monosemanticity score; the
  ///     middle one of the source unless given.
  /// - Throws: `neurons.noNeurons`, `neurons.tooFewLabels`, `probe.noLabels` and their like.
  /// - Complexity: two passes over the neurons' sites; O(neurons · documents · (log documents + labels)).
  public func run(
    on source: some ActivationSource, sites: [String]? = nil, embedding: String? = nil, count: Int = 1,
    piece: (@Sendable (Int32) -> String)? = nil
  ) throws -> [PolysemanticNeuron] {
    let sites = try source.requireNeuronSites(sites)
    let documents = try Examples(
      Concept(column: column), of: source, specialTokens: false, most: maximumDocuments, seed: seed)
    guard documents.classes.count >= 3, source.rowKind == .token else {
      throw Fault(
        .badData, "neurons.tooFewLabels", "Two meanings cannot be told from the rest of the corpus",
        place: "label column \(column)", expected: "tokens of documents with at least three labels",
        found: source.rowKind == .token
          ? "the labels \(documents.classes.joined(separator: " and "))" : "pooled documents",
        advice: "capture a corpus of several labelled domains without pooling")
    }
    var candidates = try pairs(documents, sites: sites, source: source)
    let chosen = try embeddingSite(embedding, of: source)
    let embeddings = try chosen.map { try self.embeddings(documents, site: $0, source: source) }
    try lookAtTokens(&candidates, documents: documents, source: source)
    candidates.sort { $0.score != $1.score ? $0.score > $1.score : $0.neuron < $1.neuron }

    var results: [PolysemanticNeuron] = []
    var seen = Set<NeuronReference>()
    var reader = try ContextReader(source: source, piece: piece)
    for candidate in candidates where candidate.score > 0 && results.count < count {
      guard seen.insert(candidate.neuron).inserted else { continue }
      results.append(
        try describe(candidate, documents: documents, embeddings: embeddings, reader: &reader))
    }
    return results
  }

  /// A neuron and two labels, with what is known of them so far.
  struct Candidate {
    var neuron: NeuronReference
    var pair: ClassPair
    var score: Double
    var relatedness: Double
    /// The neuron's highest activation in each document.
    var values: [Float]
    /// For each of the two labels its top documents, and then the rows where the neuron is highest in them.
    var top: [[Int]] = []
    var rows: [[Int]] = []
    var forms: [[String]] = []
    var overlap = 0.0
  }

  /// How many pairs are kept by separation and strength, and of those by relatedness too, for a look at the tokens.
  private static let kept = (pairs: 2000, candidates: 64)

  /// The best pairs of labels over all neurons.
  private func pairs(
    _ documents: Examples, sites: [StoredSite], source: some ActivationSource
  ) throws -> [Candidate] {
    let classes = documents.classes.count
    let counts = (0..<classes).map { c in Double(documents.labels.count { $0 == Int32(c) }) }
    var found: [Candidate] = []
    // Σ over neurons of products of standardised class means.
    var products = [Double](repeating: 0, count: classes * classes)
    for share in sharesOfMemory(sites, rows: documents.count, memory: memory) {
      let matrices = try documents.activations(
        of: share, in: source, order: Array(0..<documents.count), pooling: .max)
      for (site, matrix) in zip(share, matrices) {
        var pairs = [[ClassPair]](repeating: [], count: site.width)
        var means = [[Double]](repeating: [], count: site.width)
        pairs.withUnsafeMutableBufferPointer { pairs in
          means.withUnsafeMutableBufferPointer { means in
            Threads.forEach(site.width) { column in
              let profile = PairProfile(
                values: matrix.column(column), labels: documents.labels, counts: counts)
              pairs[column] = profile.pairs(2)
              means[column] = profile.means
            }
          }
        }
        for column in 0..<site.width {
          addStandardised(means[column], to: &products)
          for pair in pairs[column] {
            found.append(
              Candidate(
                neuron: NeuronReference(site: site.name, layer: site.layer, index: column), pair: pair,
                score: pair.score, relatedness: 0, values: []))
          }
        }
        found.sort { $0.score != $1.score ? $0.score > $1.score : $0.neuron < $1.neuron }
        found = Array(found.prefix(Self.kept.pairs))
        for index in found.indices where found[index].values.isEmpty && found[index].neuron.site == site.name {
          found[index].values = matrix.column(found[index].neuron.index)
        }
      }
    }
    for index in found.indices {
      let (a, b) = (found[index].pair.first, found[index].pair.second)
      let norm = (products[a * classes + a] * products[b * classes + b]).squareRoot()
      found[index].relatedness = norm > 0 ? products[a * classes + b] / norm : 0
      found[index].score *= 1 - max(0, found[index].relatedness)
    }
    found.sort { $0.score != $1.score ? $0.score > $1.score : $0.neuron < $1.neuron }
    return Array(found.prefix(Self.kept.candidates))
  }

  private func addStandardised(_ means: [Double], to products: inout [Double]) {
    let classes = means.count
    let mean = means.reduce(0, +) / Double(classes)
    let deviation = (means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(classes)).squareRoot()
    guard deviation > 0 else { return }
    for a in 0..<classes {
      for b in 0..<classes {
        products[a * classes + b] += (means[a] - mean) * (means[b] - mean) / (deviation * deviation)
      }
    }
  }

  /// Finds the tokens where the candidates are highest, in a second pass, and lowers the scores of those that know a
  /// word rather than a meaning.
  private func lookAtTokens(
    _ candidates: inout [Candidate], documents: Examples, source: some ActivationSource
  ) throws {
    var columns: [String: [Int]] = [:]  // by site, the candidates there
    for index in candidates.indices {
      let candidate = candidates[index]
      candidates[index].top = [candidate.pair.first, candidate.pair.second].map { label in
        let own = documents.labels.indices.filter { documents.labels[$0] == Int32(label) }
        let sorted = own.sorted {
          candidate.values[$0] != candidate.values[$1] ? candidate.values[$0] > candidate.values[$1] : $0 < $1
        }
        // Documents of one group (a template) resemble each other: one of each.
        var groups = Set<Int>()
        let distinct = sorted.filter { groups.insert(documents.groups[$0]).inserted }
        let rest = sorted.filter { !distinct.contains($0) }
        return Array((distinct + rest).prefix(examples))
      }
      candidates[index].rows = candidates[index].top.map { [Int](repeating: -1, count: $0.count) }
      columns[candidate.neuron.site, default: []].append(index)
    }
    let sites = columns.keys.sorted()
    // For each document the candidates that have it among their tops.
    var wanted: [Int: [(candidate: Int, meaning: Int, place: Int)]] = [:]
    for index in candidates.indices {
      for (meaning, top) in candidates[index].top.enumerated() {
        for (place, document) in top.enumerated() { wanted[document, default: []].append((index, meaning, place)) }
      }
    }
    try source.stream(sites, maximumRows: 1024) { block in
      for (offset, row) in block.rows.enumerated() {
        let document = documents.exampleOfRow[row]
        guard document >= 0, let uses = wanted[Int(document)] else { continue }
        for use in uses {
          let candidate = candidates[use.candidate]
          guard candidate.rows[use.meaning][use.place] < 0,
            let site = sites.firstIndex(of: candidate.neuron.site)
          else { continue }
          let value = block.values[site].elements[offset * block.values[site].columns + candidate.neuron.index]
          if value >= candidate.values[Int(document)] { candidates[use.candidate].rows[use.meaning][use.place] = row }
        }
      }
    }
    var reader = try ContextReader(source: source)
    for index in candidates.indices {
      candidates[index].forms = try candidates[index].rows.map { rows in
        try rows.filter { $0 >= 0 }.compactMap { row in
          let tokens = try reader.tokens(in: row..<row + 1, document: reader.document(ofRow: row))
          return tokens.first.map { tokenForm($0.text) }
        }
      }
      let shares = candidates[index].forms.map(Self.largestShare)
      candidates[index].overlap = Self.overlap(candidates[index].forms[0], candidates[index].forms[1])
      candidates[index].score *=
        (1 - shares[0] * shares[0]) * (1 - shares[1] * shares[1]) * (1 - candidates[index].overlap)
    }
  }

  /// The share of the most frequent form.
  private static func largestShare(_ forms: [String]) -> Double {
    let counts = forms.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    return Double(counts.values.max() ?? 0) / Double(max(forms.count, 1))
  }

  /// Σ over forms of the smaller share.
  private static func overlap(_ a: [String], _ b: [String]) -> Double {
    let left = a.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    let right = b.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    return left.reduce(0) { sum, entry in
      sum + min(Double(entry.value) / Double(a.count), Double(right[entry.key] ?? 0) / Double(max(b.count, 1)))
    }
  }

  private func describe(
    _ candidate: Candidate, documents: Examples, embeddings: Matrix?, reader: inout ContextReader
  ) throws -> PolysemanticNeuron {
    let labels = [candidate.pair.first, candidate.pair.second]
    let order = candidate.values.indices.sorted {
      candidate.values[$0] != candidate.values[$1] ? candidate.values[$0] > candidate.values[$1] : $0 < $1
    }
    let ofMeanings = documents.labels.count { labels.contains(Int($0)) }
    let topCount = min(ofMeanings, 100)
    var inTop = [Double](repeating: 0, count: documents.classes.count)
    var totals = inTop
    for document in order.prefix(topCount) { inTop[Int(documents.labels[document])] += 1 }
    for label in documents.labels { totals[Int(label)] += 1 }
    // Shares as they would be if all labels had as many documents.
    let rates = zip(inTop, totals).map { $1 > 0 ? $0 / $1 : 0 }
    let sum = rates.reduce(0, +)
    let entropy = rates.reduce(0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }

    var meanings = try labels.indices.map { meaning in
      let label = labels[meaning]
      var examples: [NeuronExample] = []
      for (row, document) in zip(candidate.rows[meaning], candidate.top[meaning]) where row >= 0 {
        examples.append(try reader.example(row: row, value: candidate.values[document]))
      }
      let counts = candidate.forms[meaning].reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
      return PolysemanticNeuron.Meaning(
        label: documents.classes[label],
        separation: meaning == 0 ? candidate.pair.separations.first : candidate.pair.separations.second,
        topShare: inTop[label] / Double(max(topCount, 1)),
        activation: examples.reduce(0) { $0 + Double($1.value) } / Double(max(examples.count, 1)),
        tokens: counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.map(\.key),
        lexicalShare: Self.largestShare(candidate.forms[meaning]), examples: examples)
    }
    meanings.sort { $0.activation > $1.activation }
    return PolysemanticNeuron(
      neuron: candidate.neuron, score: candidate.score, meanings: meanings, relatedness: candidate.relatedness,
      tokenOverlap: candidate.overlap, effectiveConcepts: exp(entropy),
      monosemanticity: embeddings.flatMap { Monosemanticity.score(values: candidate.values, unitEmbeddings: $0) })
  }

  /// The site to compare documents by.
  private func embeddingSite(_ name: String?, of source: some ActivationSource) throws -> StoredSite? {
    if let name { return try source.site(named: name) }
    let residual = source.sites.filter { $0.name.hasSuffix("hook_resid_post") }
    return residual.isEmpty ? nil : residual[residual.count / 2]
  }

  /// Each document's mean at a site, less the mean of all, at unit length.
  private func embeddings(_ documents: Examples, site: StoredSite, source: some ActivationSource) throws -> Matrix {
    let means = try documents.activations(
      of: [site], in: source, order: Array(0..<documents.count), pooling: .mean)[0]
    return Monosemanticity.unitEmbeddings(means)
  }
}
