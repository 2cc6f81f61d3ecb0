import Activations
import Diagnostics
import LinearAlgebra

/// A probe at every layer and site of a source, with the same examples and the same split.
public struct ProbeSweep: Sendable {
  public var settings: ProbeSettings
  /// How many bytes of activations may be held at a time; the sites that fit share a pass over the source.
  public var memory: Int

  public init(settings: ProbeSettings = ProbeSettings(), memory: Int = 2 << 30) {
    self.settings = settings
    self.memory = memory
  }

  /// A sweep's results, in the order of the sites.
  public struct Table: Codable, Sendable, Equatable {
    public var settings: ProbeSettings
    public var origin: Origin
    public var classes: [String]
    public var trainingExamples: Int
    public var testExamples: Int
    public var rows: [Row]
    /// The site to take: the best balanced accuracy on held-out folds of the training examples (never on the test
    /// examples); of equal ones the first. Nil where the method has no folds.
    public var best: String?
  }

  public struct Row: Codable, Sendable, Equatable {
    public var site: String
    public var layer: Int?
    public var width: Int
    /// The mean balanced accuracy on held-out folds of the training examples.
    public var validation: Double?
    /// Scores on the examples held back.
    public var evaluation: Evaluation
    public var strength: Double?
    public var iterations: Int
    public var converged: Bool
  }

  /// Trains and judges a probe at each site.
  ///
  /// - Parameters:
  ///   - sites: full names; all of the source's, unless given.
  ///   - each: called with every probe as it is ready, in order.
  /// - Throws: what `ProbeTrainer.train` throws.
  /// - Complexity: one pass over the source where all sites fit into `memory`, else one for each share of them.
  public func run(
    on source: some ActivationSource, sites: [String]? = nil, each: (Probe) throws -> Void = { _ in }
  ) throws -> Table {
    let sites = try sites.map { try $0.map { try source.site(named: $0) } } ?? source.sites
    guard !sites.isEmpty else {
      throw Fault(
        .badData, "probe.noSites", "The source holds no activations to learn from",
        advice: "capture some sites; a store of statistics alone has none")
    }
    let task = try ProbeTask(settings: settings, source: source)
    var rows: [Row] = []
    for share in shares(of: sites, examples: task.examples.count) {
      var matrices = try task.examples.activations(
        of: share, in: source, order: task.order, pooling: task.pooling)
      for (index, site) in share.enumerated() {
        // Each site's rows are let go as soon as its probe is ready.
        let values = matrices[index]
        matrices[index] = Matrix(zeros: 0, columns: 0)
        let probe = try task.fit(values, site: site, origin: source.origin)
        rows.append(
          Row(
            site: site.name, layer: site.layer, width: site.width, validation: probe.record.validation,
            evaluation: probe.record.evaluation, strength: probe.record.fit.strength,
            iterations: probe.record.fit.iterations, converged: probe.record.fit.converged))
        try each(probe)
      }
    }
    var best: Row?
    for row in rows {
      guard let validation = row.validation else { continue }
      if validation > best?.validation ?? -1 { best = row }
    }
    return Table(
      settings: settings, origin: source.origin, classes: task.classes, trainingExamples: task.trainingCount,
      testExamples: task.order.count - task.trainingCount, rows: rows, best: best?.site)
  }

  /// The sites in groups whose rows fit into memory together.
  private func shares(of sites: [StoredSite], examples: Int) -> [[StoredSite]] {
    var shares: [[StoredSite]] = []
    var used = 0
    for site in sites {
      let bytes = site.width * 4 * examples
      if shares.isEmpty || used + bytes > memory {
        shares.append([])
        used = 0
      }
      shares[shares.count - 1].append(site)
      used += bytes
    }
    return shares
  }
}
