import Diagnostics
import Foundation
import LinearAlgebra
import StrictJSON

/// Questions of the form "a is to b as c is to d", by relation.
public struct AnalogySet: Sendable {
  public struct Question: Sendable, Equatable {
    public var relation: String
    /// a, b, c and the answer d.
    public var words: [String]

    public init(relation: String, words: [String]) {
      self.relation = relation
      self.words = words
    }
  }
  public var questions: [Question]

  public init(_ questions: [Question]) { self.questions = questions }

  /// Reads JSON lines: `{"relation": "capital-world", "words": ["Athens", "Greece", "Cairo", "Egypt"]}`.
  /// - Throws: `Fault` that names the line.
  public init(contentsOf url: URL) throws {
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw Fault(
        .noInput, "geometry.noAnalogies", "The file of analogies cannot be read", file: url.path,
        expected: "JSON lines with relation and four words")
    }
    questions = []
    for (number, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) else { continue }
      let file = "\(url.path), line \(number + 1)"
      let reader = JSONReader(try JSONValue(parsing: Array(line), file: file), file: file)
      let words = try reader.required("words").array().map { try $0.string() }
      guard words.count == 4 else {
        throw try reader.required("words").unexpected("four words", found: "\(words.count)")
      }
      questions.append(Question(relation: try reader.optional("relation")?.string() ?? "all", words: words))
    }
    guard !questions.isEmpty else {
      throw Fault(
        .badData, "geometry.noAnalogies", "The file holds no question", file: url.path,
        expected: "JSON lines with relation and four words", found: "nothing")
    }
  }
}

/// How many analogies a space of vectors answers.
public struct AnalogyScore: Sendable, Equatable, Codable {
  public var relation: String
  /// The questions of the relation.
  public var questions: Int
  /// Those whose four words each have a vector: the ones that were asked.
  public var asked: Int
  /// Answered right by 3CosAdd: the largest cos(x, b) − cos(x, a) + cos(x, c) over unit vectors (Mikolov et al., NAACL
  /// 2013).
  public var add: Int
  /// Answered right by 3CosMul: the largest cos(x, b) · cos(x, c) / (cos(x, a) + 0.001), cosines moved to 0 … 1 (Levy
  /// and Goldberg, CoNLL 2014).
  public var multiply: Int
  /// The answer is among the five best of 3CosAdd.
  public var five: Int
  /// Answered right by taking the token nearest to c, a and b forgotten: what the offset must beat (Linzen, arXiv
  /// 1606.07736).
  public var nearestToC: Int
  /// Answered right by taking the token nearest to b.
  public var nearestToB: Int
}

extension TokenVectors {
  /// Answers every question whose four words are single tokens, among all tokens here; the three words of the question
  /// are no answers, and an answer is right in any case and spacing.
  ///
  /// - Returns: a score a relation in the order of the set, and one over all named `all`.
  /// - Throws: `geometry.noAnalogies` where no question can be asked.
  public func score(_ set: AnalogySet, words: WordLookup) throws -> [AnalogyScore] {
    var names: [String] = []
    var byRelation: [String: [AnalogySet.Question]] = [:]
    for question in set.questions {
      if byRelation[question.relation] == nil { names.append(question.relation) }
      byRelation[question.relation, default: []].append(question)
    }
    var rows: [String: Int?] = [:]
    func row(_ word: String) -> Int? {
      if let known = rows[word] { return known }
      let found = words.row(of: word)
      rows[word] = .some(found)
      return found
    }
    let plain = texts.map(Self.plain)
    var scores = names.map { name in
      let questions = byRelation[name] ?? []
      let asked = questions.compactMap { question -> [Int]? in
        let found = question.words.compactMap(row)
        return found.count == 4 && Set(found).count == 4 ? found : nil
      }
      return score(name, questions: questions.count, asked: asked, plain: plain)
    }
    var all = AnalogyScore(
      relation: "all", questions: 0, asked: 0, add: 0, multiply: 0, five: 0, nearestToC: 0, nearestToB: 0)
    for score in scores {
      all.questions += score.questions
      all.asked += score.asked
      all.add += score.add
      all.multiply += score.multiply
      all.five += score.five
      all.nearestToC += score.nearestToC
      all.nearestToB += score.nearestToB
    }
    guard all.asked > 0 else {
      throw Fault(
        .badData, "geometry.noAnalogies", "No question can be asked: none has four words that are single tokens here",
        expected: "words that the vocabulary holds whole", found: "\(all.questions) questions",
        advice: "use a model with a larger vocabulary, or more text")
    }
    scores.append(all)
    return scores
  }

  /// Scores one relation: the cosines of its words with all tokens are computed once, every question is a sum of them.
  private func score(_ name: String, questions: Int, asked: [[Int]], plain: [String]) -> AnalogyScore {
    var result = AnalogyScore(
      relation: name, questions: questions, asked: asked.count, add: 0, multiply: 0, five: 0, nearestToC: 0,
      nearestToB: 0)
    guard !asked.isEmpty else { return result }
    let used = Set(asked.flatMap { $0 }).sorted()
    let slot = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    let cosines = units.selectingRows(used).multiplied(by: units, transposed: true)
    var right = [[Bool]](repeating: [], count: asked.count)
    cosines.elements.withUnsafeBufferPointer { cosines in
      right.withUnsafeMutableBufferPointer { right in
        nonisolated(unsafe) let right = right  // Each question writes its own element.
        Threads.forEach(asked.count) { number in
          let words = asked[number]
          func row(_ word: Int) -> UnsafeBufferPointer<Float> {
            let start = (slot[words[word]] ?? 0) * count
            return UnsafeBufferPointer(rebasing: cosines[start..<start + count])
          }
          let (a, b, c) = (row(0), row(1), row(2))
          let leftOut = Set(words[..<3].map { plain[$0] })
          let answer = plain[words[3]]
          var scores = [Float](repeating: 0, count: count)
          func answers(_ reach: Int) -> ArraySlice<String> {
            let best = topK(min(count, reach + 24), of: scores).map { plain[$0.index] }
            return best.filter { !leftOut.contains($0) }.prefix(reach)
          }
          for token in 0..<count { scores[token] = b[token] - a[token] + c[token] }
          let five = answers(5)
          let add = five.first == answer
          for token in 0..<count {
            scores[token] = (b[token] + 1) * (c[token] + 1) / ((a[token] + 1) + 0.001)
          }
          let multiply = answers(1).first == answer
          for token in 0..<count { scores[token] = c[token] }
          let nearC = answers(1).first == answer
          for token in 0..<count { scores[token] = b[token] }
          let nearB = answers(1).first == answer
          right[number] = [add, multiply, five.contains(answer), nearC, nearB]
        }
      }
    }
    let totals = (0..<5).map { method in right.count { $0[method] } }
    (result.add, result.multiply, result.five) = (totals[0], totals[1], totals[2])
    (result.nearestToC, result.nearestToB) = (totals[3], totals[4])
    return result
  }
}
