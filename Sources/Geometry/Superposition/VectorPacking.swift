import Diagnostics
import Foundation
import LinearAlgebra

/// n unit vectors put into d dimensions so that they get in each other's way as little as possible: how many concepts
/// can share a space that has fewer dimensions than there are concepts.
public struct VectorPacking: Codable, Sendable, Equatable {
  public var vectors: Int
  public var dimensions: Int
  public var seed: UInt64
  public var theory: InterferenceTheory
  /// Of random directions.
  public var random: Interference
  /// After pushing apart; nil where it was not asked for.
  public var optimized: Interference?
  /// The largest interference before each step of the best trial.
  public var course: [Double]

  /// How much work pushing apart may be.
  public struct Settings: Codable, Sendable, Equatable {
    /// Whether to push the vectors apart at all; else random directions alone are measured.
    public var optimizes: Bool
    /// Steps of a trial; nil: as many as 10¹¹ operations allow, from 24 to 1,500.
    public var steps: Int?
    /// Trials from different random starts, of which the best counts; nil: 1 to 6 by size.
    public var trials: Int?
    public var seed: UInt64

    public init(optimizes: Bool = true, steps: Int? = nil, trials: Int? = nil, seed: UInt64 = 0) {
      self.optimizes = optimizes
      self.steps = steps
      self.trials = trials
      self.seed = seed
    }
  }

  /// Numbers of one vector set: 3 sets are held at once.
  static let mostNumbers = 400_000_000

  /// Packs and measures.
  ///
  /// Each step pushes apart, along their difference, every two vectors whose |cos| is near the largest:
  /// v_i ← v_i − η·Σ_j sign(cos)·(|cos| − μ)₊·v_j with momentum, then length 1 again. μ rises from a fifth of the largest
  /// |cos| towards the largest itself, so that first the crowd is thinned and then the worst pairs alone. Up to n = d
  /// the axes themselves are taken, which do not interfere at all.
  ///
  /// A step is 3·n²·d operations; memory is 12·n·d bytes. The result follows from the seed, and in the last digits from
  /// the kernel that multiplies.
  ///
  /// - Parameters:
  ///   - count: n, at least 2.
  ///   - dimensions: d, at least 1.
  ///   - progress: Called often with the share of the work done; what it throws ends the work.
  /// - Returns: The figures, and the vectors [n, d] of the best set.
  /// - Throws: `superposition.vectors`, `superposition.dimensions`, `superposition.tooLarge`, `superposition.steps`.
  public static func pack(
    _ count: Int, dimensions: Int, settings: Settings = Settings(), progress: (Double) throws -> Void = { _ in }
  ) throws -> (packing: VectorPacking, vectors: Matrix) {
    try check(count, dimensions, settings)
    let theory = InterferenceTheory(vectors: count, dimensions: dimensions)
    let operations = 3 * Double(count) * Double(count) * Double(dimensions)
    let steps = settings.steps ?? max(24, Int(min(1500, 1e11 / operations)))
    let trials = settings.trials ?? (operations * Double(steps) < 2e9 ? 6 : operations * Double(steps) < 2e10 ? 2 : 1)
    let isEasy = count <= dimensions
    let scans = Double(1 + (settings.optimizes && !isEasy ? trials * steps : 0))
    let limit = min(1, theory.randomLargest * 1.25)

    var best = randomDirections(count, dimensions, seed: settings.seed, trial: 0)
    var scan = PairScan(vectors: count, dimensions: dimensions, histogramLimit: limit)
    try best.withUnsafeMutableElements { values in
      guard let values = values.baseAddress else { return }
      try scan.run(values) { try progress($0 / scans) }
    }
    var result = VectorPacking(
      vectors: count, dimensions: dimensions, seed: settings.seed, theory: theory, random: scan.summary, optimized: nil,
      course: [])
    guard settings.optimizes else { return (result, best) }
    if isEasy {
      best = Matrix(zeros: count, columns: dimensions)
      for row in 0..<count { best[row, row] = 1 }
      result.optimized = Interference(
        largest: 0, largestPair: [0, 1], mean: 0, rootMeanSquare: 0,
        histogram: [count * (count - 1) / 2] + [Int](repeating: 0, count: PairScan.steps - 1), histogramLimit: limit)
      return (result, best)
    }
    for trial in 0..<trials {
      var attempt = Attempt(
        start: trial == 0 ? best : randomDirections(count, dimensions, seed: settings.seed, trial: trial),
        largest: trial == 0 ? result.random.largest : theory.randomLargest, histogramLimit: limit)
      try attempt.run(steps: steps) { try progress((1 + (Double(trial) + $0) * Double(steps)) / scans) }
      if let found = attempt.bestSummary, found.largest < result.optimized?.largest ?? 2 {
        result.optimized = found
        result.course = attempt.course
        best = attempt.best
      }
    }
    return (result, best)
  }

