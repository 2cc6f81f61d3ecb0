import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// Path patching: what a part tells one later part directly.
///
/// A sender's value of the other run changes what its layer's branch writes into the stream; everything between it and the
/// receivers is held as it was, so that a receiver reads the stream with that change alone. What the receivers compute from
/// it is then put into the run that is patched, and all behind them follows. (Wang et al. 2022, arXiv 2211.00593; Goldowsky-
/// Dill et al. 2023, arXiv 2304.05969.)
public struct PathPatching: Sendable {
  /// What reads the change.
  public enum Receiver: Sendable, Equatable {
    /// The final norm and the unembedding: the direct effect on the answer.
    case logits
    /// A site at which a layer reads the stream (q, k, v, mlp_pre, mlp_in …), or one head's part of it; nil: all.
    case site(Site, part: Int?)

    var layer: Int? { if case .site(let site, _) = self { site.layer } else { nil } }
  }

  public var direction: Patching.Direction
  public var receivers: [Receiver]
  public var batchTokens: Int

  /// - Precondition: There is at least one receiver; all are sites or all are the logits.
  public init(_ direction: Patching.Direction = .denoising, to receivers: [Receiver], batchTokens: Int = 4096) {
    precondition(!receivers.isEmpty && (receivers.contains(.logits) ? receivers.count == 1 : true), "\(receivers)")
    self.direction = direction
    self.receivers = receivers
    self.batchTokens = batchTokens
  }

  /// The sites from which a layer's reading of the stream can be replaced.
  static let readings: Set<Site.Kind> = [.query, .key, .value, .mlpIn, .mlpPre, .mlpPreLinear, .norm1Normalized]

  /// The effect of each sender's path: heads one by one where a site has heads (`z`), whole branches else (`mlp_out`,
  /// `attn_out`, `mlp_post`), at all positions together, in the layers before the last receiver.
  ///
  /// - Parameter senders: Sites inside attention or MLP, or what these write.
  /// - Throws: As `Patching.run`, and `Fault` named `patching.receiver`, or `patching.sender` where a sender does not come
  ///   before every receiver.
  public func run(
    _ pairs: [PromptPair], senders: [Site], in model: Model, progress: ((Int, Int) -> Void)? = nil
  ) throws -> PatchingResult {
    _ = try Patching.check(pairs, model, byPosition: false)
    let architecture = model.architecture
    try check(senders, architecture)
    let groups = try architecture.patchedSites(senders, over: nil, parts: nil).map { group in
      PatchedSites(sites: group.sites, byPosition: false, parts: group.parts, partName: group.partName)
    }
    let work = PatchingWork(model: model, direction: direction, batchTokens: batchTokens)
    var readings = groups.map { group in
      [[Answers.Reading]](repeating: [], count: group.sites.count * (group.parts?.count ?? 1))
    }
    let all = readings.reduce(0) { $0 + $1.count } * pairs.count
    var (before, after): ([Answers.Reading], [Answers.Reading]) = ([], [])
    var done = 0
    for pair in pairs {
      let runs = try PairRuns(pair, work, sites: senders, baseSites: branchSites(senders, architecture))
      before.append(runs.clean)
      after.append(runs.corrupt)
      for (group, sites) in groups.enumerated() {
        var cell = 0
        for site in sites.sites {
          let parts = sites.parts.map { $0.map { $0 as Int? } } ?? [nil]
          let paths = PathRun(work: work, runs: runs, sender: site, receivers: receivers)
          for (offset, reading) in try paths.effects(of: parts).enumerated() {
            readings[group][cell + offset].append(reading)
          }
          cell += parts.count
          done += parts.count
          progress?(done, all)
        }
      }
    }
    let summary = try PairSummary(clean: before, corrupt: after, direction)
    return PatchingResult(
      direction: direction, clean: summary.clean, corrupt: summary.corrupt, pairs: pairs.count,
      sites: zip(groups, readings).map { PatchingGrid($0, positions: nil, cells: $1.map(summary.effect)) })
  }

