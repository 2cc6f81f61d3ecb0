import Foundation
import LinearAlgebra
import Testing
import Transformer

/// Every site of every family against Hugging Face and the plain float64 implementation that is held against it.
@Suite struct AgreementTests {
  /// The noise of float32 is below 1e-6 here (docs/agreement.md); an error in an activation function or a scale
  /// shows at 1e-4 and above.
  static let tolerance = 1e-5

  @Test(arguments: Reference.names) func everySiteAgrees(_ name: String) throws {
    let reference = try Reference(name)
    let configuration = reference.model.configuration
    #expect(Set(configuration.sites.map(\.name)) == reference.siteNames)
    for (site, error) in try reference.errors() { #expect(error < Self.tolerance, "\(name) \(site)") }
  }

  @Test(arguments: Reference.names) func editsFlowOnFromEverySite(_ name: String) throws {
    let reference = try Reference(name)
    let (model, batch) = (reference.model, reference.batch)
    let configuration = model.configuration
    let last = Site(
      configuration.hasLogits
        ? .unembedOut : configuration.norm.place == .after ? .normalizedResidPost : .residPost,
      layer: configuration.hasLogits ? nil : configuration.layers - 1)
    for site in configuration.sites {
      var values: [Float] = []
      let edit = Hook(site) { value in
        guard value.rows.contains(reference.edited) else { return }
        value.setRow(
          reference.edited,
          to: value.row(reference.edited).enumerated().map { 1.5 * $1 + 0.2 * Float($0 % 3) })
      }
      let read = Hook(last) { value in
        values = value.row(reference.edited) + value.row(batch.count - 1)
      }
      try model.run(batch, hooks: [edit, read])
      #expect(relativeError(values, try reference.edit(site.name)) < Self.tolerance, "\(name) \(site.name)")
    }
  }

  /// Without hooks the pass takes its fused paths: the logits must be the same.
  @Test(arguments: Reference.names) func logitsWithoutHooksAgree(_ name: String) throws {
    let reference = try Reference(name)
    guard reference.model.configuration.hasLogits else { return }
    let logits = try #require(try reference.model.run(reference.batch, logits: .all)?.elements)
    let width = reference.model.configuration.vocabularySize
    let kept = reference.rows.flatMap { logits[$0 * width..<($0 + 1) * width] }
    #expect(relativeError(kept, try reference.site("unembed.hook_out")) < Self.tolerance)
    let ends = try #require(try reference.model.run(reference.batch, logits: .lastOfEachDocument)?.elements)
    let expected = reference.batch.starts.dropFirst().flatMap { logits[($0 - 1) * width..<$0 * width] }
    #expect(relativeError(ends, expected) < 1e-5)
  }
}
