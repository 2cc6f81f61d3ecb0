import Diagnostics
import Foundation
import Geometry
import LinearAlgebra
import Testing

/// What PyTorch and SciPy said, written by Scripts/references/superposition.py.
private struct Reference: Decodable {
  struct Toy: Decodable {
    let features: Int
    let hidden: Int
    let rows: Int
    let weights: [Float]
    let bias: [Float]
    let batch: [Float]
    let importance: [Float]
    let loss: Double
    let weightGradient: [Double]
    let biasGradient: [Double]
    let dimensionality: [Double]
    let frobenius: Double
  }

  struct Network: Decodable {
    let inputs: Int
    let neurons: Int
    let kind: ShallowNetwork.Loss
    let points: [Double]
    let targets: [Double]
    let parameters: [Double]
    let outputs: [Double]
    let loss: Double
    let gradient: [Double]
  }

  struct Tail: Decodable {
    let dimensions: Int
    let cosine: Double
    let logarithm: Double
  }

  struct Directions: Decodable {
    let rows: Int
    let columns: Int
    let vectors: [Float]
    let largest: Double
    let mean: Double
    let rootMeanSquare: Double
    let dimensionality: [Double]
  }

  let toys: [Toy]
  let networks: [Network]
  let tails: [Tail]
  let interference: Directions

  static func read() throws -> Reference {
    let folder = Bundle.module.resourceURL?.appending(path: "Fixtures") ?? URL(filePath: "Fixtures")
    return try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: folder.appending(path: "superposition.json")))
  }
}

/// The largest difference relative to the largest reference.
private func difference(_ found: [Double], _ wanted: [Double]) -> Double {
  guard found.count == wanted.count else { return .infinity }
  let largest = wanted.map(abs).max() ?? 1
  return zip(found, wanted).map { abs($0 - $1) }.max().map { $0 / max(largest, 1e-12) } ?? 0
}

private func fault(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return (error as? Fault)?.name }
}

@Suite("Superposition: packing") struct PackingTests {
  @Test("The tail of random cosines is SciPy's, far out too") func tails() throws {
    for tail in try Reference.read().tails {
      let found = InterferenceTheory.logarithmOfTail(above: tail.cosine, dimensions: tail.dimensions)
      #expect(abs(found - tail.logarithm) < 1e-9 * max(1, abs(tail.logarithm)), "\(tail)")
    }
  }

  @Test("Interference of given directions is NumPy's, and adds up") func interference() throws {
    let wanted = try Reference.read().interference
    let set = try DirectionSet(
      origin: "test", names: (0..<wanted.rows).map { "d\($0)" },
      directions: Matrix(rows: wanted.rows, columns: wanted.columns, elements: wanted.vectors))
    let measure = try SuperpositionMeasure(set)
    // Products in single precision.
    #expect(abs(measure.interference.largest - wanted.largest) < 1e-6)
    #expect(abs(measure.interference.mean - wanted.mean) < 1e-6)
    #expect(abs(measure.interference.rootMeanSquare - wanted.rootMeanSquare) < 1e-6)
    #expect(difference(measure.byDirection.map(\.dimensionality), wanted.dimensionality) < 1e-5)
    #expect(measure.usedDimensions <= Double(wanted.columns) + 1e-4)
    #expect(measure.interference.histogram.reduce(0, +) == wanted.rows * (wanted.rows - 1) / 2)
    let pair = measure.interference.largestPair
    #expect(measure.byDirection[pair[0]].nearest == "d\(pair[1])")
    #expect(measure.byDirection[pair[1]].nearest == "d\(pair[0])")
  }