  private func check(_ senders: [Site], _ architecture: Architecture) throws {
    for case .site(let site, let part) in receivers {
      let shape = architecture.has(site) ? architecture.shape(of: site) : nil
      let count = shape.flatMap { $0.axes.count > 1 ? $0.lengths[0] : nil }
      guard Self.readings.contains(site.kind), shape != nil, part.map({ (0..<(count ?? 0)).contains($0) }) ?? true
      else {
        throw Fault(
          .usage, "patching.receiver", "This is no place where a layer reads the stream",
          place: site.name + (part.map { ", head \($0)" } ?? ""),
          expected: "q, k, v (of a head that there is), mlp_in or mlp_pre of a layer, or logits")
      }
    }
    let first = receivers.compactMap(\.layer).min() ?? architecture.layers
    guard !senders.isEmpty, let last = senders.map({ $0.layer ?? .max }).max(), last < first,
      senders.allSatisfy({ Self.branch(of: $0) != nil })
    else {
      throw Fault(
        .usage, "patching.sender", "A sender must be a part of attention or MLP in a layer before every receiver",
        place: senders.first { ($0.layer ?? .max) >= first || Self.branch(of: $0) == nil }?.name,
        expected: first > 0
          ? "z, attn_out, mlp_post or mlp_out of layers 0 to \(first - 1)" : "receivers of later layers")
    }
  }

  /// Where a layer writes into the stream what a site takes part in.
  static func branch(of site: Site) -> Site? {
    guard let layer = site.layer, site.expert == nil else { return nil }
    if site.kind > .residPre, site.kind <= .attentionOut { return Site(.attentionOut, layer: layer) }
    if site.kind > .residMid, site.kind <= .mlpOut { return Site(.mlpOut, layer: layer) }
    return nil
  }

  /// What layers write that senders are in, and the attention in front of MLPs that receive.
  private func branchSites(_ senders: [Site], _ architecture: Architecture) -> [Site] {
    var sites: [Site] = []
    let held = receivers.compactMap { receiver -> Site? in
      guard case .site(let site, _) = receiver, site.kind > .residMid, let layer = site.layer else { return nil }
      return architecture.blocks[layer].isParallel ? nil : Site(.attentionOut, layer: layer)
    }
    for site in senders.compactMap(Self.branch) + held where !sites.contains(site) { sites.append(site) }
    return sites
  }
}

/// The paths from one sender, in one pair.
struct PathRun {
  let work: PatchingWork
  let runs: PairRuns
  let sender: Site
  let receivers: [PathPatching.Receiver]

  private var width: Int { work.model.architecture.width }
  private var first: Int { runs.pair.firstDifference }
  private var count: Int { runs.base.count - first }

  func effects(of parts: [Int?]) throws -> [Answers.Reading] {
    var readings = parts.map { _ in runs.untouched(work.direction) }
    try work.inBatches(Array(parts.indices), first: { _ in first }, in: runs) { some in
      let found = try effects(of: some.map { Patch(position: nil, part: parts[$0]) })
      for (index, reading) in zip(some, found) { readings[index] = reading }
    }
    return readings
  }

