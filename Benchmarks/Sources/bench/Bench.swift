import Foundation

/// Times parts of Unfold inside one process; `Scripts/bench/run` times whole processes and the peers beside them.
///
///     swift run -c release --package-path Benchmarks bench products|kernels|attention|tokenize|forward|generate|sweep …
@main
enum Bench {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "products": try products(Array(arguments.dropFirst()))
    case "kernels": kernels()
    case "attention": attention(Array(arguments.dropFirst()))
    case "forward": try forward(Array(arguments.dropFirst()))
    case "generate": try generate(Array(arguments.dropFirst()))
    case "tokenize": try tokenize(Array(arguments.dropFirst()))
    case "sweep-store": try SweepBenchmark.writeStore(Array(arguments.dropFirst()))
    case "sweep": try SweepBenchmark.run(Array(arguments.dropFirst()))
    default: usage()
    }
  }

  static func usage() -> Never {
    let text =
      "usage: bench products [--json] | kernels | attention [SIZE …] | forward MODEL … | generate MODEL … | "
      + "tokenize TOKENIZER.JSON TEXT | "
      + "sweep-store FOLDER ROWS LAYERS | sweep STORE C,C,… FOLDS\n"
    FileHandle.standardError.write(Data(text.utf8))
    exit(64)
  }

  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
  }

  /// The shortest of several runs: what the code needs when nothing disturbs it.
  static func best(of runs: Int, _ body: () -> Void) -> Double { (0..<runs).map { _ in seconds(body) }.min() ?? 0 }
}
