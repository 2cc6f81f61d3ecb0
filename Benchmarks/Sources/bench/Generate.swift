import Foundation
import LinearAlgebra
import Synchronization
import Transformer

/// How fast a model writes, beside how fast the machine reads as many bytes as its weights have.
struct GenerationReport: Codable {
  var model: String
  var type: String
  var kernel: String
  var threads: Int
  /// Prepared weights, each read once for a token.
  var weightBytes: Int
  var tokens: Int
  /// Of a token, and of reading the weights' bytes once, on all threads: in turn, medians and the shortest.
  var secondsPerToken: Double
  var secondsPerRead: Double
  var shortestToken: Double
  var shortestRead: Double
  /// The median of the pairs' ratios: above 1 is slower than reading.
  var ratio: Double
  /// The same of processor time, all threads together, which other programs disturb less.
  var processorRatio: Double
  /// Bytes a second of the median read.
  var gigabytesPerSecond: Double
}

extension Bench {
  /// `generate MODEL … [--tokens N] [--prompt N] [--type float32|bfloat16] [--json]`: the likeliest tokens one after another,
  /// and after each a read of as many bytes as the prepared weights have.
  static func generate(_ arguments: [String]) throws {
    func option(_ name: String) -> String? {
      arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
    var models: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--json" { continue }
      if argument.hasPrefix("--") { _ = rest.popFirst() } else { models.append(argument) }
    }
    guard !models.isEmpty else { usage() }
    let count = max(2, option("--tokens").flatMap(Int.init) ?? 32)
    let prompt = max(1, option("--prompt").flatMap(Int.init) ?? 16)
    let type = option("--type").flatMap(ComputeType.init(rawValue:)) ?? .float32
    let reports = try models.map { try generate($0, tokens: count, prompt: prompt, type: type) }
    if arguments.contains("--json") {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return print(String(decoding: try encoder.encode(reports), as: UTF8.self))
    }
    for report in reports {
      print(
        "\(report.model) \(report.type), \(report.kernel), \(report.threads) threads: "
          + String(
            format:
              "%.0f MB of weights; %.1f ms a token (shortest %.1f), %.1f ms to read them (shortest %.1f, %.1f GB/s); ",
            Double(report.weightBytes) * 1e-6, report.secondsPerToken * 1e3, report.shortestToken * 1e3,
            report.secondsPerRead * 1e3, report.shortestRead * 1e3, report.gigabytesPerSecond)
          + String(format: "ratio %.2f, of processor time %.2f", report.ratio, report.processorRatio))
    }
  }

  private static func generate(_ name: String, tokens: Int, prompt: Int, type: ComputeType) throws -> GenerationReport {
    let model = try Model.load(URL(filePath: name), compute: type)
    var generator = SeededGenerator(seed: 0)
    let text = (0..<prompt).map { _ in Int32(generator.integer(below: model.architecture.vocabularySize)) }
    // Prepares the weights.
    _ = try model.generate(after: [text], count: 2)
    let bytes = model.keptWeightBytes
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: bytes / 4)
    memory.initialize(repeating: 1)
    defer { memory.deallocate() }
    var (steps, reads): ([(wall: Double, processor: Double)], [(wall: Double, processor: Double)]) = ([], [])
    var last = (wall: now, processor: processorSeconds)
    _ = try model.generate(
      after: [text], count: tokens,
      each: { _, _ in
        let step = (wall: now - last.wall, processor: processorSeconds - last.processor)
        let start = (wall: now, processor: processorSeconds)
        read(memory)
        let end = (wall: now, processor: processorSeconds)
        steps.append(step)
        reads.append((end.wall - start.wall, end.processor - start.processor))
        last = (now, processorSeconds)
        return nil
      })
    // The first run read the whole text.
    steps.removeFirst()
    reads.removeFirst()
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let readTime = median(reads.map(\.wall))
    return GenerationReport(
      model: URL(filePath: name).lastPathComponent, type: type.rawValue, kernel: MatrixKernel.name(for: type),
      threads: Threads.count, weightBytes: bytes, tokens: steps.count, secondsPerToken: median(steps.map(\.wall)),
      secondsPerRead: readTime, shortestToken: steps.map(\.wall).min() ?? 0, shortestRead: reads.map(\.wall).min() ?? 0,
      ratio: median(zip(steps, reads).map { $0.wall / $1.wall }),
      processorRatio: median(zip(steps, reads).map { $0.processor / $1.processor }),
      gigabytesPerSecond: Double(bytes) / readTime * 1e-9)
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

  /// What the reads add up to, so that they cannot be left out.
  private static let sum = Mutex(0.0)

  private static func read(_ memory: UnsafeMutableBufferPointer<Float>) {
    nonisolated(unsafe) let memory = memory
    Threads.forRanges(0..<memory.count, grain: 1 << 20) { range in
      guard let start = memory.baseAddress else { return }
      let own = Kernels.sum(start + range.lowerBound, count: range.count)
      sum.withLock { $0 += own }
    }
  }
}
