import Architectures

/// A place whose activations can be stored, and how many numbers a token has there.
public struct StoredWidth: Sendable, Hashable, Codable {
  /// The shorthand that `--sites` takes.
  public var site: String
  /// The numbers of a token in one layer.
  public var width: Int
  /// The number of layers that have it; 1 outside the blocks.
  public var layers: Int
  /// The shape in words.
  public var axes: String

  /// The bytes of `tokens` tokens over all layers in float16.
  public func bytes(tokens: Int) -> Double { 2 * Double(width) * Double(layers) * Double(tokens) }
}

extension Architecture {
  /// The places whose activations can be stored, with the numbers of a token in texts of `sequence` tokens. Where layers
  /// differ in width, each width has a row.
  public func storedWidths(sequence: Int) -> [StoredWidth] {
    let kinds = blockKinds
    var all = [StoredWidth(site: "embed", width: width, layers: 1, axes: "D")]
    /// Adds what `width` says of each layer that has the site.
    func add(_ site: String, _ axes: String, _ width: (Block) -> Int?) {
      let first = all.count
      for kind in kinds {
        guard let width = width(kind.block) else { continue }
        if let place = all[first...].firstIndex(where: { $0.width == width }) {
          all[place].layers += kind.count
        } else {
          all.append(StoredWidth(site: site, width: width, layers: kind.count, axes: axes))
        }
      }
    }
    add("resid_pre", "D") { _ in width }
    add("q_latent", "r_q") { $0.attention.latent?.queryRank }
    add("kv_latent", "r_kv") { $0.attention.latent?.keyValueRank }
    add("q", "H × d_head") { $0.attention.queryWidth }
    add("k", "H_kv × d_head") { $0.attention.keyWidth }
    add("v", "H_kv × d_head") { $0.attention.valuesWidth }
    add("pattern", "H × T") { $0.attention.heads * sequence }
    add("z", "H × d_head") { $0.attention.mixedWidth }
    add("result", "H × D") { $0.attention.heads * width }
    add("attn_out", "D") { _ in width }
    add("resid_mid", "D") { $0.isParallel ? nil : width }
    add("mlp_post", "M") { $0.mlp?.neurons }
    add("expert_post", "M_e of those awake") { $0.experts.map { $0.active * $0.expert.neurons } }
    add("shared_expert_post", "M_s") { $0.experts?.shared?.neurons }
    add("mlp_out", "D") { _ in width }
    add("resid_post", "D") { _ in width }
    if hasLogits { all.append(StoredWidth(site: "logits", width: vocabularySize, layers: 1, axes: "V")) }
    return all
  }
}
