import Activations
import Diagnostics
import LinearAlgebra

/// What a probe says of one document: of its tokens, and of the document as the probe learnt documents.
public struct ProbeReading: Sendable, Equatable {
  /// The document's id.
  public var id: String
  /// The rows of the source that were scored, special tokens too.
  public var rows: [Int]
  /// Those rows' scores, row by row: one a row, or one a class.
  public var tokenScores: [Float]
  /// The document's own scores, from its pooled row; nil where the probe learnt tokens, or the document has none.
  public var scores: [Float]?
  /// The class that the document's scores say; nil without them and of probes that predict numbers.
  public var predictedClass: Int?
  /// The probability of each class; nil without scores and where scores are no log-odds.
  public var probabilities: [Double]?
}

extension Probe {
  /// Why a document has no probabilities; nil where it has.
  public var reasonWithoutProbability: String? {
    let settings = record.settings
    if settings.concept.level == .token { return "the probe learnt tokens: a document has no score of its own" }
    if settings.method.predictsNumbers { return "the probe predicts a number" }
    if settings.threshold != .midpoint {
      return "the line between the classes was moved, so that scores are no log-odds"
    }
    if !settings.scoresAreLogOdds { return "scores of \(settings.method.rawValue) are no log-odds" }
    return nil
  }

  /// Scores the documents of a source, and their tokens, in one pass.
  ///
  /// A document is pooled as in training: over the same tokens, in the same way; pieces of a document that was split are
  /// one. Two classes have one score, the log-odds of the second where `reasonWithoutProbability` is nil; more have one
  /// each, whose softmax are the probabilities.
  ///
  /// - Throws: `probe.otherModel`, `probe.otherSite`, and what reading throws.
  /// - Complexity: memory of 4 · documents · width bytes and the tokens' scores: give long corpora in parts.
  public func read(_ source: some ActivationSource) throws -> [ProbeReading] {
    if let own = try source.throughExpert(of: [record.site.name]) { return try read(own) }
    let site = try source.site(named: record.site.name)
    try requireMatch(origin: source.origin, site: site)
    let documents = try source.documents
    var readings: [ProbeReading] = []
    var numbers = [Int](repeating: 0, count: documents.count)
    for document in 0..<documents.count {
      if !documents.continues(document) {
        readings.append(ProbeReading(id: documents.ids[document], rows: [], tokenScores: []))
      }
      numbers[document] = readings.count - 1
    }

    let width = site.width
    let pooling = record.settings.pooling
    let isPooled = record.settings.concept.level == .document
    var pooled = Matrix(zeros: isPooled ? readings.count : 0, columns: width)
    var counts = [Int](repeating: 0, count: readings.count)
    try source.stream([site.name], maximumRows: max(64, (8 << 20) / max(width, 1))) { block in
      let scores = classifier.scores(of: block.values[0])
      let isToken = source.rowKind == .token
      let tokens = isToken ? try source.tokens(in: block.rows) : nil
      for (place, row) in block.rows.enumerated() {
        let number = numbers[tokens.map { Int($0.documents[place]) } ?? row]
        readings[number].rows.append(row)
        readings[number].tokenScores += scores.row(place)
        let counted = record.settings.countsSpecialTokens || tokens.map { $0.special[place] == 0 } ?? true
        guard isPooled, counted else { continue }
        pooled.withUnsafeMutableElements { target in
          block.values[0].elements.withUnsafeBufferPointer { values in
            pooling.add(place, of: values, to: number, of: target, width: width, isFirst: counts[number] == 0)
          }
        }
        counts[number] += 1
      }
    }
    guard isPooled else { return readings }
    pooled.withUnsafeMutableElements { pooling.finish($0, counts: counts) }
    let scores = classifier.scores(of: pooled)
    let predictions = LinearClassifier.predictions(from: scores)
    let probabilities =
      reasonWithoutProbability == nil ? LinearClassifier.probabilities(fromScores: scores) : nil
    for number in readings.indices where counts[number] > 0 {
      readings[number].scores = scores.row(number)
      if !record.settings.method.predictsNumbers { readings[number].predictedClass = Int(predictions[number]) }
      readings[number].probabilities = probabilities.map { matrix in
        let own = matrix.row(number).map(Double.init)
        return own.count == 1 ? [1 - own[0], own[0]] : own
      }
    }
    return readings
  }
}