  @Test(
    "Small sets reach the best that is known",
    arguments: [(3, 2, 0.5), (4, 3, 1.0 / 3), (6, 3, 0.44721), (28, 7, 1.0 / 3)])
  func known(count: Int, dimensions: Int, best: Double) throws {
    let (packing, vectors) = try VectorPacking.pack(count, dimensions: dimensions)
    let found = try #require(packing.optimized)
    #expect(abs(found.largest - best) < 2e-3)
    #expect(found.largest >= packing.theory.lowestLargest - 1e-5)
    #expect(packing.random.largest > found.largest)
    for row in 0..<count { #expect(abs(vectors.row(row).reduce(0) { $0 + $1 * $1 } - 1) < 1e-5) }
  }

  @Test("Random directions are as theory says, blocks and all") func random() throws {
    let (packing, _) = try VectorPacking.pack(1500, dimensions: 100, settings: .init(optimizes: false))
    #expect(abs(packing.random.rootMeanSquare / packing.theory.randomRootMeanSquare - 1) < 0.01)
    #expect(abs(packing.random.mean / packing.theory.randomMean - 1) < 0.01)
    #expect(abs(packing.random.largest / packing.theory.randomLargest - 1) < 0.15)
    #expect(packing.random.histogram.reduce(0, +) == 1500 * 1499 / 2)
  }

  @Test("As many dimensions as vectors: no interference") func easy() throws {
    let (packing, _) = try VectorPacking.pack(5, dimensions: 5)
    #expect(packing.optimized?.largest == 0)
    #expect(packing.theory.welchBound == 0)
  }

  @Test("The same seed gives the same set") func determinism() throws {
    let first = try VectorPacking.pack(40, dimensions: 10, settings: .init(steps: 60, seed: 3))
    let second = try VectorPacking.pack(40, dimensions: 10, settings: .init(steps: 60, seed: 3))
    #expect(first.packing == second.packing && first.vectors == second.vectors)
    #expect(try VectorPacking.pack(40, dimensions: 10, settings: .init(steps: 60, seed: 4)).packing != first.packing)
  }

  @Test("Senseless sizes are faults") func faults() throws {
    #expect(fault { _ = try VectorPacking.pack(1, dimensions: 3) } == "superposition.vectors")
    #expect(fault { _ = try VectorPacking.pack(3, dimensions: 0) } == "superposition.dimensions")
    #expect(fault { _ = try VectorPacking.pack(.max, dimensions: 3) } == "superposition.tooLarge")
    #expect(fault { _ = try VectorPacking.pack(3, dimensions: 2, settings: .init(steps: 0)) } == "superposition.steps")
    #expect(fault { _ = try DirectionSet(probes: []) } == "superposition.directions")
    let one = Matrix(rows: 2, columns: 2, elements: [1, 0, 0, 0])
    #expect(
      fault { _ = try DirectionSet(origin: "x", names: ["a", "zero"], directions: one) } == "superposition.directions")
  }
}

@Suite("Superposition: toy models") struct ToyModelTests {
  @Test("Loss, gradients and dimensionality are PyTorch's") func gradients() throws {
    for toy in try Reference.read().toys {
      let model = ToyModel(
        weights: Matrix(rows: toy.features, columns: toy.hidden, elements: toy.weights), bias: toy.bias)
      let (loss, weights, bias) = model.lossAndGradient(
        Matrix(rows: toy.rows, columns: toy.features, elements: toy.batch), importance: toy.importance)
      // Single against double precision.
      #expect(abs(loss - toy.loss) < 1e-5 * toy.loss)
      #expect(difference(weights.elements.map(Double.init), toy.weightGradient) < 1e-5)
      #expect(difference(bias.map(Double.init), toy.biasGradient) < 1e-5)
      #expect(difference(model.geometry.dimensionality, toy.dimensionality) < 1e-5)
      #expect(abs(model.geometry.frobenius - toy.frobenius) < 1e-5 * toy.frobenius)
    }
  }

