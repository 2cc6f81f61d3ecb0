import Foundation
import Neurons
import Probes
import Testing

@testable import Interventions

/// Against Hugging Face with plain PyTorch hooks and against TransformerLens, in float64 (`Scripts/references/ablation.py`).
@Suite struct AblationReferenceTests {
  struct Expected: Decodable {
    struct Effect: Decodable {
      let loss: Double
      let kl: Double
    }
    let documents: [[Int32]]
    let clean: Double
    let zero: [String: Effect]
    let mean: [String: Effect]
    let lens: [String: Effect]?
  }

  /// Losses of about 5 nats, in float32 against float64.
  static let tolerance = 1e-5

  @Test(arguments: ["gpt2", "llama", "gemma2"], AblationReplacement.allCases.filter { $0 != .resample })
  func lossesAreThoseOfHooks(_ name: String, _ replacement: AblationReplacement) throws {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/ablation", withExtension: "json"))
    let all = try JSONDecoder().decode([String: Expected].self, from: Data(contentsOf: url))
    let expected = try #require(all[name])
    let model = try TinyModels.load(name)
    let items =
      try AblationItem.neurons("L0.3,L1.7", in: model) + AblationItem.heads("L0.H1,L1.H0", in: model) + [
        .attention(layer: 1, in: model), .mlp(layer: 0, in: model), .layer(1, in: model),
      ]
    let result = try Ablation(replacement: replacement).run(
      items, model: model, source: TinyModels.source(model, expected.documents))
    let effects = replacement == .zero ? expected.zero : expected.mean
    #expect(result.items.count == effects.count)
    for item in result.items {
      let known = try #require(effects[item.what])
      #expect(abs(item.all.loss.before - expected.clean) < Self.tolerance)
      #expect(abs(item.all.loss.after - known.loss) < Self.tolerance, "\(name) \(item.what) \(replacement)")
      #expect(abs(item.all.divergence.change - known.kl) < Self.tolerance, "\(name) \(item.what) \(replacement)")
      if replacement == .zero, let lens = expected.lens?[item.what] {
        #expect(abs(item.all.loss.after - lens.loss) < Self.tolerance)
      }
    }
  }
}
