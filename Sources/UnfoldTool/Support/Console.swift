import Foundation
import Synchronization
import Unfold

/// Results go to standard output, everything else to standard error.
enum Console {
  static func standardOutput(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
  static func standardError(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

  /// Whether nothing but results and errors is said; a command's options set it before any work.
  static let isQuiet = Atomic<Bool>(false)

  /// A word to the person at the terminal, on standard error, unless `--quiet`.
  static func note(_ text: String) {
    guard !isQuiet.load(ordering: .relaxed) else { return }
    standardError(TerminalStyle.detect(descriptor: STDERR_FILENO).dim(text))
  }

  /// One JSON document, pretty-printed, keys sorted.
  ///
  /// Where a store was used that is not finished, `unfinished_stores` says so beside the result.
  static func json(_ value: some Encodable) throws {
    let text = try encoded(value, pretty: true)
    let stores = UnfinishedStore.opened.withLock { $0 }
    // Only an object has room for it.
    guard !stores.isEmpty, text.first == "{" else { return standardOutput(text) }
    standardOutput(try encoded(Noted(value: value, unfinishedStores: stores), pretty: true))
  }

  /// A result with what must be said beside it.
  private struct Noted<Value: Encodable>: Encodable {
    let value: Value
    let unfinishedStores: [UnfinishedStore]

    private enum CodingKeys: CodingKey { case unfinishedStores }

    func encode(to encoder: any Encoder) throws {
      try value.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(unfinishedStores, forKey: .unfinishedStores)
    }
  }

  /// One JSON object on a line of its own.
  static func jsonLine(_ value: some Encodable) throws { standardOutput(try encoded(value, pretty: false)) }

  private static func encoded(_ value: some Encodable, pretty: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Writes what a model says as it is; to a terminal without control characters, which could be commands to it.
  static func said(_ text: String) {
    write(isatty(STDOUT_FILENO) == 1 ? text.withoutControls : text, to: STDOUT_FILENO)
  }

  /// Writes whole, also when the descriptor takes only a part at once. A reader that went away ends the process
  /// quietly, as for other tools in a pipe; results that cannot be written end it with a message and code 74.
  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        if descriptor == STDOUT_FILENO { outputFailed(errno) }
        return
      }
      bytes = bytes.dropFirst(written)
    }
  }

  private static func outputFailed(_ code: Int32) -> Never {
    let fault = Fault(
      .inputOutput, "tool.output", "The results cannot be written to standard output",
      found: String(cString: strerror(code)),
      advice: Fault.advice(forSystem: code) ?? "send standard output to a terminal, a pipe or a file")
    UnfinishedOutputs.removeAll()
    FaultReport(fault).write(asJSON: false)
    Foundation.exit(fault.kind.rawValue)
  }
}