  @Test("Two sparse features in one dimension: an antipodal pair, half a dimension each") func pair() throws {
    let (model, _) = try ToyTraining(features: 2, hidden: 1, sparsity: 0.9, steps: 800).run()
    #expect(model.weights[0, 0] * model.weights[1, 0] < 0)
    for share in model.geometry.dimensionality { #expect(abs(share - 0.5) < 0.02) }
  }

  @Test("Sparse features in the plane: two antipodal pairs, a pentagon")
  func polygons() throws {
    for (features, sparsity, share) in [(4, 0.8, 0.5), (5, 0.95, 0.4)] {
      let (model, _) = try ToyTraining(
        features: features, hidden: 2, sparsity: sparsity, steps: 1200, batch: 256, trials: 3
      ).run()
      for found in model.geometry.dimensionality { #expect(abs(found - share) < 0.03, "\(features) features") }
      #expect(abs(model.geometry.capacity - 2) < 0.1)
    }
  }

  @Test("Dense features: the most important have a dimension each, the rest none") func dense() throws {
    let (model, _) = try ToyTraining(
      features: 5, hidden: 2, sparsity: 0, importanceDecay: 0.6, steps: 1000, batch: 256
    ).run()
    let shares = model.geometry.dimensionality
    #expect(shares[0] > 0.97 && shares[1] > 0.97)
    #expect(shares[2...].allSatisfy { $0 < 0.05 })
  }

  @Test("The phases lie where they must, and mirror each other") func phases() throws {
    let diagram = try PhaseDiagram.run(side: 8)
    #expect(diagram.cells[4][0].phase == .superposition)
    #expect(diagram.cells[0][7].phase == .ignored)
    #expect(diagram.cells[7][7].phase == .dedicated)
    let shared = diagram.cells[4][0].weights
    #expect(shared[0] * shared[1] < 0)
    // The loss is the expected one: a fine grid of midpoints agrees. The rule over few nodes passes over the kinks of ReLU,
    // which costs it a thousandth.
    let cell = diagram.cells[5][3]
    let (p, importance) = (diagram.densities[3], diagram.relativeImportances[5])
    func loss(_ x: Double, _ y: Double) -> Double {
      let code = cell.weights[0] * x + cell.weights[1] * y
      let first = max(cell.weights[0] * code + cell.bias[0], 0) - x
      let second = max(cell.weights[1] * code + cell.bias[1], 0) - y
      return first * first + importance * second * second
    }
    let places = (0..<400).map { (Double($0) + 0.5) / 400 }
    let one = places.reduce(0) { $0 + loss($1, 0) + loss(0, $1) } / 400
    let both = places.reduce(0) { sum, x in sum + places.reduce(0) { $0 + loss(x, $1) } } / 160_000
    let expected = (1 - p) * (1 - p) * loss(0, 0) + p * (1 - p) * one + p * p * both
    #expect(abs(cell.loss - expected) < 5e-3 * expected)
    // Exchanging the features turns the diagram over.
    for row in 0..<8 {
      for column in 0..<8 {
        let (own, mirrored) = (diagram.cells[row][column].phase, diagram.cells[7 - row][column].phase)
        #expect((own == .superposition) == (mirrored == .superposition))
      }
    }
  }

  @Test("Senseless trainings are faults") func faults() {
    func name(_ training: ToyTraining) -> String? { fault { _ = try training.run() } }
    #expect(name(ToyTraining(features: 1, hidden: 1, sparsity: 0)) == "superposition.features")
    #expect(name(ToyTraining(features: 3, hidden: 3, sparsity: 0)) == "superposition.hidden")
    #expect(name(ToyTraining(features: 3, hidden: 2, sparsity: 1)) == "superposition.sparsity")
    #expect(name(ToyTraining(features: 3, hidden: 2, sparsity: .nan)) == "superposition.sparsity")
    #expect(name(ToyTraining(features: 3, hidden: 2, sparsity: 0, importanceDecay: 0)) == "superposition.importance")
    #expect(name(ToyTraining(features: 3, hidden: 2, sparsity: 0, steps: 0)) == "superposition.steps")
    #expect(fault { _ = try PhaseDiagram.run(side: 1) } == "superposition.cells")
  }
}

@Suite("Fitting with neurons") struct FittingTests {
  @Test("Outputs, losses and gradients are PyTorch's") func gradients() throws {
    for wanted in try Reference.read().networks {
      let network = ShallowNetwork(inputs: wanted.inputs, neurons: wanted.neurons, parameters: wanted.parameters)
      let (loss, gradient) = network.lossAndGradient(wanted.points, targets: wanted.targets, loss: wanted.kind)
      #expect(abs(loss - wanted.loss) < 1e-12 * max(1, wanted.loss))
      #expect(difference(gradient, wanted.gradient) < 1e-11)
      #expect(difference(network.outputs(wanted.points), wanted.outputs) < 1e-12)
    }
  }

  @Test("One neuron draws a line, two a V, more a circle") func regions() throws {
    let settings = Fitting.Settings(neurons: [1, 2], steps: 400, trials: 4)
    #expect(try Fitting.run(.region(.halfPlane), settings: settings).fits[0].error < 0.005)
    let wedge = try Fitting.run(.region(.wedge), settings: settings)
    #expect(wedge.fits[0].error > 0.1)
    #expect(wedge.fits[1].error < 0.01)
    let circle = try Fitting.run(.region(.circle), settings: .init(neurons: [1, 3, 12], steps: 300, trials: 3))
    let errors = circle.fits.map(\.error)
    #expect(errors[0] > 0.2 && errors[1] < 0.08 && errors[2] < 0.015, "\(errors)")
  }

  @Test("One neuron is a straight curve, two are a V") func curves() throws {
    let settings = Fitting.Settings(neurons: [1, 2], steps: 800, trials: 6)
    #expect(try Fitting.run(.curve(.line), settings: settings).fits[0].error < 0.01)
    let v = try Fitting.run(.curve(.v), settings: settings)
    #expect(v.fits[0].error > 0.2 && v.fits[1].error < 0.01)
  }

  @Test("Equal seeds give equal networks, whatever the threads") func determinism() throws {
    let settings = Fitting.Settings(neurons: [2, 5], steps: 50, trials: 3, seed: 9)
    let first = try Fitting.run(.region(.star(5)), settings: settings)
    #expect(try Threads.$ofTask.withValue(1) { try Fitting.run(.region(.star(5)), settings: settings) } == first)
  }

  @Test("Every name makes its shape") func names() throws {
    for name in FittingTarget.names { #expect(try FittingTarget(named: name).name == name) }
    #expect(try FittingTarget(named: "polygon-5") == .region(.polygon(5)))
    let json = try JSONEncoder().encode([FittingTarget.region(.polygon(5)), .curve(.v)])
    #expect(String(decoding: json, as: UTF8.self) == #"["polygon-5","v"]"#)
    #expect(try JSONDecoder().decode([FittingTarget].self, from: json) == [.region(.polygon(5)), .curve(.v)])
  }

  @Test("Outlines and insides agree") func outlines() throws {
    for region in [FittingTarget.Region.circle, .ring, .polygon(3), .polygon(4), .star(5), .wedge] {
      for outline in region.outlines {
        for (x, y) in outline where abs(x) < 0.999 && abs(y) < 0.999 {
          // Just inside and just outside differ somewhere around a point of the edge.
          let around = (0..<16).map { turn in
            region.contains(x + 0.01 * cos(Double(turn) * .pi / 8), y + 0.01 * sin(Double(turn) * .pi / 8))
          }
          #expect(around.contains(true) && around.contains(false))
        }
      }
    }
  }

  @Test("Unknown shapes and empty layers are faults") func faults() {
    #expect(fault { _ = try FittingTarget(named: "circel") } == "fitting.unknownShape")
    #expect(fault { _ = try FittingTarget(named: "polygon-2") } == "fitting.corners")
    do {
      _ = try FittingTarget(named: "circel")
    } catch { #expect((error as? Fault)?.advice?.contains("circle") == true) }
    #expect(fault { _ = try Fitting.run(.curve(.v), settings: .init(neurons: [0])) } == "fitting.neurons")
    #expect(fault { _ = try Fitting.run(.curve(.v), settings: .init(neurons: [])) } == "fitting.neurons")
    #expect(fault { _ = try Fitting.run(.curve(.v), settings: .init(steps: 0)) } == "fitting.steps")
  }
}