  private func effects(of patches: [Patch]) throws -> [Answers.Reading] {
    let batch = TokenBatch(documents: patches.map { _ in Array(runs.base[first...]) })
    let pasts = patches.map { _ in RunStart.Past.prefix(runs.cache, count: first) }
    let changes = try self.changes(patches, batch, pasts)
    func stream(_ layer: Int) -> [Float] {
      let own = runs.streams[layer][(first * width)...]
      return patches.indices.flatMap { document in
        zip(own, changes[document * own.count..<(document + 1) * own.count]).map(+)
      }
    }
    guard let start = receivers.compactMap(\.layer).min() else {
      let layer = work.model.architecture.layers
      return try work.readings(
        of: batch, from: RunStart(pasts: pasts, residual: .init(layer: layer, values: stream(layer))), hooks: [], runs)
    }
    // What the receivers compute from the changed stream, put into the run that is patched.
    var hooks: [Hook] = []
    for case .site(let site, let part) in receivers {
      guard let layer = site.layer else { continue }
      var read: [Float] = []
      var reads = [Hook(site) { read = $0.copy() }]
      // The MLP reads what this layer's attention adds as it was.
      if let kept = runs.baseValues[Site(.attentionOut, layer: layer)], site.kind > .residMid {
        reads.insert(Hook(Site(.attentionOut, layer: layer)) { value in hold(kept, in: &value, batch) }, at: 0)
      }
      try work.model.run(
        batch, from: RunStart(pasts: pasts, residual: .init(layer: layer, values: stream(layer))), hooks: reads)
      hooks.append(
        Hook(site) { value in
          let (width, parts) = (value.width, value.axes.count > 1 ? value.axes[0] : 1)
          let range = part.map { $0 * (width / parts)..<($0 + 1) * (width / parts) } ?? 0..<width
          value.withUnsafeMutableBuffer { target in
            for row in 0..<target.count / max(width, 1) {
              for element in range { target[row * width + element] = read[row * width + element] }
            }
          }
        })
    }
    let own = runs.streams[start][(first * width)...]
    let residual = RunStart.Residual(layer: start, values: patches.indices.flatMap { _ in own })
    return try work.readings(of: batch, from: RunStart(pasts: pasts, residual: residual), hooks: hooks, runs)
  }

  /// What each patch of the sender changes in what its layer writes into the stream. Shape: [patches · tokens, d_model].
  private func changes(_ patches: [Patch], _ batch: TokenBatch, _ pasts: [RunStart.Past]) throws -> [Float] {
    guard let branch = PathPatching.branch(of: sender), let layer = sender.layer, let source = runs.source[sender],
      let kept = runs.baseValues[branch]
    else { return [] }
    var written: [Float] = []
    let jobs = patches.map { PatchingWork.Job($0, first: first) }
    let own = runs.streams[layer][(first * width)...]
    try work.model.run(
      batch,
      from: RunStart(pasts: pasts, residual: .init(layer: layer, values: patches.indices.flatMap { _ in own })),
      hooks: [
        Hook(sender) { value in work.put(source, into: &value, jobs, batch, runs) },
        Hook(branch) { written = $0.copy() },
      ])
    for document in patches.indices {
      for position in first..<runs.base.count {
        guard let before = kept[position] else { continue }
        let row = (document * count + position - first) * width
        for (column, value) in before.enumerated() { written[row + column] -= value }
      }
    }
    return written
  }

  /// Writes the values of the run that is patched into all documents.
  private func hold(_ kept: PairRuns.SiteRows, in value: inout HookedValue, _ batch: TokenBatch) {
    for document in 0..<batch.documentCount {
      for position in first..<runs.base.count {
        guard let row = kept[position] else { continue }
        value.setRow(batch.starts[document] + position - first, to: row)
      }
    }
  }
}

extension Architecture {
  /// Readers of the stream as people write them, separated by commas: `logits`, `L3.q` (all heads), `L3.q.5` (head 5).
  ///
  /// - Throws: `Fault` named `patching.receiver`.
  public func receivers(named text: String) throws -> [PathPatching.Receiver] {
    let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let receivers = names.compactMap { name -> PathPatching.Receiver? in
      if name == "logits" { return .logits }
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard (2...3).contains(parts.count), let layer = Int(parts[0].drop { "Ll".contains($0) }),
        blocks.indices.contains(layer),
        let site = sites.first(where: { $0.layer == layer && $0.expert == nil && $0.shorthand == String(parts[1]) })
      else { return nil }
      guard parts.count == 3 else { return .site(site, part: nil) }
      return Int(parts[2].drop { "Hh".contains($0) }).map { .site(site, part: $0) }
    }
    guard !names.isEmpty, receivers.count == names.count, receivers.contains(.logits) ? receivers.count == 1 : true
    else {
      throw Fault(
        .usage, "patching.receiver", "These are no readers of the stream", place: text,
        expected: "logits alone; or such as L3.q, L3.q.5 or L3.mlp_pre, separated by commas",
        found: "layers 0 to \(layers - 1)")
    }
    return receivers
  }
}
