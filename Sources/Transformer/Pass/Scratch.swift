import Architectures
import LinearAlgebra

/// Memory for the values of one run, allocated once and used again in every layer.
///
/// With n tokens: three matrices [n, d_model], and one region that holds the attention's queries, keys, values and mixed
/// values, and after it the MLP's neurons.
final class Scratch {
  private let whole: UnsafeMutableRawBufferPointer
  private let memory: PanelMemory
  /// The residual stream. Shape: [n, d_model].
  let residual: UnsafeMutablePointer<Float>
  /// What a branch reads: the residual stream, normalized. Shape: [n, d_model].
  let input: UnsafeMutablePointer<Float>
  /// What a branch adds to the residual stream. Shape: [n, d_model].
  let output: UnsafeMutablePointer<Float>
  /// Means and scales of the norms. Shape: [2, n · normalized rows a token].
  let scales: UnsafeMutablePointer<Float>
  /// The values inside a branch. Shape: [n, `branchWidth`].
  let branch: UnsafeMutablePointer<Float>

  /// - Parameter memory: Where the memory comes from and goes back to: the next run finds it there.
  init(tokens: Int, architecture: Architecture, memory: PanelMemory) {
    let width = max(architecture.width, architecture.embedding.tokenWidth ?? 0)
    let matrix = tokens * width
    let count = 3 * matrix + tokens * (2 * architecture.normedRows + architecture.branchWidth)
    whole = memory.take(max(count, 1) * 4)
    self.memory = memory
    guard let start = whole.baseAddress else { preconditionFailure("no memory for \(tokens) tokens") }
    residual = start.bindMemory(to: Float.self, capacity: max(count, 1))
    input = residual + matrix
    output = input + matrix
    branch = output + matrix
    scales = branch + tokens * architecture.branchWidth
  }

  deinit { memory.giveBack(whole) }
}

extension Architecture {
  /// How many values of a token live at once inside a branch: q, k, v and z, and what latent attention passes; or the
  /// neurons, twice where they are gated, or the router's logits with the neurons of the experts.
  var branchWidth: Int {
    let widest = blocks.map { max($0.attention.branchWidth, $0.feedForward.branchWidth) }.max() ?? 0
    return max(widest, head.kind == .maskedToken ? width : 0)
  }

  /// How many rows of a token are normalized at once: heads where queries and keys are.
  var normedRows: Int {
    blocks.map { $0.attention.queryKeyNorm.map { $0.rows == .width } == false ? $0.attention.heads : 1 }.max() ?? 1
  }

  /// How many bytes of memory a run takes for each token of its batch, beside the weights and what hooks keep.
  public var workingBytesPerToken: Int {
    // The experts' rows are gathered and their results kept until they are added.
    let gathered = blocks.contains { $0.experts != nil } ? 2 * width : 0
    return 4 * (3 * max(width, embedding.tokenWidth ?? 0) + branchWidth + 2 * normedRows + gathered)
  }
}

extension Attention {
  fileprivate var branchWidth: Int {
    let heads = queryWidth + keyWidth + valuesWidth + mixedWidth
    guard let latent else { return heads }
    let down = latent.keyValueRank + latent.rotaryWidth
    let up = self.heads * (headWidth - latent.rotaryWidth + valueWidth)
    return heads + max(latent.queryRank ?? 0, down + latent.keyValueRank + up)
  }
}

extension FeedForward {
  fileprivate var branchWidth: Int {
    switch self {
    case .dense(let mlp): mlp.branchWidth
    case .experts(let experts):
      experts.count + 2 * experts.active
        + max(experts.active * experts.expert.branchWidth, (experts.shared?.branchWidth ?? 0) + 1)
    }
  }
}

extension MLP {
  fileprivate var branchWidth: Int { isGated ? 2 * neurons : neurons }
}
