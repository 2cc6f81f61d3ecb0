import Foundation
import LinearAlgebra

/// The rate of one shape in one library.
struct ProductRate: Codable {
  var rows: Int
  var outputs: Int
  var inputs: Int
  var type: String
  var library: String
  var gigaflops: Double
}

extension Bench {
  /// The shapes of GPT-2 small's and Llama 8B's layers, in batches of the sizes a capture uses.
  static let shapes = [
    (512, 3072, 768), (4096, 3072, 768), (4096, 768, 3072), (4096, 2304, 768), (4096, 768, 768), (512, 14336, 4096),
    (1, 3072, 768), (16, 3072, 768),
  ]

  static func products(_ arguments: [String]) throws {
    var rates: [ProductRate] = []
    for type in ComputeType.allCases {
      for (rows, outputs, inputs) in shapes {
        for library in MatrixLibrary.candidates(for: type) {
          let weights = PreparedWeights(outputs: outputs, inputs: inputs, type: type, library: library) { buffer in
            for i in buffer.indices { buffer[i] = Float(i % 13) - 6 }
          }
          let input = (0..<rows * inputs).map { Float($0 % 11) - 5 }
          let bias = [Float](repeating: 1, count: outputs)
          var output = [Float](repeating: 0, count: rows * outputs)
          let time = best(of: rows < 64 ? 50 : 5) { weights.multiply(input, rows: rows, bias: bias, into: &output) }
          rates.append(
            ProductRate(
              rows: rows, outputs: outputs, inputs: inputs, type: type.rawValue,
              library: library.description(for: type),
              gigaflops: 2e-9 * Double(rows) * Double(outputs) * Double(inputs) / time))
        }
      }
    }
    if arguments.contains("--json") {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(rates), as: UTF8.self))
      return
    }
    print("chosen here: \(MatrixKernel.name), \(MatrixKernel.name(for: .bfloat16)); \(Threads.count) threads")
    for rate in rates {
      print(
        "\(rate.rows)×\(rate.outputs)×\(rate.inputs) \(rate.type) \(rate.library): "
          + String(format: "%.1f GFLOP/s", rate.gigaflops))
    }
  }

  /// Nanoseconds for an element of each kernel, on all threads, on an array that the caches do not hold.
  static func kernels() {
    let (rows, columns) = (4096, 3072)
    let count = rows * columns
    let input = (0..<count).map { Float($0 % 1001) / 100 - 5 }
    var output = input
    var bits = [UInt16](repeating: 0, count: count)
    func report(_ name: String, _ body: () -> Void) {
      print("\(name): " + String(format: "%.3f ns an element", best(of: 5, body) * 1e9 / Double(count)))
    }
    for function in ElementwiseFunction.allCases {
      report(function.rawValue) { Kernels.apply(function, input, into: &output, count: count) }
    }
    report("add") { Kernels.add(input, input, into: &output, count: count) }
    report("layerNorm") {
      Kernels.layerNorm(input, rows: rows, columns: columns, epsilon: 1e-5, weight: input, bias: input, into: &output)
    }
    report("softmax") {
      Kernels.softmaxRows(input, into: &output, rows: rows, columns: columns) { _ in 0..<columns }
    }
    report("toFloat16") { _ = Kernels.toFloat16(input, into: &bits, count: count) }
    report("toBFloat16") { _ = Kernels.toBFloat16(input, into: &bits, count: count) }
    report("fromFloat16") { Kernels.fromFloat16(bits, into: &output, count: count) }
    report("transpose") { Kernels.transpose(input, rows: rows, columns: columns, into: &output) }
    report("moments") {
      var moments = ColumnMoments(columns: columns)
      moments.add(input, rows: rows)
    }
  }
}