  private static func check(_ count: Int, _ dimensions: Int, _ settings: Settings) throws {
    guard count >= 2 else {
      throw Fault(
        .usage, "superposition.vectors", "Interference needs two vectors or more", expected: "at least 2",
        found: "\(count)")
    }
    guard dimensions >= 1 else {
      throw Fault(
        .usage, "superposition.dimensions", "Vectors need a dimension or more", expected: "at least 1",
        found: "\(dimensions)")
    }
    guard settings.steps.map({ 1...1_000_000_000 ~= $0 }) ?? true, settings.trials.map({ 1...1_000_000 ~= $0 }) ?? true
    else {
      throw Fault(
        .usage, "superposition.steps", "Pushing apart needs one step and one trial or more",
        expected: "1 to 1,000,000,000 steps, 1 to 1,000,000 trials",
        found: "\(settings.steps ?? 1) steps, \(settings.trials ?? 1) trials")
    }
    let (numbers, overflow) = count.multipliedReportingOverflow(by: dimensions)
    guard !overflow, numbers <= mostNumbers else {
      throw Fault(
        .usage, "superposition.tooLarge", "So many vectors would not fit into memory",
        expected: "at most \(mostNumbers) numbers, vectors · dimensions", found: "\(count) · \(dimensions)",
        advice: "keep the ratio of vectors to dimensions and divide both: interference grows by the root of the divisor"
      )
    }
  }

  /// Unit vectors of random direction, the rows of [count, dimensions].
  static func randomDirections(_ count: Int, _ dimensions: Int, seed: UInt64, trial: Int) -> Matrix {
    Matrix(rows: count, columns: dimensions) { buffer in
      guard let base = buffer.baseAddress else { return }
      nonisolated(unsafe) let values = base
      let rowsAtOnce = 64
      Threads.forEach((count + rowsAtOnce - 1) / rowsAtOnce) { part in
        var generator = SeededGenerator(seed: seed, stream: "directions \(trial) \(part)")
        for row in part * rowsAtOnce..<min(count, (part + 1) * rowsAtOnce) {
          let line = values + row * dimensions
          var length = 0.0
          while !(length > 0) {
            length = 0
            for column in 0..<dimensions {
              let value = generator.normal()
              line[column] = Float(value)
              length += value * value
            }
          }
          Kernels.scale(line, by: Float(1 / length.squareRoot()), into: line, count: dimensions)
        }
      }
    }
  }
}

/// One set of vectors on its way from a random start.
private struct Attempt {
  private var current: Matrix
  private var speed: Matrix
  private var largest: Double
  private let histogramLimit: Double
  private(set) var best: Matrix
  private(set) var bestSummary: Interference?
  private(set) var course: [Double] = []

  init(start: Matrix, largest: Double, histogramLimit: Double) {
    current = start
    best = start
    speed = Matrix(zeros: start.rows, columns: start.columns)
    self.largest = largest
    self.histogramLimit = histogramLimit
  }

  mutating func run(steps: Int, progress: (Double) throws -> Void) throws {
    let (count, dimensions) = (current.rows, current.columns)
    // The crowd's answer to a push grows with the largest eigenvalue of VᵀV, for random vectors (1 + √(n/d))².
    let root = 1 + (Double(count) / Double(dimensions)).squareRoot()
    let rate = 2.7 / (root * root)
    let (wide, narrow) = (0.8, steps < 200 ? 0.1 : 1e-3)
    for step in 0..<steps {
      let share = wide * pow(narrow / wide, Double(step) / Double(steps))
      let isLast = step == steps - 1
      var scan = PairScan(vectors: count, dimensions: dimensions, histogramLimit: histogramLimit)
      let threshold = Float(largest * (1 - share))
      try current.withUnsafeMutableElements { values in
        try speed.withUnsafeMutableElements { speed in
          guard let values = values.baseAddress, let speed = speed.baseAddress else { return }
          // The last look only measures.
          guard !isLast else { return try scan.run(values) { _ in try progress(1) } }
          Kernels.scale(speed, by: 0.5, into: speed, count: count * dimensions)
          try scan.run(values, threshold: threshold, factor: -Float(rate), push: speed) {
            try progress((Double(step) + $0) / Double(steps))
          }
        }
      }
      let summary = scan.summary
      largest = summary.largest
      course.append(largest)
      if largest < bestSummary?.largest ?? 2 {
        bestSummary = summary
        best = current
      }
      if !isLast { move() }
    }
  }

  private mutating func move() {
    let (count, dimensions) = (current.rows, current.columns)
    current.withUnsafeMutableElements { values in
      speed.withUnsafeMutableElements { speed in
        guard let values = values.baseAddress, let speed = speed.baseAddress else { return }
        Kernels.add(values, speed, into: values, count: count * dimensions)
        nonisolated(unsafe) let unit = values
        Threads.forRanges(0..<count, grain: max(1, (1 << 15) / dimensions)) { rows in
          for row in rows {
            let line = unit + row * dimensions
            let length = Kernels.dotInDouble(line, line, count: dimensions).squareRoot()
            if length > 0 { Kernels.scale(line, by: Float(1 / length), into: line, count: dimensions) }
          }
        }
      }
    }
  }
}
