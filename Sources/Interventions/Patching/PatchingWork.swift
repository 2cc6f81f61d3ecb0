import Architectures
import LinearAlgebra
import Transformer

/// One value put into a run.
struct Patch {
  /// nil: all positions.
  let position: Int?
  /// The head or neuron; nil: the whole row.
  let part: Int?
}

/// Runs many patches of one site at once.
struct PatchingWork {
  let model: Model
  let direction: Patching.Direction
  let batchTokens: Int

  /// How many bytes of logits are looked at at once.
  private static let logitBytes = 64 << 20

  /// The model's answer with each patch alone.
  func effects(of patches: [Patch], at site: Site, in runs: PairRuns) throws -> [Answers.Reading] {
    var effects = patches.map { _ in runs.untouched(direction) }
    guard let source = runs.source[site] else { return effects }
    // Before the first token that differs both runs have the same values.
    let first = runs.pair.firstDifference
    let wanted = patches.indices.filter { patches[$0].position ?? first >= first }
    let (layer, editsStream) = PatchedSites.start(of: site)
    let width = model.architecture.width
    try inBatches(wanted, from: patches.map { $0.position ?? first }, in: runs) { some in
      let jobs = some.map { Job(patches[$0], first: first) }
      var residual = jobs.flatMap { job -> ArraySlice<Float> in
        layer.map { runs.streams[$0][(job.first * width)...] } ?? []
      }
      let batch = TokenBatch(documents: jobs.map { Array(runs.base[$0.first...]) })
      var hooks: [Hook] = []
      if editsStream {
        for (document, job) in jobs.enumerated() {
          for position in job.positions(of: runs) {
            guard let values = source[position] else { continue }
            let row = batch.starts[document] + position - job.first
            residual.replaceSubrange(row * width..<(row + 1) * width, with: values)
          }
        }
      } else {
        hooks = [Hook(site) { value in put(source, into: &value, jobs, batch, runs) }]
      }
      let start = RunStart(
        pasts: jobs.map { .prefix(runs.cache, count: $0.first) },
        residual: layer.map { .init(layer: $0, values: residual) })
      let found = try readings(of: batch, from: start, hooks: hooks, runs)
      for (index, reading) in zip(some, found) { effects[index] = reading }
    }
    return effects
  }

  /// What the model says behind each document of a batch.
  func readings(
    of batch: TokenBatch, from start: RunStart, hooks: [Hook], _ runs: PairRuns
  ) throws -> [Answers.Reading] {
    guard let logits = try model.run(batch, from: start, hooks: hooks, logits: .lastOfEachDocument) else { return [] }
    var found = [Answers.Reading?](repeating: nil, count: logits.rows)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found  // Each row writes its own place.
      Threads.forEach(logits.rows) { row in
        found[row] = logits.withUnsafeRow(row) { runs.pair.answers.read($0, clean: runs.cleanDistribution.rows[0]) }
      }
    }
    return found.compactMap(\.self)
  }

  /// Cuts jobs into batches that fit.
  ///
  /// - Parameter firsts: The position from which each job's document is run, by the job's number.
  func inBatches(
    _ jobs: [Int], from firsts: [Int], in runs: PairRuns, _ body: ([Int]) throws -> Void
  ) rethrows {
    let most = max(1, Self.logitBytes / (4 * model.architecture.vocabularySize))
    let batches = jobs.batches(of: batchTokens, atMost: most) { runs.base.count - firsts[$0] }
    for some in batches { try body(Array(some)) }
  }

  /// One document of a batch of patches.
  struct Job {
    let patch: Patch
    /// The position of the document's first token.
    let first: Int

    init(_ patch: Patch, first: Int) {
      self.patch = patch
      self.first = patch.position ?? first
    }

    func positions(of runs: PairRuns) -> Range<Int> {
      patch.position.map { $0..<$0 + 1 } ?? first..<runs.base.count
    }
  }

  /// Writes each document's values of the other run where its patch says.
  func put(
    _ source: PairRuns.SiteRows, into value: inout HookedValue, _ jobs: [Job], _ batch: TokenBatch, _ runs: PairRuns
  ) {
    for (document, job) in jobs.enumerated() where value.document ?? document == document {
      let part = source.range(job.patch.part)
      for position in job.positions(of: runs) {
        guard let values = source[position], let row = value.row(of: batch.starts[document] + position - job.first)
        else { continue }
        let width = value.width
        value.withUnsafeMutableBuffer { target in
          for element in part { target[row * width + element] = values[values.startIndex + element] }
        }
      }
    }
  }
}
