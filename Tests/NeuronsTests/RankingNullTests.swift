import Activations
import LinearAlgebra
import TestSupport
import Testing

@testable import Neurons

@Suite struct RankingNullTests {
  /// Documents of six kinds whose stream is a direction a kind; "neurons" are what `columns` makes of the stream.
  static func source(seed: UInt64, neurons: Int, _ columns: (Matrix, inout SeededGenerator) -> Matrix) -> MemorySource {
    var generator = SeededGenerator(seed: seed)
    let (documents, length, width) = (60, 6, 12)
    var stream = Matrix(zeros: documents * length, columns: width)
    for row in 0..<stream.rows {
      for column in 0..<width {
        stream[row, column] = (column == row / length % 6 ? 3.5 : 0) + 2 * Float(generator.normal())
      }
    }
    let values = columns(stream, &generator)
    return MemorySource.documents(
      [Int](repeating: length, count: documents), labels: (0..<documents).map { .text("kind \($0 % 6)") },
      sites: ["blocks.0.hook_resid_post": width, "blocks.0.mlp.hook_post": neurons]
    ) { site, document, token, column in
      site.hasSuffix("resid_post")
        ? stream[document * length + token, column] : values[document * length + token, column]
    }.inLayerZero
  }

  static func randomDirections(_ stream: Matrix, _ generator: inout SeededGenerator, count: Int) -> Matrix {
    let vectors = Matrix(
      rows: count, columns: stream.columns,
      elements: (0..<count * stream.columns).map { _ in Float(generator.normal()) })
    return stream.multiplied(by: vectors, transposed: true)
  }

  /// Neurons that are random directions pass for more in no more than one of a hundred cases, over many seeds, by every
  /// measure that documents give.
  @Test func randomDirectionsDoNotPass() throws {
    var above: [NeuronMeasure: Int] = [:]
    let (seeds, count) = (30, 48)
    var said = 0
    for seed in 0..<seeds {
      let source = Self.source(seed: UInt64(seed), neurons: count) {
        Self.randomDirections($0, &$1, count: count)
      }
      let measured = try NeuronRanking(seed: UInt64(seed), nullDirections: 50).measure(source)
      for measure in [NeuronMeasure.consensus, .secondMeaning, .regionMeaning, .monosemanticity, .coherence] {
        let found = try #require(try measured.againstNull(by: measure))
        above[measure, default: 0] += found.above
        if measure == .consensus, found.above > found.byChance { said += 1 }
      }
    }
    for (measure, count) in above {
      // 1 % of 1,440 is 14; some standard deviations more, neurons of one corpus being alike.
      #expect(count <= 14 + 20, "\(measure): \(count)")
    }
    #expect(said <= 5, "\(said) of \(seeds) corpora are said to stand out")
  }

  /// Planted neurons none of which is polysemantic do not stand out.
  @Test func neuronsOfOneMeaningDoNotPass() throws {
    var (above, neurons) = (0, 0)
    for seed in 0..<6 {
      var settings = PlantedNeurons.Settings(seed: UInt64(seed))
      settings.documents = 180
      settings.neuronsOfEachKind = 20
      settings.planted = PlantedKind.negatives
      let measured = try NeuronRanking(seed: UInt64(seed), nullDirections: 50).measure(PlantedNeurons(settings))
      let found = try #require(try measured.againstNull(by: .consensus))
      above += found.above
      neurons += found.neurons
    }
    #expect(Double(above) <= 0.01 * Double(neurons), "\(above) of \(neurons)")
  }

  /// What is clearer than any mixture passes; and the figures say what they say. (Without noise mixtures are as clear, since
  /// an order knows no distances.)
  @Test func plantedMeaningsPass() throws {
    let source = Self.source(seed: 3, neurons: 16) { stream, generator in
      var values = Matrix(zeros: stream.rows, columns: 16)
      for row in 0..<stream.rows {
        for column in 0..<16 {
          // Each neuron fires for a kind of its own, or for two; a rotation mixes them all.
          let kind = row / 6 % 6
          let fires = column == 2 ? kind == 1 || kind == 4 : kind == column % 6
          values[row, column] = 2.5 * Float(generator.normal()) + (fires ? 6 : 0)
        }
      }
      return values
    }
    let measured = try NeuronRanking(nullDirections: 50).measure(source)
    let first = try #require(measured.ranked(by: .secondMeaning, count: 16).first)
    #expect(first.neuron.index == 2 && first.meanings.count == 2, "\(first.neuron)")
    #expect(
      first.isAboveNull == true && first.directionsReaching == 0, "\(String(describing: first.rotationsReaching))")
    let found = try #require(try measured.againstNull(by: .secondMeaning))
    #expect(found.above == 1 && found.neurons == 16)
    #expect(found.kinds.map(\.kind) == [.directions, .rotations])
    #expect(found.kinds.allSatisfy { $0.count == 200 && $0.draws == 4 && $0.spread[0] <= $0.spread[1] })
    #expect(try NeuronRanking(nullDirections: 50).measure(source).againstNull(by: .secondMeaning) == found)
    // None asked for, none told.
    let bare = try NeuronRanking(nullDirections: 0).measure(source)
    #expect(try bare.againstNull(by: .secondMeaning) == nil)
    #expect(try bare.ranked(count: 1).first?.isAboveNull == nil)
  }

  @Test func whatAShareReaches() {
    let values = (1...100).map { Double($0) }.shuffled()
    #expect(RankingNull.reached(values, by: 0.01) == 100)
    #expect(RankingNull.reached(values, by: 0.05) == 96)
    #expect(RankingNull.reached([3], by: 0.05) == 3)
  }
}

extension MemorySource {
  /// Both sites belong to the first layer.
  fileprivate var inLayerZero: MemorySource {
    var source = self
    for index in source.sites.indices { source.sites[index].layer = 0 }
    return source
  }
}
