import Foundation
import Unfold

/// A fault as the command line shows it: words on standard error, and one JSON document where `--json` was given.
struct FaultReport: Encodable {
  struct Body: Encodable {
    let name: String
    let exitCode: Int32
    let problem: String
    let file: String?
    let place: String?
    let expected: String?
    let found: String?
    let advice: String
  }

  let error: Body

  init(_ fault: Fault) {
    error = Body(
      name: fault.name, exitCode: fault.kind.rawValue, problem: fault.problem, file: fault.file, place: fault.place,
      expected: fault.expected, found: fault.found, advice: fault.nextStep)
    text = fault.description
  }

  private let text: String
  private enum CodingKeys: CodingKey { case error }

  func write(asJSON: Bool) {
    let style = TerminalStyle.detect(descriptor: STDERR_FILENO)
    Console.standardError(style.red("error:") + " " + text)
    if asJSON { try? Console.json(self) }
  }
}

extension Fault {
  /// An error that no part of Unfold raised on purpose.
  init(describing error: any Error) {
    self.init(
      .software, "tool.unexpected", "Something failed that should not have: \(error)",
      advice: "report this with the command that you ran")
  }
}
