import Activations
import Architectures
import Dictionaries
import Foundation
import Interventions
import LinearAlgebra
import Testing
import Transformer

/// Verbs on a model with a dictionary spliced in, against whole runs with the splice as a hook.
@Suite struct SplicingTests {
  let session: Session
  let dictionary: SparseAutoencoder
  let site = Site(.residPre, layer: 1)

  init() throws {
    let model = try Model.load(PatchingTests.models.appending(path: "gpt2"))
    session = Session(model: model, tokenizer: nil, name: "gpt2")
    var generator = SeededGenerator(seed: 3)
    let width = model.architecture.width
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Float(generator.normal()) * 0.3 })
    }
    dictionary = SparseAutoencoder(
      configuration: .init(architecture: .topK, inputWidth: width, latents: 32, k: 6, hookIn: site.name),
      encoder: matrix(32, width), encoderBias: Array(repeating: 0, count: 32), decoder: matrix(32, width),
      decoderBias: Array(repeating: 0.01, count: width))
  }

  /// The splice as a hook of one run.
  private var hook: Hook {
    Hook(site) { [dictionary] value in
      let rebuilt = dictionary.reconstruct(
        Matrix(rows: value.rows.count, columns: value.width, elements: value.copy()))
      for token in value.rows { value.setRow(token, to: rebuilt.row(token)) }
    }
  }

  private func logits(_ tokens: [Int32], _ hooks: [Hook]) throws -> [Float] {
    try #require(
      try session.model.run(TokenBatch(documents: [tokens]), hooks: hooks, logits: .lastOfEachDocument)
    ).elements
  }

  @Test func everyRunIsSpliced() throws {
    let spliced = try session.splicing(dictionary).model
    let tokens: [Int32] = [5, 6, 7, 8, 9]
    let own = try #require(
      try spliced.run(TokenBatch(documents: [tokens]), logits: .lastOfEachDocument)
    ).elements
    let expected = try logits(tokens, [hook])
    #expect(zip(own, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(try zip(own, logits(tokens, [])).contains { abs($0 - $1) > 1e-3 })
    // With keys and values kept, token by token.
    let written = try spliced.generate(after: [tokens], count: 6)[0].tokens
    var text = tokens
    for token in written {
      let row = try logits(text, [hook])
      #expect(row.indices.max { row[$0] < row[$1] } == Int(token))
      text.append(token)
    }
  }

  @Test(arguments: ["resid_pre", "resid_post", "attn_out", "z"]) func gridsAreThoseOfTheSplicedModel(_ name: String)
    throws
  {
    let spliced = try session.splicing(dictionary)
    let (clean, corrupt): ([Int32], [Int32]) = ([5, 6, 7, 8], [5, 9, 7, 8])
    let answers = Answers(right: 3, wrong: 4)
    let sites = try session.model.architecture.select(sites: name)
    let result = try Patching(over: [.positions]).run(
      [PromptPair(clean: clean, corrupt: corrupt, answers: answers)], sites: sites, in: spliced.model)
    func difference(_ tokens: [Int32], _ hooks: [Hook]) throws -> Double {
      let row = try logits(tokens, [hook] + hooks)
      return Double(row[3]) - Double(row[4])
    }
    #expect(abs(result.clean - (try difference(clean, []))) < 1e-5)
    #expect(abs(result.corrupt - (try difference(corrupt, []))) < 1e-5)
    for (layer, site) in sites.enumerated() {
      var kept: [[Float]] = []
      _ = try logits(clean, [hook, Hook(site) { value in kept = value.rows.map { value.row($0) } }])
      for position in clean.indices {
        let patched = try difference(corrupt, [Hook(site) { value in value.setRow(position, to: kept[position]) }])
        #expect(abs(result.sites[0].cells[layer * clean.count + position].difference - patched) < 1e-4)
      }
    }
  }
}
