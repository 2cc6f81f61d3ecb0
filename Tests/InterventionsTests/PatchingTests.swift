import Activations
import Architectures
import Diagnostics
import Foundation
import Interventions
import LinearAlgebra
import Probes
import Testing
import Transformer

/// Grids against plain PyTorch hooks, and of GPT-2 TransformerLens's `patching.py` (Scripts/references/patching.py).
@Suite struct PatchingTests {
  struct Case: Decodable {
    struct Grid: Decodable {
      let direction: Patching.Direction
      let site: String
      /// restored, probability, divergence.
      let cells: [[Double]]
    }
    let model: String
    let clean: [Int32]
    let corrupt: [Int32]
    let right: Int32
    let wrong: Int32
    let cleanDifference: Double
    let corruptDifference: Double
    let grids: [Grid]
    let paths: [String: [[Double]]]

    func pair() throws -> PromptPair {
      try PromptPair(clean: clean, corrupt: corrupt, answers: Answers(right: right, wrong: wrong))
    }
    func loaded() throws -> Model { try Model.load(models.appending(path: model)) }
  }

  static let models = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "TransformerTests/Fixtures")

  static let cases: [Case] = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let url = Bundle.module.resourceURL?.appending(path: "Fixtures/patching.json")
    return (try? decoder.decode([Case].self, from: Data(contentsOf: url ?? URL(filePath: "/")))) ?? []
  }()

  /// Float32 against float64: of the largest effect in the grid.
  static let tolerance = 1e-4

  private func compare(_ cells: [PatchingEffect], _ expected: [[Double]], _ what: String) {
    #expect(cells.count == expected.count, "\(what)")
    let largest = expected.map { abs($0[0]) }.max() ?? 0
    let divergence = expected.map { $0[2] }.max() ?? 0
    for (cell, values) in zip(cells, expected) {
      #expect(abs(cell.restored - values[0]) < Self.tolerance * max(largest, 1), "\(what)")
      #expect(abs(cell.probability - values[1]) < Self.tolerance, "\(what)")
      #expect(abs(cell.divergence - values[2]) < Self.tolerance * max(divergence, 0.1), "\(what)")
    }
  }

  @Test func referencesAreThere() { #expect(Self.cases.map(\.model) == ["gpt2", "llama", "gemma2", "mixtral"]) }

  @Test(arguments: 0..<4) func gridsAreThoseOfHooks(_ number: Int) throws {
    let expected = Self.cases[number]
    let model = try expected.loaded()
    for grid in expected.grids {
      let sites = try model.architecture.select(sites: grid.site)
      // Small batches, so that a grid takes several.
      let result = try Patching(grid.direction, batchTokens: 20).run([expected.pair()], sites: sites, in: model)
      #expect(abs(result.clean - expected.cleanDifference) < 1e-5)
      #expect(abs(result.corrupt - expected.corruptDifference) < 1e-5)
      #expect(result.sites.count == 1)
      #expect(result.sites[0].site == grid.site)
      compare(result.sites[0].cells, grid.cells, "\(expected.model) \(grid.direction) \(grid.site)")
    }
  }

  @Test(arguments: 0..<4) func pathsAreThoseOfFrozenRuns(_ number: Int) throws {
    let expected = Self.cases[number]
    let model = try expected.loaded()
    let last = model.architecture.layers - 1
    let senders = try model.architecture.select(sites: "z", layers: last > 0 ? "0-\(last - 1)" : "0")
    let toLogits = try PathPatching(to: [.logits]).run([expected.pair()], senders: senders, in: model)
    compare(toLogits.sites[0].cells, expected.paths["logits"] ?? [], "\(expected.model) logits")
    let inputs = [Site.Kind.query, .key, .value].map { PathPatching.Receiver.site(Site($0, layer: last), part: nil) }
    let toAttention = try PathPatching(to: inputs).run([expected.pair()], senders: senders, in: model)
    compare(toAttention.sites[0].cells, expected.paths["attention"] ?? [], "\(expected.model) attention")
  }

  /// Every site that can be patched: all positions, all layers' streams restored give the clean answer; a grid over parts and
  /// positions has the cells of each alone.
  @Test(arguments: ["gpt2", "llama", "gemma2", "mixtral", "deepseek_v2", "gpt_neox", "bloom", "gpt_oss", "olmo2"])
  func whatIsKnownOfEveryFamily(_ name: String) throws {
    let model = try Model.load(Self.models.appending(path: name))
    let pair = try PromptPair(
      clean: [5, 6, 7, 8, 9, 10], corrupt: [5, 6, 11, 8, 12, 10], answers: Answers(right: 3, wrong: 4))
    let sites = model.architecture.sites.filter { $0.kind <= .normalizedResidPost && $0.kind != .result }
    let whole = try Patching(over: []).run([pair], sites: sites, in: model)
    for grid in whole.sites where grid.site == "resid_pre" {
      for cell in grid.cells { #expect(abs(cell.restored - 1) < 1e-4 && cell.divergence < 1e-6) }
    }
    let streams = try model.architecture.select(sites: "resid_post")
    let last = try Patching().run([pair], sites: streams, in: model).sites[0]
    // Behind the last layer the answer is read off the last token alone.
    for cell in last.cells.indices {
      let place = last.place(cell)
      guard place.layer == model.architecture.layers - 1 else { continue }
      #expect(abs(last.cells[cell].restored - (place.position == 5 ? 1 : 0)) < 1e-4)
    }
    let heads = try model.architecture.select(sites: "z", layers: "0")
    let cut = try Patching(over: [.positions, .parts]).run([pair], sites: heads, in: model).sites[0]
    #expect(cut.axes == ["layer", "position", "head"])
    #expect(cut.shape == [1, 6, model.architecture.blocks[0].attention.heads])
    // Before the texts differ a patch changes nothing.
    for cell in cut.cells.indices where (cut.place(cell).position ?? 0) < 2 { #expect(cut.cells[cell].restored == 0) }
  }

  @Test func pairsAreSummedUp() throws {
    let model = try Model.load(Self.models.appending(path: "gpt2"))
    let answers = Answers(right: 3, wrong: 4)
    let pairs = try [11, 12, 13, 14, 15].map { (other: Int32) in
      try PromptPair(clean: [5, 6, 7, 8], corrupt: [5, 6, other, 8], answers: answers)
    }
    let sites = try model.architecture.select(sites: "resid_pre,mlp_post", layers: "1")
    let together = try Patching(over: [.positions]).run(pairs, sites: sites, in: model)
    let alone = try pairs.map { try Patching(over: [.positions]).run([$0], sites: sites, in: model) }
    #expect(together.pairs == 5)
    for (grid, sites) in together.sites.enumerated() {
      for (index, cell) in sites.cells.enumerated() {
        let differences = alone.map { $0.sites[grid].cells[index].difference }
        let mean = differences.reduce(0, +) / 5
        #expect(abs(cell.difference - mean) < 1e-9)
        #expect(abs(cell.restored - (mean - together.corrupt) / (together.clean - together.corrupt)) < 1e-9)
        let interval = try #require(cell.interval)
        #expect(interval.low <= cell.restored && cell.restored <= interval.high)
      }
    }
    let strongest = together.strongest(8)
    #expect(strongest.count == 8)
    #expect(strongest.map { abs($0.effect) } == strongest.map { abs($0.effect) }.sorted(by: >))
    // Behind the first token that differs nothing is patched that the answer could follow from.
    #expect(together.sites[0].cells[0].chance == 1 && together.sites[0].cells[0].restored == 0)
    #expect(strongest.allSatisfy { $0.corrected.map { (0...1).contains($0) } ?? false })
    let one = try Patching(over: [.positions], parts: nil).run([pairs[0]], sites: sites, in: model)
    #expect(one.sites[0].cells[0].interval == nil && one.strongest(1)[0].corrected == nil)
  }

  @Test func whatCannotBePatchedIsRefused() throws {
    let model = try Model.load(Self.models.appending(path: "gpt2"))
    let answers = Answers(right: 3, wrong: 4)
    func name(_ body: () throws -> Void) -> String? {
      do { try body() } catch { return (error as? Fault)?.name }
      return nil
    }
    func site(_ name: String, _ layers: String? = nil) throws -> [Site] {
      try model.architecture.select(sites: name, layers: layers)
    }
    #expect(name { _ = try PromptPair(clean: [1, 2], corrupt: [1], answers: answers) } == "patching.lengths")
    #expect(name { _ = try PromptPair(clean: [1, 2], corrupt: [1, 2], answers: answers) } == "patching.sameTexts")
    #expect(
      name { _ = try PromptPair(clean: [1, 2], corrupt: [1, 3], answers: Answers(right: 1, wrong: 1)) }
        == "patching.sameAnswers")
    let pair = try PromptPair(clean: [1, 2], corrupt: [1, 3], answers: answers)
    let longer = try PromptPair(clean: [1, 2, 5], corrupt: [1, 3, 5], answers: answers)
    let residual = try site("resid_pre")
    #expect(name { _ = try Patching().run([pair, longer], sites: residual, in: model) } == "patching.lengths")
    #expect(name { _ = try Patching(over: []).run([pair, longer], sites: residual, in: model) } == nil)
    #expect(name { _ = try Patching().run([], sites: residual, in: model) } == "patching.noPairs")
    #expect(name { _ = try Patching().run([pair], sites: site("logits"), in: model) } == "patching.site")
    #expect(name { _ = try Patching(parts: [99]).run([pair], sites: site("z"), in: model) } == "patching.part")
    let twice = PathPatching(to: [.site(Site(.query, layer: 1), part: 0)])
    #expect(name { _ = try twice.run([pair], senders: site("z"), in: model) } == "patching.sender")
    #expect(name { _ = try twice.run([pair], senders: site("resid_pre", "0"), in: model) } == "patching.sender")
    let nowhere = PathPatching(to: [.site(Site(.query, layer: 1), part: 77)])
    #expect(name { _ = try nowhere.run([pair], senders: site("z", "0"), in: model) } == "patching.receiver")
    let masked = try Model.load(Self.models.appending(path: "bert"))
    #expect(
      name { _ = try Patching().run([pair], sites: masked.architecture.select(sites: "resid_pre"), in: masked) }
        == "transformer.noNextToken")
  }
}
