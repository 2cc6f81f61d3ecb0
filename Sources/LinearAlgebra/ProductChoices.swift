import Diagnostics
import Foundation
import Synchronization

/// Which library multiplies a linear layer of which size here: the one that was the fastest when it was tried.
///
/// Names of processors and kernels tell little: one processor's own bfloat16 products are twice as fast as its float32
/// ones, another's half as fast. So each size is tried for some milliseconds when it is first needed, and what was found
/// is kept in a small file beside the user's other caches, for this processor, these libraries and this number of threads.
/// Results differ in their last bits between libraries: whoever must repeat a run records the choices and `adopt`s them.
public struct ProductChoices: Sendable, Equatable {
  /// A layer's size, as far as it matters for the rate.
  struct Size: Hashable, Sendable {
    var outputs: Int
    var inputs: Int

    init(outputs: Int, inputs: Int) {
      // Wide layers are cut into panels; what is wider is no faster or slower.
      self.outputs = min(outputs, 4096)
      self.inputs = min(inputs, 4096)
    }

    /// Small products end before a difference is worth a millisecond's trial.
    var isTried: Bool { outputs * inputs >= 1 << 19 }
    var name: String { "\(outputs)x\(inputs)" }
  }

  private var libraries: [String: MatrixLibrary] = [:]

  /// The choices for a type and some layers' sizes, tried now where they are not known yet; small layers have none.
  public init(for type: ComputeType, sizes: some Sequence<(outputs: Int, inputs: Int)>) {
    for (outputs, inputs) in sizes {
      let size = Size(outputs: outputs, inputs: inputs)
      if size.isTried { libraries[size.name] = Self.library(for: type, outputs: outputs, inputs: inputs) }
    }
  }

  /// As it was recorded; nil where it says nothing that can be read.
  public init?(_ text: String) {
    for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, let library = MatrixLibrary(rawValue: String(pair[1])) else { return nil }
      libraries[String(pair[0])] = library
    }
  }

  /// Such as `3072x768=oneDNN, 768x3072=openBLAS`, in a fixed order; empty where there is none.
  public var description: String {
    libraries.sorted { $0.key < $1.key }.map { "\($0)=\($1.rawValue)" }.joined(separator: ", ")
  }

  /// Takes these choices from now on, for products of weights that are yet to be prepared.
  /// - Returns: Whether all of the libraries are here; where not, nothing is taken.
  public func adopt(for type: ComputeType) -> Bool {
    guard Set(libraries.values).isSubset(of: MatrixLibrary.candidates(for: type)) else { return false }
    Self.known.withLock { known in
      for (name, library) in libraries { known[type.rawValue, default: [:]][name] = library }
    }
    return true
  }

  // MARK: - The process's choices

  /// By type and size.
  private static let known = Mutex<[String: [String: MatrixLibrary]]>([:])

  /// The library for the weights of a layer; tried now where it is not known yet, which takes some milliseconds.
  static func library(for type: ComputeType, outputs: Int, inputs: Int) -> MatrixLibrary {
    let size = Size(outputs: outputs, inputs: inputs)
    let candidates = MatrixLibrary.candidates(for: type)
    guard size.isTried, candidates.count > 1 else { return candidates[0] }
    // The lock is held over the trial: two at once would measure each other.
    return known.withLock { known in
      if let library = known[type.rawValue]?[size.name] { return library }
      var file = ProductRates.read()
      let key = "\(type.rawValue) \(size.name)"
      let rates: [String: Double]
      if let found = file.rates[key], candidates.allSatisfy({ found[$0.rawValue] != nil }) {
        rates = found
      } else {
        rates = Dictionary(
          uniqueKeysWithValues: zip(candidates, measure(candidates, type, size)).map { ($0.rawValue, $1) })
        file.rates[key] = rates
        file.write()
      }
      let library = best(of: candidates, rates: candidates.map { rates[$0.rawValue] ?? 0 })
      known[type.rawValue, default: [:]][size.name] = library
      return library
    }
  }

  /// The fastest, or the first unless another is faster by more than such trials are uncertain.
  static func best(of candidates: [MatrixLibrary], rates: [Double]) -> MatrixLibrary {
    guard let first = candidates.first, let usual = rates.first, let most = rates.max() else { return .openBLAS }
    guard most > 1.05 * usual, let place = rates.firstIndex(of: most) else { return first }
    return candidates[place]
  }

  /// Operations a second of each library, on all threads: the best of some runs, which take turns.
  private static func measure(_ candidates: [MatrixLibrary], _ type: ComputeType, _ size: Size) -> [Double] {
    let step = 64 * Threads.count
    let operations = 2 * size.outputs * size.inputs
    let rows = min(8, max(1, 4_000_000_000 / (operations * step))) * step
    let weights = candidates.map { library in
      PreparedWeights(outputs: size.outputs, inputs: size.inputs, type: type, library: library) { buffer in
        for index in buffer.indices { buffer[index] = Float(index % 13) - 6 }
      }
    }
    let input = [Float](unsafeUninitializedCapacity: rows * size.inputs) { buffer, count in
      for index in buffer.indices { buffer[index] = Float(index % 11) - 5 }
      count = buffer.count
    }
    var output = [Float](repeating: 0, count: rows * size.outputs)
    var best = [Double](repeating: .infinity, count: candidates.count)
    for round in 0..<4 {
      for (place, weights) in weights.enumerated() {
        let start = ProductMeter.now()
        weights.multiply(input, rows: rows, into: &output)
        // The first round makes primitives and touches memory.
        if round > 0 { best[place] = min(best[place], Double(ProductMeter.now() &- start)) }
      }
    }
    return best.map { Double(rows * operations) / $0 * 1e9 }
  }
}

/// The file of what was measured, and what holds for this machine in it.
struct ProductRates {
  /// Operations a second by library, by type and size.
  var rates: [String: [String: Double]]
  private var others: [String: [String: [String: Double]]]

  private static let name = "products.json"
  private static let mostBytes = 1 << 20

  /// What the rates depend on.
  private static let machine = [
    processor, MatrixLibrary.candidates(for: .float32).map { $0.description(for: .float32) }.joined(separator: ", "),
    "\(Threads.count) threads",
  ].joined(separator: "; ")

  private static var processor: String {
    #if os(Linux)
      // What the first of the processors says of itself.
      let lines =
        (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n").prefix(12) ?? []
      let told = ["model name", "cpu family", "model\t", "stepping"]
      return lines.filter { line in told.contains { line.hasPrefix($0) } }
        .map { $0.replacing("\t", with: "").replacing(": ", with: " ") }.joined(separator: ", ")
    #else
      return MatrixKernel.name
    #endif
  }

  /// What there is; nothing where it cannot be read, which costs a trial and no more.
  static func read(in folder: URL = UserCaches.folder) -> ProductRates {
    let file = folder.appending(path: name)
    let size = (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int) ?? 0
    guard size > 0, size <= mostBytes, let data = try? Data(contentsOf: file),
      let all = try? JSONDecoder().decode([String: [String: [String: Double]]].self, from: data)
    else { return ProductRates(rates: [:], others: [:]) }
    return ProductRates(rates: all[machine] ?? [:], others: all)
  }

  /// Keeps it, where that is allowed.
  func write(in folder: URL = UserCaches.folder) {
    var all = others
    all[Self.machine] = rates
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(all), data.count <= Self.mostBytes else { return }
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try? data.write(to: folder.appending(path: Self.name), options: .atomic)
  }
}
