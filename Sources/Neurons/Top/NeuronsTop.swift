import Activations
import Diagnostics
import LinearAlgebra
import Probes

/// Neurons listed by what they do: for a text, for a concept; and the examples of one neuron.
public enum NeuronsTop {}

/// A neuron's activation at a token, beside what it does on average.
public struct NeuronActivation: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  public var value: Float
  /// The mean over the corpus whose statistics were given.
  public var mean: Double?
  /// How many standard deviations of the corpus the value lies above the mean; what the list is ordered by where known.
  public var deviations: Double?
  /// The place among the text's tokens where the neuron was strongest.
  public var token: Int
}

/// The neurons of a text.
public struct TextNeurons: Codable, Sendable, Equatable {
  public struct Token: Codable, Sendable, Equatable {
    public var text: String
    public var id: Int32
    /// The neurons that fired most here, first the strongest; empty for a token that the tokenizer added.
    public var neurons: [NeuronActivation]
  }

  public var tokens: [Token]
  /// The neurons that fired most anywhere, each at its strongest token.
  public var overall: [NeuronActivation]
}

extension NeuronsTop {
  /// The neurons that fire most in a text, at each of its tokens and overall; of an expert, where it is awake.
  ///
  /// - Parameters:
  ///   - text: a source whose one document is the text, such as a running model's.
  ///   - statistics: what the neurons do over a corpus, by site. Where a site has some, its neurons are ordered by
  ///     standard deviations above their mean, so that a neuron that is always high doesn't lead; else by activation.
  ///   - count: the length of each list.
  ///   - piece: a token's text by its id, where the source has no text.
  /// - Throws: `neurons.noNeurons`, `neurons.noTokens`, `activations.unknownSite`.
  /// - Complexity: one pass over the text's neurons.
  public static func text(
    _ text: some ActivationSource, statistics: [String: SiteStatistics] = [:], sites: [String]? = nil,
    count: Int = 10, piece: (@Sendable (Int32) -> String)? = nil
  ) throws -> TextNeurons {
    let sites = try text.requireNeuronSites(sites)
    guard text.rowKind == .token, text.tokenCount > 0 else {
      throw Fault(
        .badData, "neurons.noTokens", "There are no tokens to look at", expected: "a text of at least one token",
        found: text.rowKind == .token ? "an empty text" : "pooled documents")
    }
    var reader = try ContextReader(source: text, piece: piece)
    var tokens: [TextNeurons.Token] = []
    var special: [Bool] = []
    for document in 0..<reader.documents.count {
      let rows = reader.documents.tokens(of: document)
      tokens += try reader.tokens(in: rows, document: document).map {
        TextNeurons.Token(text: $0.text, id: $0.id, neurons: [])
      }
      special += try text.tokens(in: rows).special.map { $0 != 0 }
    }

    // What each neuron is measured by: (value − mean) / deviation, or the value itself.
    let scales = try sites.map { site -> (mean: [Double], deviation: [Double])? in
      guard let own = statistics[site.name], own.count > 0 else { return nil }
      guard own.width == site.width else {
        throw Fault(
          .badData, "neurons.statisticsWidth", "The statistics are those of another model", place: site.name,
          expected: "\(site.width) columns", found: "\(own.width)")
      }
      return (own.mean, own.variance.map { max($0, 1e-12).squareRoot() })
    }
    func activation(_ site: Int, _ column: Int, _ value: Float, token: Int) -> NeuronActivation {
      let scale = scales[site]
      return NeuronActivation(
        neuron: NeuronReference(site: sites[site].name, layer: sites[site].layer, index: column), value: value,
        mean: scale?.mean[column],
        deviations: scale.map { (Double(value) - $0.mean[column]) / $0.deviation[column] }, token: token)
    }

    var best = sites.map {
      [(measure: Float, value: Float, token: Int)](
        repeating: (-.infinity, 0, 0), count: $0.width)
    }
    try text.streamRouted(sites.map(\.name), maximumRows: 512) { block in
      var strongest = [[NeuronActivation]](repeating: [], count: block.rows.count)
      for site in sites.indices {
        let width = sites[site].width
        for (offset, row) in block.rowNumbers(site).enumerated() where !special[row] {
          var measures = [Float](repeating: 0, count: width)
          for column in 0..<width {
            let value = block.values[site].elements[offset * width + column]
            measures[column] =
              scales[site].map { Float((Double(value) - $0.mean[column]) / $0.deviation[column]) } ?? value
            if measures[column] > best[site][column].measure {
              best[site][column] = (measures[column], value, row)
            }
          }
          for ranked in topK(min(count, width), of: measures) {
            strongest[row - block.rows.lowerBound].append(
              activation(
                site, ranked.index, block.values[site].elements[offset * width + ranked.index], token: row))
          }
        }
      }
      for row in block.rows where !special[row] {
        tokens[row].neurons = Array(strongest[row - block.rows.lowerBound].sorted(by: stronger).prefix(count))
      }
    }
    var overall: [NeuronActivation] = []
    for site in sites.indices {
      for ranked in topK(min(count, sites[site].width), of: best[site].map(\.measure)) where ranked.value.isFinite {
        let found = best[site][ranked.index]
        overall.append(activation(site, ranked.index, found.value, token: found.token))
      }
    }
    return TextNeurons(tokens: tokens, overall: Array(overall.sorted(by: stronger).prefix(count)))
  }

  private static func stronger(_ a: NeuronActivation, _ b: NeuronActivation) -> Bool {
    let (x, y) = (a.deviations ?? Double(a.value), b.deviations ?? Double(b.value))
    return x != y ? x > y : a.neuron < b.neuron
  }
}
