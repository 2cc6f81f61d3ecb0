import Activations
import Diagnostics
import LinearAlgebra
import Tokenization
import Transformer

/// Which latents are active in a text.
public struct TextLatents: Codable, Sendable, Equatable {
  /// A token and the latents that are active there, strongest first.
  public struct Token: Codable, Sendable, Equatable {
    public var id: Int32
    public var text: String
    public var active: Int
    public var latents: [Ranked]
  }

  /// A latent and where in the text it is largest.
  public struct Peak: Codable, Sendable, Equatable {
    public var latent: Int
    public var value: Float
    /// The number of the token.
    public var token: Int
    /// At how many of the text's tokens it is active.
    public var tokens: Int
  }

  public var tokens: [Token]
  /// Over the whole text: those active at most tokens first, then by value.
  public var overall: [Peak]
}

extension TextLatents {
  /// Runs a text through a model and a dictionary.
  ///
  /// - Parameters:
  ///   - perToken: latents listed at each token.
  ///   - count: latents listed for the whole text.
  ///   - name: as in `SparseAutoencoder.reconstruction`.
  /// - Throws: `dictionary.modelSite`, `dictionary.width`, `dictionary.emptyText`.
  public init(
    of text: String, in dictionary: SparseAutoencoder, model: Model, tokenizer: Tokenizer, perToken: Int = 5,
    count: Int = 20, site name: String? = nil
  ) throws {
    let encoding = try tokenizer.encode(text)
    guard encoding.special.contains(false) else {
      throw Fault(
        .usage, "dictionary.emptyText", "There is no text to look at", expected: "at least one token", found: "none")
    }
    let batch = TokenBatch(ids: encoding.ids, lengths: [encoding.ids.count])
    let active = dictionary.encode(try dictionary.rows(of: batch, in: model, site: name))
    let scalars = Array(text.unicodeScalars)
    var peaks: [Int: Peak] = [:]
    tokens = encoding.ids.indices.map { token in
      var latents: [Ranked] = []
      if !encoding.special[token] {
        for place in active.range(ofRow: token) {
          let (latent, value) = (Int(active.indices[place]), active.values[place])
          latents.append(Ranked(index: latent, value: value))
          var peak = peaks[latent] ?? Peak(latent: latent, value: 0, token: token, tokens: 0)
          peak.tokens += 1
          if value > peak.value { (peak.value, peak.token) = (value, token) }
          peaks[latent] = peak
        }
      }
      latents.sort { $0.value != $1.value ? $0.value > $1.value : $0.index < $1.index }
      let end = min(Int(encoding.ends[token]), scalars.count)
      var characters = String.UnicodeScalarView()
      characters.append(contentsOf: scalars[min(Int(encoding.starts[token]), end)..<end])
      let shown = encoding.special[token] ? tokenizer.text(of: encoding.ids[token]) ?? "" : String(characters)
      return Token(
        id: encoding.ids[token], text: shown, active: latents.count, latents: Array(latents.prefix(perToken)))
    }
    overall = Array(
      peaks.values.sorted {
        if $0.tokens != $1.tokens { return $0.tokens > $1.tokens }
        return $0.value != $1.value ? $0.value > $1.value : $0.latent < $1.latent
      }.prefix(count))
  }
}
