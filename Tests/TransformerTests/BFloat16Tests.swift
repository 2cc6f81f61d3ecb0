import Architectures
import Checkpoints
import LinearAlgebra
import Testing
import Transformer

@Suite struct BFloat16Tests {
  /// The products' factors are rounded, and nothing else: sums, norms, attention and the residual stream are float32.
  /// Without experts: a rounded activation can wake another one, here as in PyTorch, at other tokens.
  static let names = Reference.names.filter { name in
    (try? Reference(name).model.architecture.blocks.allSatisfy { $0.experts == nil }) ?? true
  }

  @Test(arguments: names) func errorIsAtMostOneAndAHalfTimesPyTorchs(_ name: String) throws {
    let ratio = try #require(try Reference(name).bfloat16Ratio())
    #expect(ratio > 0)
    #expect(ratio <= 1.5)
  }
}

extension Reference {
  /// The root-mean-square error of the last values in bfloat16, over that of PyTorch's bfloat16; nil where the latter is
  /// not known.
  func bfloat16Ratio() throws -> Double? {
    guard let peer = try expected["bfloat16"]?.floats().first else { return nil }
    let exact = try lastValues()
    let rounded = try Reference(name, compute: .bfloat16).lastValues()
    let error = zip(rounded, exact).reduce(0) { $0 + square($1.0 - $1.1) }
    let size = exact.reduce(0) { $0 + square($1) }
    return (error / size).squareRoot() / Double(peer)
  }

  /// The logits, or the last block's output where there are none.
  private func lastValues() throws -> [Float] {
    let architecture = model.architecture
    if architecture.hasLogits { return try model.run(batch, logits: .all)?.elements ?? [] }
    var values: [Float] = []
    let last = Site(.normalizedResidPost, layer: architecture.layers - 1)
    try model.run(batch, hooks: [Hook(last) { values = $0.copy() }])
    return values
  }
}

private func square(_ value: Float) -> Double { Double(value) * Double(value) }
