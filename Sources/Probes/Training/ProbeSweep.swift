import Activations
import Diagnostics
import LinearAlgebra

/// A probe at every layer and site of a source by every method asked for, with the same examples and the same split.
public struct ProbeSweep: Sendable {
  public var settings: ProbeSettings
  /// The methods to compare; the one of `settings` alone, unless given.
  public var methods: [ProbeSettings.Method]
  /// How many bytes of activations may be held in memory at a time; the sites that fit share a pass over the source, and one
  /// that alone has more lies in a scratch file (in `TMPDIR`) while its probes are trained.
  public var memory: Int

  /// 2 GiB.
  public static let defaultMemory = 2 << 30

  public init(
    settings: ProbeSettings = ProbeSettings(), methods: [ProbeSettings.Method]? = nil, memory: Int = defaultMemory
  ) {
    self.settings = settings
    self.methods = methods ?? [settings.method]
    self.memory = memory
  }

  /// A sweep's results, in the order of the sites, at each site in the order of the methods.
  public struct Table: Codable, Sendable, Equatable {
    public var settings: ProbeSettings
    public var methods: [ProbeSettings.Method]
    public var origin: Origin
    public var classes: [String]
    public var trainingExamples: Int
    public var testExamples: Int
    public var rows: [Row]
    /// The site to take: the best balanced accuracy (of a regression R²) on held-out folds of the training examples, never
    /// on the test examples; of equal ones the first. Nil where there were no folds.
    public var best: String?
    /// The method that is best there.
    public var bestMethod: ProbeSettings.Method?
    /// Where in the depth the concept arises: the site of the lowest layer at which that method comes within one point
    /// (0.01) of its best on the held-out folds of the training examples.
    public var earliest: String?
    /// With outer folds: the scores of choosing site and method inside each fold's training examples, which is what the
    /// whole procedure achieves on examples that it has not seen.
    public var chosen: Evaluation?
    /// The same of a method that predicts numbers.
    public var chosenRegression: RegressionEvaluation?
  }

  public struct Row: Codable, Sendable, Equatable {
    public var site: String
    public var layer: Int?
    public var width: Int
    public var method: ProbeSettings.Method
    /// The mean balanced accuracy on held-out folds of the training examples; of a regression R².
    public var validation: Double?
    /// Scores on the examples held back.
    public var evaluation: Evaluation
    /// Of a method that predicts numbers.
    public var regression: RegressionEvaluation?
    public var strength: Double?
    public var iterations: Int
    public var converged: Bool
    /// k-sparse and principal components: how many numbers of a row the probe reads, and the scores at every size.
    public var size: Int?
    public var sizes: [SizeScore]?
    public var warnings: [ProbeWarning]
  }

