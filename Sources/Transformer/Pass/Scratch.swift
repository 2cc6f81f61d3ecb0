/// Memory for the values of one run, allocated once and used again in every layer.
///
/// With n tokens: four matrices [n, d_model], and one region that holds the attention's queries, keys, values and mixed
/// values, and after it the MLP's neurons.
final class Scratch {
  private let memory: UnsafeMutablePointer<Float>
  /// The residual stream. Shape: [n, d_model].
  let residual: UnsafeMutablePointer<Float>
  /// What a branch reads: the residual stream, normalized. Shape: [n, d_model].
  let input: UnsafeMutablePointer<Float>
  /// What a branch adds to the residual stream. Shape: [n, d_model].
  let output: UnsafeMutablePointer<Float>
  /// Means and scales of the norms. Shape: [2, n].
  let scales: UnsafeMutablePointer<Float>
  /// The values inside a branch. Shape: [n, `branchWidth`].
  let branch: UnsafeMutablePointer<Float>

  init(tokens: Int, configuration: Configuration) {
    let matrix = tokens * configuration.width
    let count = 3 * matrix + 2 * tokens + tokens * configuration.branchWidth
    memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: max(count, 1))
    residual = memory
    input = residual + matrix
    output = input + matrix
    branch = output + matrix
    scales = branch + tokens * configuration.branchWidth
  }

  deinit { UnsafeMutableRawPointer(memory).deallocate() }
}

extension Configuration {
  /// How many values of a token live at once inside a branch: q, k, v and z, rotated q and k beside them; or the
  /// neurons, twice where they are gated.
  var branchWidth: Int {
    max(
      2 * attention.queryWidth + 2 * attention.keyValueWidth, mlp.gated ? 2 * mlp.width : mlp.width,
      head.kind == .maskedToken ? width : 0)
  }

  /// How many bytes of memory a run takes for each token of its batch, beside the weights and what hooks keep.
  public var workingBytesPerToken: Int { 4 * (3 * width + branchWidth + 2) }
}
