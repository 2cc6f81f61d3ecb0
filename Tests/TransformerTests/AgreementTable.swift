import Foundation
import LinearAlgebra
import Testing
import Transformer

/// The table of `docs/agreement.md`, printed where UNFOLD_AGREEMENT is set.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["UNFOLD_AGREEMENT"] != nil, "UNFOLD_AGREEMENT is not set"))
struct AgreementTable {
  /// Sites that share a column.
  static let groups: [(name: String, holds: @Sendable (Site.Kind) -> Bool)] = [
    ("embeddings", { $0 < .residPre }),
    ("residual stream", { [.residPre, .residMid, .residPost, .normalizedResidPost].contains($0) }),
    (
      "norms",
      {
        [
          .norm1Scale, .norm1Normalized, .norm1PostScale, .norm1PostNormalized, .norm2Scale, .norm2Normalized,
          .norm2PostScale, .norm2PostNormalized, .queryNormScale, .queryNormNormalized, .keyNormScale,
          .keyNormNormalized, .finalScale, .finalNormalized,
        ].contains($0)
      }
    ),
    ("q, k, v", { [.query, .key, .value, .rotatedQuery, .rotatedKey, .queryLatent, .keyValueLatent].contains($0) }),
    ("scores, pattern", { [.scores, .pattern].contains($0) }),
    ("z, result, attn_out", { [.mixed, .result, .attentionOut].contains($0) }),
    ("neurons", { [.mlpIn, .mlpPre, .mlpPreLinear, .mlpPost, .mlpOut].contains($0) }),
    (
      "experts",
      {
        $0.isInExpert || [.routerLogits, .expertWeights, .expertIndices, .sharedPost].contains($0)
      }
    ),
    ("logits", { [.headDense, .unembedIn, .unembedOut].contains($0) }),
  ]

  @Test func printed() throws {
    var lines = ["| model | " + Self.groups.map(\.name).joined(separator: " | ") + " | bfloat16 |"]
    lines.append("| --- |" + String(repeating: " --- |", count: Self.groups.count + 1))
    for name in Reference.names { lines.append(try row(name, Reference(name))) }
    if let minilm { lines.append(try row("all-MiniLM-L6-v2", Reference("minilm", model: minilm))) }
    print(lines.joined(separator: "\n"))
  }

  private func row(_ name: String, _ reference: Reference) throws -> String {
    let errors = try reference.errors()
    let cells = Self.groups.map { group in
      errors.filter { group.holds($0.key.kind) }.values.max().map { String(format: "%.1e", $0) } ?? "–"
    }
    let ratio = try reference.bfloat16Ratio().map { String(format: "%.2f", $0) } ?? "–"
    return "| \(name) | " + (cells + [ratio]).joined(separator: " | ") + " |"
  }
}
