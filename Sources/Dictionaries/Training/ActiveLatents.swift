/// The active latents of a batch, by token and by latent.
///
/// By latent (compressed columns) is the order of the arrays: latent f owns the places offsets[f]..<offsets[f + 1], its
/// tokens rising. By token: token t owns tokenOffsets[t]..<tokenOffsets[t + 1] of `latents` and `tokenValues`, its latents
/// rising.
struct ActiveLatents {
  var offsets: [Int] = [0]
  var tokens: [Int32] = []
  /// The sum before the rule: encoder row · input + bias.
  var products: [Float] = []
  /// What the decoder multiplies; may be 0 where a latent is only near its threshold.
  var values: [Float] = []
  var tokenOffsets: [Int] = [0]
  var latents: [Int32] = []
  var tokenValues: [Float] = []

  var count: Int { tokens.count }
  var latentCount: Int { offsets.count - 1 }
  func range(_ latent: Int) -> Range<Int> { offsets[latent]..<offsets[latent + 1] }

  /// From lists by latent: fills in the order by token. `values` must be set.
  mutating func orderByToken(tokenCount: Int) {
    tokenOffsets = [Int](repeating: 0, count: tokenCount + 1)
    for token in tokens { tokenOffsets[Int(token) + 1] += 1 }
    for token in 0..<tokenCount { tokenOffsets[token + 1] += tokenOffsets[token] }
    var next = tokenOffsets
    let count = tokens.count
    latents = [Int32](repeating: 0, count: count)
    tokenValues = [Float](repeating: 0, count: count)
    for latent in 0..<latentCount {
      for place in offsets[latent]..<offsets[latent + 1] {
        let token = Int(tokens[place])
        latents[next[token]] = Int32(latent)
        tokenValues[next[token]] = values[place]
        next[token] += 1
      }
    }
  }

  /// From lists by token: fills in the order by latent, products being the values.
  mutating func orderByLatent(latentCount: Int) {
    offsets = [Int](repeating: 0, count: latentCount + 1)
    for latent in latents { offsets[Int(latent) + 1] += 1 }
    for latent in 0..<latentCount { offsets[latent + 1] += offsets[latent] }
    var next = offsets
    let count = latents.count
    tokens = [Int32](repeating: 0, count: count)
    values = [Float](repeating: 0, count: count)
    for token in 0..<tokenOffsets.count - 1 {
      for place in tokenOffsets[token]..<tokenOffsets[token + 1] {
        let latent = Int(latents[place])
        tokens[next[latent]] = Int32(token)
        values[next[latent]] = tokenValues[place]
        next[latent] += 1
      }
    }
    products = values
  }
}
