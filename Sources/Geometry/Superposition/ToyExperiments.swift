import Diagnostics
import LinearAlgebra

/// Toy models with two hidden dimensions, whose directions can be drawn: the polygons that features form.
public struct ToyPolygons: Codable, Sendable, Equatable {
  public struct Cell: Codable, Sendable, Equatable {
    public var sparsity: Double
    public var importanceDecay: Double
    /// W_i of each feature: two numbers.
    public var directions: [[Float]]
    public var geometry: DirectionGeometry
    public var loss: Double
  }

  public var training: ToyTraining
  /// By importance, then by sparsity.
  public var cells: [Cell]

  /// Trains a model for every sparsity and importance.
  ///
  /// - Throws: What `ToyTraining.check` throws.
  public static func run(
    _ training: ToyTraining, sparsities: [Double], importanceDecays: [Double],
    progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> ToyPolygons {
    let settings = importanceDecays.flatMap { decay in
      sparsities.map { sparsity in
        var own = training
        (own.sparsity, own.importanceDecay) = (sparsity, decay)
        return own
      }
    }
    let cells = try ToyRuns.all(settings, progress: progress) { own, model, loss in
      Cell(
        sparsity: own.sparsity, importanceDecay: own.importanceDecay,
        directions: (0..<model.features).map { model.weights.row($0) }, geometry: model.geometry, loss: loss)
    }
    return ToyPolygons(training: training, cells: cells)
  }
}

/// How the dimensions that a feature has change with sparsity.
public struct ToyDimensionality: Codable, Sendable, Equatable {
  public struct Point: Codable, Sendable, Equatable {
    public var sparsity: Double
    public var geometry: DirectionGeometry
    /// m / ‖W‖²_F: hidden dimensions per represented feature.
    public var dimensionsPerFeature: Double
    public var loss: Double
  }

  public var training: ToyTraining
  public var points: [Point]

  /// Trains a model for every sparsity.
  ///
  /// - Throws: What `ToyTraining.check` throws.
  public static func run(
    _ training: ToyTraining, sparsities: [Double], progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> ToyDimensionality {
    let settings = sparsities.map { sparsity in
      var own = training
      own.sparsity = sparsity
      return own
    }
    let points = try ToyRuns.all(settings, progress: progress) { own, model, loss in
      let geometry = model.geometry
      return Point(
        sparsity: own.sparsity, geometry: geometry,
        dimensionsPerFeature: geometry.frobenius > 0 ? Double(own.hidden) / geometry.frobenius : 0, loss: loss)
    }
    return ToyDimensionality(training: training, points: points)
  }

  /// The shapes whose corners share dimensions evenly, and the dimensionality of each corner.
  public static let shapes: [(name: String, dimensionality: Double)] = [
    ("alone", 1), ("tetrahedron", 3.0 / 4), ("triangle", 2.0 / 3), ("antipodal pair", 1.0 / 2), ("pentagon", 2.0 / 5),
    ("square antiprism", 3.0 / 8),
  ]
}

/// Several trainings beside each other.
enum ToyRuns {
  /// Each training runs on one thread, so that its result doesn't depend on how many there are.
  static func all<Outcome: Sendable>(
    _ settings: [ToyTraining], progress: @Sendable (Int, Int) -> Void,
    _ outcome: @Sendable (ToyTraining, ToyModel, Double) -> Outcome
  ) throws -> [Outcome] {
    for own in settings { try own.check() }
    var outcomes = [Outcome?](repeating: nil, count: settings.count)
    let finished = Counter()
    try outcomes.withUnsafeMutableBufferPointer { outcomes in
      // Each call writes its own element alone.
      nonisolated(unsafe) let outcomes = outcomes
      try Threads.forEach(settings.count) { index in
        let (model, loss) = try settings[index].run()
        outcomes[index] = outcome(settings[index], model, loss)
        progress(finished.increment(), settings.count)
      }
    }
    return outcomes.compactMap(\.self)
  }
}
