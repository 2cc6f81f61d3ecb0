import Activations
import Diagnostics
import LinearAlgebra
import Probes
import Tokenization
import Transformer

/// Whether latents that should say "begins with this letter" stay silent for some words, because a latent of the word
/// itself has absorbed that part (Chanin et al., arXiv 2409.14507; the first-letter measure of SAEBench).
public struct FeatureAbsorption: Codable, Sendable, Equatable {
  /// What was found for one letter.
  public struct Letter: Codable, Sendable, Equatable {
    public var letter: String
    /// Held-out words that begin with it and that the probe of the whole activation recognizes.
    public var words: Int
    /// The F1 of the probe of the whole activation on held-out words.
    public var probeF1: Double
    /// The latents that stand for the letter.
    public var mainLatents: [Int]
    /// The F1 of a probe of these latents.
    public var mainF1: Double
    /// The mean over words of the part that other latents have taken over, 0 to 1; nil where the probe of the whole
    /// activation does not know the letter, so that there is nothing to take over.
    public var absorption: Double?
    /// The share of words where no main latent is active and one other latent does its work; nil as `absorption`.
    public var fullAbsorption: Double?
  }

  public var letters: [Letter]
  /// Words that were run.
  public var words: Int
  /// Means over letters that a probe of the whole activation knows with an F1 of 0.6 and more.
  public var meanAbsorption: Double
  public var meanFullAbsorption: Double
  public var meanMainLatents: Double
}

extension FeatureAbsorption {
  /// SAEBench's constants.
  private enum Rule {
    /// A further latent is a main one where it raises F1 by this much.
    static let splitGain = 0.03
    static let mostMainLatents = 10
    static let leastProbeF1 = 0.6
    /// An absorbing latent's direction has at least this cosine with the probe's.
    static let absorberCosine: Float = 0.1
    static let fullAbsorberCosine: Float = 0.025
    /// Absorbing latents carry at least this share of the activation's projection on the probe.
    static let projectionShare: Float = 0.4
    static let mostAbsorbers = 3
  }

  /// Measures absorption on a model's own one-token words.
  ///
  /// A word is a token of the vocabulary that begins with a space and consists of letters a–z. It stands in a prompt of
  /// spelling examples, ` tartan: T`, and its activation is read at the word. A logistic regression learns each letter on
  /// four fifths of the words; the main latents of a letter are those that a regression on the k latents with the largest
  /// difference of means needs (k grows while F1 rises by 0.03). On the held-out words that the regression recognizes,
  /// `absorption` follows SAEBench's absorption fraction and `fullAbsorption` its full absorption, with its constants.
  ///
  /// - Parameter most: how many words at most, a seeded choice.
  /// - Throws: `dictionary.fewWords` where the vocabulary has too few words; `dictionary.width`, `dictionary.modelSite`.
  public init(
    of dictionary: SparseAutoencoder, model: Model, tokenizer: Tokenizer, site name: String? = nil,
    words most: Int = 4000,
    seed: UInt64 = 0, progress: (String) -> Void = { _ in }
  ) throws {
    guard !dictionary.isCrosscoder else {
      throw Fault(
        .usage, "dictionary.crosscoder", "Feature absorption is defined for a dictionary of one site",
        found: dictionary.configuration.hookIn, advice: "leave --absorption out")
    }
    let site = try dictionary.site(name ?? dictionary.configuration.hookIn, width: dictionary.inputWidth, in: model)
    var words = try Self.words(of: tokenizer)
    var generator = SeededGenerator(seed: seed, stream: "absorption")
    generator.shuffle(&words)
    words = Array(words.prefix(most))
    let letters = words.map(\.letter)
    var counts = [Int](repeating: 0, count: 26)
    for letter in letters { counts[letter] += 1 }
    guard counts.count(where: { $0 >= 10 }) >= 3 else {
      throw Fault(
        .badData, "dictionary.fewWords", "The vocabulary has too few whole words to measure absorption",
        expected: "ten words for each of three letters", found: "\(words.count) words",
        advice: "measure it on a model with a larger vocabulary")
    }
    progress("\(words.count) words")
    let x = try Self.activations(words, at: site, model: model, tokenizer: tokenizer, generator: &generator)
    try self.init(of: dictionary, at: x, letters: letters, progress: progress)
  }

