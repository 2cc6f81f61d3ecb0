import Activations
import Architectures
import Foundation
import Interventions
import LinearAlgebra
import Testing
import Transformer

/// Programs compiled into transformers (Scripts/references/tracr_programs.py), whose circuits are known: patching must name
/// their places and nothing else.
@Suite struct CompiledProgramTests {
  struct Expected: Decodable {
    struct Case: Decodable {
      let text: String
      let tokens: [Int32]
      let logits: [Float]
    }
    let cases: [Case]
  }

  let letters = Dictionary(uniqueKeysWithValues: zip("abcde", (1...5).map(Int32.init)))

  private func folder(_ name: String) throws -> URL {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/tracr/\(name)")
  }

  private func pair(_ clean: String, _ corrupt: String, right: Character, wrong: Character) throws -> PromptPair {
    func tokens(_ text: String) -> [Int32] { [0] + text.compactMap { letters[$0] } }
    return try PromptPair(
      clean: tokens(clean), corrupt: tokens(corrupt),
      answers: Answers(right: letters[right] ?? 0, wrong: letters[wrong] ?? 0))
  }

  /// The cells that move the answer at all, as layer, position and part; each must restore it whole.
  private func places(_ result: PatchingResult) -> Set<[Int]> {
    var places: Set<[Int]> = []
    for grid in result.sites {
      for (index, cell) in grid.cells.enumerated() where abs(cell.restored) > 0.01 {
        #expect(abs(cell.restored - 1) < 0.02)
        let place = grid.place(index)
        places.insert([place.layer, place.position, place.part].compactMap(\.self))
      }
    }
    return places
  }

  @Test(arguments: ["induction", "repeated"]) func logitsAreTheProgrammes(_ name: String) throws {
    let model = try Model.load(folder(name))
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: folder(name).appending(path: "expected.json")))
    #expect(expected.cases.count == 4)
    #expect(!model.architecture.sites.contains { $0.name.contains("ln1") })
    for example in expected.cases {
      let logits = try #require(
        try model.run(TokenBatch(documents: [example.tokens]), logits: .lastOfEachDocument)
      ).row(0)
      for (value, wanted) in zip(logits, example.logits) { #expect(abs(value - wanted) < 1e-3, "\(example.text)") }
    }
  }

  /// In `a b c d a` the answer follows the earlier a: head 0 of layer 1 writes at b that a stood before it, head 0 of layer 2
  /// finds b by that from the last token.
  @Test func inductionHasItsTwoHeads() throws {
    let model = try Model.load(folder("induction"))
    func sites(_ names: String) throws -> [Site] { try model.architecture.select(sites: names) }
    let pair = try pair("abcda", "dbcda", right: "b", wrong: "c")
    for direction in Patching.Direction.allCases {
      let heads = try Patching(direction, over: [.positions, .parts]).run([pair], sites: sites("z"), in: model)
      let found =
        direction == .denoising
        ? places(heads)
        : Set(
          heads.strongest(2).map { place in
            let cell = heads.sites[0].place(place.cell)
            #expect(abs(place.effect - 1) < 0.02)
            return [cell.layer, cell.position, cell.part].compactMap(\.self)
          })
      #expect(found == [[1, 2, 0], [2, 5, 0]])
    }
    let streams = try Patching().run([pair], sites: sites("resid_pre"), in: model)
    #expect(places(streams) == [[0, 1], [1, 1], [2, 2]])
    #expect(try places(Patching().run([pair], sites: sites("mlp_out"), in: model)).isEmpty)
    #expect(try places(Patching().run([pair], sites: sites("attn_out"), in: model)) == [[1, 2], [2, 5]])
    // The first head speaks to the second through its keys alone, and to the answer not directly.
    let sender = [Site(.mixed, layer: 1)]
    for (receiver, isPath) in [("L2.k", true), ("L2.q", false), ("L2.v", false), ("logits", false)] {
      let path = try PathPatching(to: model.architecture.receivers(named: receiver)).run(
        [pair], senders: sender, in: model)
      #expect(places(path) == (isPath ? [[1, 0]] : []), "\(receiver)")
    }
  }

  /// In `a c c c` the token before and the one before that agree: two heads side by side, then neurons. Where only the second
  /// differs, its head and the neurons behind it carry the answer, and the other head does not.
  @Test func agreementHasItsHeadAndItsNeurons() throws {
    let model = try Model.load(folder("repeated"))
    func run(_ sites: String, _ pair: PromptPair) throws -> PatchingResult {
      try Patching().run([pair], sites: model.architecture.select(sites: sites), in: model)
    }
    let second = places(try run("z", pair("accc", "adcc", right: "c", wrong: "e")))
    let first = places(try run("z", pair("accc", "acdc", right: "c", wrong: "e")))
    #expect(second.count == 1 && first.count == 1 && first != second)
    #expect(first.first?[0] == second.first?[0])
    let neurons = places(try run("mlp_out", pair("accc", "adcc", right: "c", wrong: "e")))
    #expect(neurons.count == 1)
    let layer = try #require(neurons.first?[0])
    #expect(neurons.first?[1] == 4 && layer >= second.first?[0] ?? 99)
  }
}
