import Foundation
import Unfold

/// What `Scripts/bench/sweep.py` times: a store of GPT-2 small's widths with a concept in it, and the sweep over it.
enum SweepBenchmark {
  static let residualWidth = 768
  static let neuronWidth = 3072

  /// `bench sweep-store FOLDER ROWS LAYERS`: a pooled store of float16, a document a row, two classes.
  ///
  /// Columns are correlated, as activations are: a few dozen latent directions of falling weight, noise, and some columns
  /// of thirty times the scale. The concept is one direction that grows over the layers. Neurons are half-waves.
  static func writeStore(_ arguments: [String]) throws {
    guard arguments.count == 3, let rows = Int(arguments[1]), let layers = Int(arguments[2]) else { Bench.usage() }
    let sites = (0..<layers).flatMap { layer in
      [
        StoredSite(name: "blocks.\(layer).hook_resid_post", layer: layer, axes: ["d_model"], shape: [residualWidth]),
        StoredSite(name: "blocks.\(layer).mlp.hook_post", layer: layer, axes: ["d_mlp"], shape: [neuronWidth]),
      ]
    }
    let run = StoreRun(
      origin: Origin(model: "synthetic", modelDigest: "synthetic", version: "bench"), sites: sites, rowKind: .document)
    let writer = try StoreWriter(at: URL(filePath: arguments[0]), run: run, resume: false)
    var generator = SeededGenerator(seed: 1)
    let latents = 48
    var maps: [Matrix] = []
    var concepts: [[Float]] = []
    for site in sites {
      maps.append(
        Matrix(
          rows: latents, columns: site.width,
          elements: (0..<latents * site.width).map { index in
            let column = index % site.width
            return Float(generator.normal() * 3 / Double(1 + index / site.width)) * (column % 256 == 17 ? 30 : 1)
          }))
      concepts.append((0..<site.width).map { _ in Float(generator.normal()) })
    }
    let noise = (0..<1 << 20).map { _ in Float(generator.normal()) }
    let blockRows = 500
    for start in stride(from: 0, to: rows, by: blockRows) {
      let count = min(blockRows, rows - start)
      let hidden = Matrix(
        rows: count, columns: latents, elements: (0..<count * latents).map { _ in Float(generator.normal()) })
      for (number, site) in sites.enumerated() {
        var values = hidden.multiplied(by: maps[number])
        let strength = 0.06 * Float((site.layer ?? 0) + 1) / Float(layers)
        let offset = generator.integer(below: 1 << 19)
        let isNeuron = site.width == neuronWidth
        values.withUnsafeMutableElements { elements in
          for row in 0..<count {
            let positive: Float = label(start + row) ? 1 : -1
            for column in 0..<site.width {
              let index = row * site.width + column
              let value =
                elements[index] + noise[(index + offset) & ((1 << 20) - 1)] + positive * strength
                * concepts[number][column]
              elements[index] = isNeuron ? max(value, 0) : value
            }
          }
        }
        let block = try writer.makeBlock(site: number, rows: count)
        values.elements.withUnsafeBufferPointer { elements in
          guard let source = elements.baseAddress,
            let target = block.bytes.bindMemory(to: UInt16.self).baseAddress
          else { return }
          _ = Kernels.toFloat16(source, into: target, count: elements.count)
        }
        try writer.append(block)
      }
      var tokens = TokenTable()
      let documents = (start..<start + count).map { document -> DocumentRow in
        tokens.append(id: 0, position: 0, document: Int32(document), start: 0, end: 1, special: false)
        return DocumentRow(
          id: "d\(document)", label: .text(label(document) ? "yes" : "no"), firstToken: document, tokenCount: 1)
      }
      try writer.append(documents: documents, tokens: tokens, spans: [])
      if try writer.endBatch() {
        try writer.closeShard(cursor: DocumentCursor(documents: start + count), statistics: [:])
      }
    }
    try writer.finish(cursor: DocumentCursor(documents: rows), statistics: [:])
  }

  /// Whether a document has the concept: about half of them, in no simple order.
  static func label(_ document: Int) -> Bool { (UInt64(document) &* 0x9E37_79B9_7F4A_7C15) >> 63 == 1 }

  struct Result: Encodable {
    struct Row: Encodable {
      let site: String
      let auroc: Double
      let accuracy: Double
      let strength: Double
      let iterations: Int
    }
    let seconds: Double
    /// User and system time of all threads.
    let cpu: Double
    /// The most bytes that were resident.
    let peak: Int
    let rows: [Row]
    /// The documents learnt from, those held back, and for each fold the places among the former that it holds back.
    let train: [Int]
    let test: [Int]
    let folds: [[Int]]
  }

  /// This process's CPU time in seconds, and the most bytes it had resident.
  private static func usage() -> (cpu: Double, peak: Int) {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      let unit = 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      let unit = 1
    #endif
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return (seconds(usage.ru_utime) + seconds(usage.ru_stime), Int(usage.ru_maxrss) * unit)
  }

  /// `bench sweep STORE C,C,… FOLDS`: one JSON object.
  static func run(_ arguments: [String]) throws {
    guard arguments.count == 3, let folds = Int(arguments[2]) else { Bench.usage() }
    let strengths = arguments[1].split(separator: ",").compactMap { Double($0) }
    var settings = ProbeSettings(strengths: strengths, folds: folds, controls: [])
    settings.tolerance = 1e-4
    settings.resamples = 0
    var rows: [StudyResult.Row] = []
    var rowCount = 0
    let before = usage()
    let seconds = try Bench.seconds {
      let store = try ActivationStore(opening: URL(filePath: arguments[0]))
      rowCount = store.rowCount
      rows = try Study(settings: settings).run(on: store).result.rows
    }
    let after = usage()
    // The same split as the sweep's: by label and document, from the seed.
    let labels = (0..<rowCount).map { Int32(label($0) ? 1 : 0) }
    let split = try Split.trainAndTest(labels: labels, groups: Array(0..<rowCount), seed: settings.seed)
    let own = try Split.folds(
      folds, labels: split.train.map { labels[$0] }, groups: split.train, seed: settings.seed)
    let result = Result(
      seconds: seconds, cpu: after.cpu - before.cpu, peak: after.peak,
      rows: rows.map {
        .init(
          site: $0.site, auroc: $0.evaluation.scores.auroc ?? .nan, accuracy: $0.evaluation.scores.accuracy,
          strength: $0.strength ?? .nan, iterations: $0.iterations)
      }, train: split.train, test: split.test, folds: own.map(\.test))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(result), as: UTF8.self))
  }
}
