import Architectures
import Checkpoints
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
    let architecture = reference.model.architecture
    #expect(Set(architecture.sites.map(\.name)) == reference.siteNames)
    for (site, error) in try reference.errors() { #expect(error < Self.tolerance, "\(name) \(site)") }
  }

  @Test(arguments: Reference.names) func editsFlowOnFromEverySite(_ name: String) throws {
    let reference = try Reference(name)
    let (model, batch) = (reference.model, reference.batch)
    let architecture = model.architecture
    let last = Site(
      architecture.hasLogits
        ? .unembedOut : architecture.blocks[0].normPlace == .onStream ? .normalizedResidPost : .residPost,
      layer: architecture.hasLogits ? nil : architecture.layers - 1)
    for site in architecture.sites {
      // Into experts that the edited token is not routed to nothing can be written.
      guard let expected = try reference.edit(site.name) else {
        #expect(site.expert != nil)
        continue
      }
      var values: [Float] = []
      let edit = Hook(site) { value in
        guard value.row(of: reference.edited) != nil else { return }
        let row = value.row(reference.edited)
        value.setRow(
          reference.edited,
          to: site.kind == .expertIndices ? row.reversed() : row.enumerated().map { 1.5 * $1 + 0.2 * Float($0 % 3) })
      }
      let read = Hook(last) { value in
        values = value.row(reference.edited) + value.row(batch.count - 1)
      }
      try model.run(batch, hooks: [edit, read])
      #expect(relativeError(values, expected) < Self.tolerance, "\(name) \(site.name)")
    }
  }

  @Test(arguments: Reference.names) func lossAndGreedyTextAgree(_ name: String) throws {
    let reference = try Reference(name)
    let (model, batch) = (reference.model, reference.batch)
    if let losses = try reference.expected["loss"]?.floats() {
      let own = try model.tokenLosses(batch)
      for document in 0..<batch.documentCount where batch.lengths[document] > 1 {
        let some = own[batch.rows(of: document)].compactMap { $0 }
        let mean = some.reduce(0, +) / Double(some.count)
        #expect(abs(mean - Double(losses[document])) < 1e-5 * max(1, mean), "\(name) document \(document)")
      }
    }
    if reference.expected["greedy"] != nil {
      let greedy = try Reference.integers(reference.expected, "greedy")
      let last = Array(batch.ids[batch.rows(of: batch.documentCount - 1)])
      #expect(try model.generate(after: [last], count: greedy.count)[0].tokens == greedy, "\(name)")
    }
  }

  /// Without hooks the pass takes its fused paths: the logits must be the same.
  @Test(arguments: Reference.names) func logitsWithoutHooksAgree(_ name: String) throws {
    let reference = try Reference(name)
    guard reference.model.architecture.hasLogits else { return }
    let logits = try #require(try reference.model.run(reference.batch, logits: .all)?.elements)
    let width = reference.model.architecture.vocabularySize
    let kept = reference.rows.flatMap { logits[$0 * width..<($0 + 1) * width] }
    #expect(relativeError(kept, try reference.site("unembed.hook_out")) < Self.tolerance)
    let ends = try #require(try reference.model.run(reference.batch, logits: .lastOfEachDocument)?.elements)
    let expected = reference.batch.starts.dropFirst().flatMap { logits[($0 - 1) * width..<$0 * width] }
    #expect(relativeError(ends, expected) < 1e-5)
  }
}