  /// Trains and judges probes at each site.
  ///
  /// - Parameters:
  ///   - sites: full names; all of the source's, unless given.
  ///   - each: called with every probe as it is ready, in order.
  /// - Throws: `probe.mixedMethods`; what `ProbeTrainer.train` throws.
  /// - Complexity: one pass over the source where all sites fit into `memory`, else one for each share of them, which
  ///   reads every value once all the same. Standardisation and folds are shared by the methods at a site.
  public func run(
    on source: some ActivationSource, sites: [String]? = nil, each: (Probe) throws -> Void = { _ in }
  ) throws -> Table {
    if let own = try source.throughExpert(of: sites ?? source.sites.map(\.name)) {
      return try run(on: own, sites: sites, each: each)
    }
    let sites = try sites.map { try $0.map { try source.site(named: $0) } } ?? source.sites
    guard !sites.isEmpty else {
      throw Fault(
        .badData, "probe.noSites", "The source holds no activations to learn from",
        advice: "capture some sites; a store of statistics alone has none")
    }
    guard let first = methods.first, methods.allSatisfy({ $0.predictsNumbers == first.predictsNumbers }) else {
      throw Fault(
        .usage, "probe.mixedMethods", "A sweep compares methods for classes or methods for numbers, not both",
        expected: ProbeSettings.Method.allCases.filter { !$0.predictsNumbers }.map(\.rawValue).joined(separator: ", ")
          + "; or ridge", found: methods.isEmpty ? "none" : methods.map(\.rawValue).joined(separator: ", "))
    }
    var settings = settings
    settings.method = first
    let task = try ProbeTask(settings: settings, source: source)
    var rows: [Row] = []
    var choice = NestedChoice(folds: task.outer.count)
    for share in sites.shares(rows: task.examples.count, memory: memory) {
      var matrices = try task.examples.rows(
        of: share, in: source, order: task.order, pooling: task.pooling, memory: memory)
      for (index, site) in share.enumerated() {
        // Each site's rows are let go as soon as its probes are ready.
        var values = matrices[index]
        matrices[index] = ExampleMatrix(Matrix(zeros: 0, columns: 0))
        // What differs by rounding alone is the same.
        if !task.varies(values) { values = ExampleMatrix(Matrix(zeros: values.rows, columns: values.columns)) }
        let result = try task.fit(values, site: site, origin: source.origin, methods: methods)
        choice.take(result, methods: methods)
        for probe in result.probes {
          let record = probe.record
          rows.append(
            Row(
              site: site.name, layer: site.layer, width: site.width, method: record.settings.method,
              validation: record.validation, evaluation: record.evaluation, regression: record.regression,
              strength: record.fit.strength, iterations: record.fit.iterations, converged: record.fit.converged,
              size: record.fit.size, sizes: record.fit.sizes, warnings: record.warnings ?? []))
          try each(probe)
        }
      }
    }
    var best: Row?
    for row in rows {
      guard let validation = row.validation else { continue }
      if validation > best?.validation ?? -.infinity { best = row }
    }
    let chosen = choice.scores(task: task)
    var chosenSettings = settings
    // Scores of several methods are no log-odds, as those of mass-mean are none.
    chosenSettings.method = choice.method ?? .massMean
    return Table(
      settings: settings, methods: methods, origin: source.origin, classes: task.classes,
      trainingExamples: task.trainingCount, testExamples: task.judgedCount, rows: rows, best: best?.site,
      bestMethod: best?.method, earliest: best.flatMap { Self.earliest(rows, best: $0) },
      chosen: chosen.map { task.evaluation($0, settings: chosenSettings, places: Array(task.order.indices)) },
      chosenRegression: first.predictsNumbers ? chosen.map { task.regression($0, settings: settings) } : nil)
  }

  /// The lowest layer's site within 0.01 of the best of its method.
  private static func earliest(_ rows: [Row], best: Row) -> String? {
    guard let most = best.validation else { return nil }
    var found: (layer: Int, site: String)?
    for row in rows where row.method == best.method && row.validation ?? -.infinity >= most - 0.01 {
      if let layer = row.layer, layer < found?.layer ?? .max { found = (layer, row.site) }
    }
    return found?.site
  }

  /// For each outer fold the best site and method by the validation inside it, and their scores on what it holds back.
  private struct NestedChoice {
    private var best: [Double]
    private var scores: [Matrix?]
    private var methods: [ProbeSettings.Method?]

    init(folds: Int) {
      best = [Double](repeating: -.infinity, count: folds)
      scores = [Matrix?](repeating: nil, count: folds)
      methods = [ProbeSettings.Method?](repeating: nil, count: folds)
    }

    mutating func take(_ result: ProbeTask.SiteResult, methods: [ProbeSettings.Method]) {
      for (place, method) in methods.enumerated() {
        let validations = result.validations[place]
        for fold in best.indices where validations[fold] ?? -.infinity > best[fold] {
          best[fold] = validations[fold] ?? -.infinity
          scores[fold] = result.scores[place]
          self.methods[fold] = method
        }
      }
    }

    /// The method that all folds chose; nil where they differ.
    var method: ProbeSettings.Method? { methods.allSatisfy { $0 == methods.first } ? methods.first ?? nil : nil }

    /// Each example's scores by the choice that has not seen it. Margins of different methods have different units: then
    /// each fold's scores are brought to a mean square of 1, which leaves every prediction as it is.
    func scores(task: ProbeTask) -> Matrix? {
      guard !scores.isEmpty, let columns = scores[0]?.columns else { return nil }
      var all = Matrix(zeros: task.order.count, columns: columns)
      for (fold, split) in task.outer.enumerated() {
        guard let own = scores[fold] else { return nil }
        var factor: Float = 1
        if method == nil {
          var squares = 0.0
          for place in split.test {
            for column in 0..<columns { squares += Double(own[place, column]) * Double(own[place, column]) }
          }
          let mean = squares / Double(max(split.test.count * columns, 1))
          if mean > 0 { factor = Float(1 / mean.squareRoot()) }
        }
        for place in split.test {
          for column in 0..<columns { all[place, column] = factor * own[place, column] }
        }
      }
      return all
    }
  }
}
