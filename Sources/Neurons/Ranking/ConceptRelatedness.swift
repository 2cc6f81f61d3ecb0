import LinearAlgebra

/// How alike a model takes concepts, gathered from its neurons and from its residual stream.
///
/// Two things say that two concepts are one to the model: neurons that answer them alike, and contexts that lie in the
/// same direction. The first is the correlation, over neurons, of the concepts' mean activations, each neuron's
/// standardised over the concepts; the second the cosine of the concepts' mean contexts less the mean of all concepts.
struct ConceptRelatedness {
  let classes: Int
  private var sums: [Double]
  private var products: [Double]
  private var neurons = 0.0

  init(classes: Int) {
    self.classes = classes
    sums = [Double](repeating: 0, count: classes)
    products = [Double](repeating: 0, count: classes * classes)
  }

  /// Takes in a neuron's mean activation of each concept.
  mutating func add(_ means: [Double]) {
    let mean = means.reduce(0, +) / Double(classes)
    let deviation = (means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(classes)).squareRoot()
    guard deviation > 0 else { return }
    let z = means.map { ($0 - mean) / deviation }
    neurons += 1
    for a in 0..<classes {
      sums[a] += z[a]
      for b in 0..<classes { products[a * classes + b] += z[a] * z[b] }
    }
  }

  /// Pearson's correlations over the neurons, each less the standard error 1/√n that it would have by chance; nil with
  /// fewer than three neurons.
  var correlations: [Double]? {
    guard neurons >= 3 else { return nil }
    func covariance(_ a: Int, _ b: Int) -> Double {
      products[a * classes + b] / neurons - sums[a] / neurons * (sums[b] / neurons)
    }
    let variances = (0..<classes).map { max(covariance($0, $0), 0) }
    return (0..<classes * classes).map { index in
      let (a, b) = (index / classes, index % classes)
      let norm = (variances[a] * variances[b]).squareRoot()
      return norm > 1e-12 ? covariance(a, b) / norm - 1 / neurons.squareRoot() : 0
    }
  }

  /// The cosines of the concepts' mean contexts, less the mean of them.
  ///
  /// - Parameters:
  ///   - documents: each document's embedding: [documents, width].
  ///   - labels: each document's concept.
  ///   - counts: each concept's documents.
  static func cosines(_ documents: Matrix, labels: [Int32], counts: [Double]) -> [Double] {
    let (classes, width) = (counts.count, documents.columns)
    var means = [Double](repeating: 0, count: classes * width)
    for (document, label) in labels.enumerated() {
      for column in 0..<width {
        means[Int(label) * width + column] += Double(documents[document, column]) / counts[Int(label)]
      }
    }
    let present = (0..<classes).filter { counts[$0] > 0 }
    for column in 0..<width {
      let mean = present.reduce(0) { $0 + means[$1 * width + column] } / Double(max(present.count, 1))
      for c in present { means[c * width + column] -= mean }
    }
    func dot(_ a: Int, _ b: Int) -> Double {
      (0..<width).reduce(0) { $0 + means[a * width + $1] * means[b * width + $1] }
    }
    let squares = (0..<classes).map { dot($0, $0) }
    return (0..<classes * classes).map { index in
      let (a, b) = (index / classes, index % classes)
      let norm = (squares[a] * squares[b]).squareRoot()
      return norm > 1e-12 ? dot(a, b) / norm : 0
    }
  }
}

/// Which concepts are one meaning: a tree that joins related ones first.
///
/// Relatedness is the larger of what neurons and contexts say, brought to 0 for concepts that have nothing in common
/// (k unrelated ones, taken less their mean, lie at −1/(k − 1)) and 1 for equal ones. Average linkage makes a tree of it, and
/// two concepts are as related as the groups through which they are joined: so three related concepts are one meaning though
/// one of their pairs is measured badly.
struct ConceptTree {
  /// [concepts, concepts]: the level at which two concepts are joined.
  private(set) var levels: [Double]
  let classes: Int

  /// Concepts joined at this level or above are one meaning.
  static let threshold = 0.35

  /// - Parameters:
  ///   - measures: [concepts, concepts] each.
  ///   - related: lists of concepts that are one meaning whatever is measured.
  init(_ measures: [[Double]], classes: Int, related: [[Int]] = []) {
    self.classes = classes
    let base = classes > 1 ? 1 / Double(classes - 1) : 0
    var pairs = (0..<classes * classes).map { index in
      ((measures.map { $0[index] }.max() ?? 0) + base) / (1 + base)
    }
    for list in related {
      for a in list { for b in list { pairs[a * classes + b] = 1 } }
    }
    var levels = [Double](repeating: 1, count: classes * classes)
    _ = AverageLinkage(pairs, count: classes) { one, other, level in
      for a in one {
        for b in other {
          levels[a * classes + b] = level
          levels[b * classes + a] = level
        }
      }
    }
    self.levels = levels
  }

  func level(_ a: Int, _ b: Int) -> Double { levels[a * classes + b] }

  func areOne(_ a: Int, _ b: Int) -> Bool { a == b || level(a, b) >= Self.threshold }

  /// Some concepts as meanings: those that are one together, in the order given.
  func meanings(_ concepts: [Int]) -> [[Int]] {
    var found: [[Int]] = []
    for concept in concepts {
      // The tree's levels are an ultrametric, so one member speaks for all.
      if let place = found.firstIndex(where: { areOne($0[0], concept) }) {
        found[place].append(concept)
      } else {
        found.append([concept])
      }
    }
    return found
  }
}
