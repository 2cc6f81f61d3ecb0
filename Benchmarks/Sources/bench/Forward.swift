import Foundation
import LinearAlgebra
import Transformer

/// What a run of the forward pass took.
struct ForwardReport: Codable {
  var tokens: Int
  var seconds: Double
  var processorSeconds: Double
  /// Of the matrix products of linear layers alone.
  var productGigaflops: Double
  var productShare: Double
  var kernel: String
}

extension Bench {
  /// `forward MODEL [--tokens N] [--length N] [--type float32|bfloat16] [--plain]`: the pass with the residual stream and
  /// the neurons of all layers rounded to float16 in memory (`--plain`: read by nobody), without writing a file.
  static func forward(_ arguments: [String]) throws {
    func option(_ name: String) -> String? {
      arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
    guard let folder = arguments.first else { usage() }
    let tokens = option("--tokens").flatMap(Int.init) ?? 8192
    let length = option("--length").flatMap(Int.init) ?? 512
    let type = option("--type").flatMap(ComputeType.init(rawValue:)) ?? .float32
    let model = try Model.load(URL(filePath: folder), compute: type)
    var generator = SeededGenerator(seed: 0)
    let vocabulary = model.architecture.vocabularySize
    let documents = (0..<max(1, tokens / length)).map { _ in
      (0..<length).map { _ in Int32(generator.integer(below: vocabulary)) }
    }
    let sites = try model.architecture.select(sites: "resid_post,mlp_post")
    let plain = arguments.contains("--plain")
    let hooks = sites.map { site in
      Hook(site) { value in
        if plain { return }
        var bits = [UInt16](repeating: 0, count: value.rows.count * value.width)
        _ = value.withUnsafeBuffer { values in
          values.baseAddress.map { Kernels.toFloat16($0, into: &bits, count: bits.count) }
        }
      }
    }
    let batch = TokenBatch(documents: documents)
    try model.run(TokenBatch(documents: [Array(documents[0].prefix(16))]), hooks: hooks)
    let (products, processor) = (ProductMeter.total, processorSeconds)
    let time = try seconds { try model.run(batch, hooks: hooks) }
    let used = (ProductMeter.total.operations - products.operations, ProductMeter.total.seconds - products.seconds)
    let report = ForwardReport(
      tokens: batch.count, seconds: time, processorSeconds: processorSeconds - processor,
      productGigaflops: used.0 / used.1 * 1e-9, productShare: used.1 / time, kernel: MatrixKernel.name(for: type))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  /// Seconds of processor time that this process has used, all threads together.
  static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
