extension DictionaryTrainer {
  /// What weights, their gradients and Adam's two moments take: 16 bytes a weight, and where the TopK family's directions are
  /// free 4 more for each of the encoder's.
  public var parameterBytes: Int { parameters.reduce(scaled?.bytes ?? 0) { $0 + 16 * $1.values.count } }

  /// What a batch needs at most beside them: its rows two times, their errors, what selects the latents, and the active
  /// latents' lists, 40 bytes for each latent and token; of rules with bounds, all products, since at first half of the
  /// latents are active and lists would be longer than those.
  public var batchBytes: Int {
    guard !settings.selectsLargest else {
      return scratch.bytes + (screened?.bytes ?? 0) + 40 * settings.k * scratch.batch
    }
    let blocks = min(1024, settings.latents) * (rule.rebuildsFromGate ? 4 : 3)
    return scratch.bytes + 4 * (settings.latents + blocks) * scratch.batch
  }
}
