import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Neurons
import Probes
import Testing
import Transformer

@testable import Interventions

/// What dictionaries' features and directions cost, against whole runs with edits of their own.
@Suite struct FeatureAblationTests {
  static func dictionary(
    _ input: Site, _ output: Site? = nil, width: Int, outputWidth: Int? = nil, latents: Int = 24,
    rescaled: Bool = false,
    normalization: SparseAutoencoder.Normalization = .none, seed: UInt64 = 1
  ) -> SparseAutoencoder {
    var generator = SeededGenerator(seed: seed)
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Float(generator.normal()) * 0.4 })
    }
    let m = outputWidth ?? width
    return SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, outputWidth: m, latents: latents, hookIn: input.name,
        hookOut: output?.name, normalization: normalization, rescaleByDecoderNorm: rescaled),
      encoder: matrix(latents, width), encoderBias: (0..<latents).map { _ in Float(generator.normal()) * 0.2 },
      decoder: matrix(latents, m), decoderBias: (0..<m).map { _ in Float(generator.normal()) * 0.2 })
  }

  /// The run in which the rows at `output` lose what the feature adds: the reconstruction without it in place of that with it.
  private func loss(
    _ model: Model, _ batch: TokenBatch, _ dictionary: SparseAutoencoder, without latent: Int, _ input: Site,
    _ output: Site
  ) throws -> Loss {
    func taken(_ latents: SparseLatents) -> SparseLatents {
      var latents = latents
      for place in latents.indices.indices where Int(latents.indices[place]) == latent { latents.values[place] = 0 }
      return latents
    }
    var read = Matrix(zeros: 0, columns: 0)
    var take = Hook(output) { value in
      let latents = dictionary.encode(read)
      let (whole, rest) = (
        dictionary.decode(latents, input: read), dictionary.decode(taken(latents), input: read)
      )
      for token in value.rows {
        for column in 0..<value.width { value[token, column] += rest[token, column] - whole[token, column] }
      }
    }
    let look = Hook(input) { read = Matrix(rows: $0.rows.count, columns: $0.width, elements: $0.copy()) }
    if input == output {
      let inner = take
      take = Hook(output) { value in
        read = Matrix(rows: value.rows.count, columns: value.width, elements: value.copy())
        try inner.body(&value)
      }
      return try model.loss(batch, hooks: [take])
    }
    return try model.loss(batch, hooks: [look, take])
  }

  @Test(arguments: ["gpt2", "gemma2", "mixtral"]) func itLosesWhatTheFeatureAdds(_ name: String) throws {
    let model = try TinyModels.load(name)
    let architecture = model.architecture
    let documents = TinyModels.documents(6, vocabulary: architecture.vocabularySize, seed: 2)
    let (source, batch) = (try TinyModels.source(model, documents), TokenBatch(documents: documents))
    let width = architecture.width
    let (stream, mlp) = (Site(.residPost, layer: 0), Site(.mlpOut, layer: 1))
    let (read, written) = (Site(.mlpIn, layer: 0), Site(.mlpOut, layer: 0))
    let scaled = Site(.residPre, layer: 1)
    let cases: [(SparseAutoencoder, Site, Site)] = [
      (Self.dictionary(stream, width: width), stream, stream), (Self.dictionary(mlp, width: width), mlp, mlp),
      (Self.dictionary(read, written, width: width), read, written),
      (Self.dictionary(scaled, width: width, normalization: .constantNormRescale), scaled, scaled),
      (Self.dictionary(stream, width: width, rescaled: true), stream, stream),
    ]
    for (dictionary, input, output) in cases {
      let items = try AblationItem.features([3, 11, 17], of: dictionary, name: "d", in: model)
      let result = try Ablation(replacement: .zero).run(items, model: model, source: source)
      for (item, latent) in zip(result.items, [3, 11, 17]) {
        let expected = try loss(model, batch, dictionary, without: latent, input, output)
        #expect(item.what == "d:\(latent)")
        #expect(abs(item.all.loss.after - expected.mean) < 2e-5, "\(name) \(output) \(latent)")
      }
    }
  }

  @Test func aDirectionIsProjectedOut() throws {
    let model = try TinyModels.load("llama")
    let width = model.architecture.width
    var generator = SeededGenerator(seed: 5)
    let values = (0..<width).map { _ in Float(generator.normal()) * 3 }
    let site = Site(.residPost, layer: 0)
    let direction = try Direction(values, name: "v", kind: .vector, at: site, in: model)
    let documents = TinyModels.documents(6, vocabulary: model.architecture.vocabularySize, seed: 9)
    let (source, batch) = (try TinyModels.source(model, documents), TokenBatch(documents: documents))
    let unit = direction.unit
    func project(_ row: [Float]) -> Float { zip(row, unit).reduce(0) { $0 + $1.0 * $1.1 } }
    var sum: Float = 0
    try model.run(batch, hooks: [Hook(site) { value in for t in value.rows { sum += project(value.row(t)) } }])
    for (replacement, wanted) in [(AblationReplacement.zero, Float(0)), (.mean, sum / Float(batch.count))] {
      let result = try Ablation(replacement: replacement).run([.direction(direction)], model: model, source: source)
      let loss = try model.loss(
        batch,
        hooks: [
          Hook(site) { value in
            for token in value.rows {
              let change = wanted - project(value.row(token))
              for column in 0..<width { value[token, column] += change * unit[column] }
            }
          }
        ])
      #expect(abs(result.items[0].all.loss.after - loss.mean) < 1e-5)
      #expect(result.items[0].value.map { abs($0 - wanted) < 1e-4 } == true)
    }
  }

  @Test func whatIsNoFeatureIsSaid() throws {
    let model = try TinyModels.load("gpt2")
    let dictionary = Self.dictionary(Site(.residPost, layer: 0), width: 16)
    func fault(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(
      fault { _ = try AblationItem.features([24], of: dictionary, name: "d", in: model) } == "direction.feature")
    let narrow = Self.dictionary(Site(.residPost, layer: 0), width: 8)
    #expect(fault { _ = try AblationItem.features([1], of: narrow, name: "d", in: model) } == "dictionary.width")
    let elsewhere = Self.dictionary(Site(.residPost, layer: 7), width: 16)
    #expect(fault { _ = try AblationItem.features([1], of: elsewhere, name: "d", in: model) } == "dictionary.modelSite")
  }
}