  /// The measure on words whose activations are known; every fifth word is held out.
  ///
  /// - Parameters:
  ///   - x: [words, width].
  ///   - letters: each word's, 0 for a … 25 for z; those with fewer than ten words are left out.
  package init(
    of dictionary: SparseAutoencoder, at x: Matrix, letters: [Int], progress: (String) -> Void = { _ in }
  ) throws {
    var counts = [Int](repeating: 0, count: 26)
    for letter in letters { counts[letter] += 1 }
    let active = dictionary.encode(x)
    let dense = active.dense
    let unit = dictionary.unitDirections
    let train = letters.indices.filter { $0 % 5 != 4 }
    let test = letters.indices.filter { $0 % 5 == 4 }

    var results: [Letter] = []
    for letter in 0..<26 where counts[letter] >= 10 {
      let labels = letters.map { $0 == letter ? Int32(1) : 0 }
      guard train.contains(where: { labels[$0] == 1 }), test.contains(where: { labels[$0] == 1 }) else { continue }
      progress("letter \(Character(UnicodeScalar(UInt8(97 + letter))))")
      let probe = try LogisticRegression.fit(
        x.selectingRows(train), labels: train.map { labels[$0] }, classes: 2, settings: Self.regression
      ).classifier
      let scores = probe.scores(of: x.selectingRows(test)).elements
      let f1 = Self.f1(scores, labels: test.map { labels[$0] })
      let main = try Self.mainLatents(dense, train: train, test: test, labels: labels)
      let length = Float(probe.weights.elements.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
      guard length > 0 else { continue }
      let direction = Matrix(rows: 1, columns: x.columns, elements: probe.weights.elements.map { $0 / length })
      let cosines =
        dictionary.isTranscoder
        ? dictionary.encoder.multiplied(by: direction, transposed: true).elements
        : unit.multiplied(by: direction, transposed: true).elements
      let projections = x.multiplied(by: direction, transposed: true).elements
      var (absorbed, full, count) = (0.0, 0, 0)
      for (place, word) in test.enumerated() where labels[word] == 1 && scores[place] > 0 {
        let (fraction, isFull) = Self.absorption(
          active, row: word, cosines: cosines, projection: projections[word], main: Set(main.latents))
        absorbed += fraction
        full += isFull ? 1 : 0
        count += 1
      }
      let isKnown = f1 >= Rule.leastProbeF1 && count > 0
      results.append(
        Letter(
          letter: String(Character(UnicodeScalar(UInt8(97 + letter)))), words: count, probeF1: f1,
          mainLatents: main.latents, mainF1: main.f1, absorption: isKnown ? absorbed / Double(count) : nil,
          fullAbsorption: isKnown ? Double(full) / Double(count) : nil))
    }
    self.letters = results
    words = letters.count
    func mean(_ values: [Double]) -> Double {
      values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
    meanAbsorption = mean(results.compactMap(\.absorption))
    meanFullAbsorption = mean(results.compactMap(\.fullAbsorption))
    meanMainLatents = mean(results.filter { $0.absorption != nil }.map { Double($0.mainLatents.count) })
  }

  struct Word {
    var id: Int32
    var text: String
    /// 0 for a … 25 for z.
    var letter: Int
  }

  /// Tokens that are a space and letters a–z.
  private static func words(of tokenizer: Tokenizer) throws -> [Word] {
    (0..<Int32(tokenizer.vocabularySize)).compactMap { id in
      guard let text = tokenizer.text(of: id), text.first == " ", text.utf8.count >= 3 else { return nil }
      let word = text.dropFirst().lowercased()
      guard word.utf8.allSatisfy({ $0 >= 97 && $0 <= 122 }), let first = word.utf8.first else { return nil }
      return Word(id: id, text: text, letter: Int(first) - 97)
    }
  }

  /// The activation at each word, which stands behind spelling examples. Shape: [words, width].
  private static func activations(
    _ words: [Word], at site: Site, model: Model, tokenizer: Tokenizer, generator: inout SeededGenerator
  ) throws -> Matrix {
    var examples = ""
    for index in 0..<min(10, words.count) {
      let word = words[(index * 7) % words.count]
      examples += "\n\(word.text): \(Character(UnicodeScalar(UInt8(65 + word.letter))))"
    }
    let lead = try tokenizer.encode(examples + "\n").ids
    let rest = try tokenizer.encode(":", addSpecialTokens: false).ids
    var result = Matrix(zeros: 0, columns: 0)
    let width = model.architecture.shape(of: site).width ?? 0
    result = Matrix(zeros: words.count, columns: width)
    let perBatch = max(1, 4096 / (lead.count + 2))
    for start in stride(from: 0, to: words.count, by: perBatch) {
      let some = start..<min(start + perBatch, words.count)
      let batch = TokenBatch(
        ids: some.flatMap { lead + [words[$0].id] + rest },
        lengths: some.map { _ in lead.count + 1 + rest.count })
      let step = lead.count + 1 + rest.count
      try model.run(
        batch,
        hooks: [
          Hook(site) { value in
            let rows = some.indices.map { value.row(($0 - some.lowerBound) * step + lead.count) }
            result.withUnsafeMutableElements { elements in
              for (offset, row) in rows.enumerated() {
                _ = elements[((some.lowerBound + offset) * width)...].update(fromContentsOf: row)
              }
            }
          }
        ])
    }
    return result
  }

  private static let regression = LogisticRegression.Settings(folds: 0, tolerance: 1e-4, maximumIterations: 200)

  /// The latents that a probe of the letter needs.
  private static func mainLatents(
    _ dense: Matrix, train: [Int], test: [Int], labels: [Int32]
  ) throws -> (latents: [Int], f1: Double) {
    let (learnt, judged, own) = (dense.selectingRows(train), dense.selectingRows(test), train.map { labels[$0] })
    var found: (latents: [Int], f1: Double) = ([], 0)
    for k in 1...Rule.mostMainLatents {
      let probe = try SparseProbe.fit(
        learnt, labels: own, classes: 2, settings: .init(counts: [k], classWeights: .none), logistic: regression)
      let f1 = f1(probe.classifier.scores(of: judged).elements, labels: test.map { labels[$0] })
      if k > 1, f1 - found.f1 < Rule.splitGain { break }
      found = (probe.columns, f1)
    }
    return found
  }

  private static func f1(_ scores: [Float], labels: [Int32]) -> Double {
    let hits = zip(scores, labels).count { $0 > 0 && $1 == 1 }
    let both = scores.count { $0 > 0 } + labels.count { $0 == 1 }
    return both > 0 ? 2 * Double(hits) / Double(both) : 0
  }

  /// The part of a word's projection on the probe that other latents than the main ones carry, and whether one of them
  /// carries it alone.
  package static func absorption(
    _ active: SparseLatents, row: Int, cosines: [Float], projection: Float, main: Set<Int>
  ) -> (fraction: Double, isFull: Bool) {
    var (mainProjection, isMainActive) = (Float(0), false)
    var others: [(projection: Float, cosine: Float)] = []
    for place in active.range(ofRow: row) {
      let latent = Int(active.indices[place])
      let contribution = active.values[place] * cosines[latent]
      if main.contains(latent) {
        mainProjection += contribution
        isMainActive = true
      } else {
        others.append((contribution, cosines[latent]))
      }
    }
    others.sort { $0.projection > $1.projection }
    let absorbers = others.filter { $0.cosine >= Rule.absorberCosine && $0.projection > 0 }.prefix(Rule.mostAbsorbers)
    let absorbed = absorbers.reduce(Float(0)) { $0 + $1.projection }
    var fraction = 0.0
    if mainProjection < projection, absorbed / projection >= Rule.projectionShare {
      if mainProjection <= 0 {
        fraction = 1
      } else {
        let part = min(absorbed, projection - mainProjection)
        fraction = Double(min(max(part / (part + mainProjection), 0), 1))
      }
    }
    let top = others.first
    let isFull =
      !isMainActive && projection > 0 && (top?.cosine ?? 0) >= Rule.fullAbsorberCosine
      && (top?.projection ?? 0) / projection >= Rule.projectionShare
    return (fraction, isFull)
  }
}
