import Diagnostics
import Foundation
import Pages

/// What a browser gets.
struct Answer: Sendable {
  var status: Int
  var headers: [(name: String, value: String)] = []
  var body = Data()

  /// A page.
  /// - Throws: What rendering throws.
  init(_ page: Page, status: Int = 200, serving: PageServing = PageServing()) throws {
    self.status = status
    headers = [("Content-Type", "text/html; charset=utf-8")]
    body = Data(try page.html(serving).utf8)
  }

  /// Sends the browser on.
  init(to address: String) {
    status = 303
    headers = [("Location", address)]
  }

  /// A fault, as a page.
  init(_ fault: Fault) {
    status = fault.status
    if let html = try? Page(fault).html(PageServing()) {
      headers = [("Content-Type", "text/html; charset=utf-8")]
      body = Data(html.utf8)
    } else {
      headers = [("Content-Type", "text/plain; charset=utf-8")]
      body = Data(fault.description.utf8)
    }
  }

  /// To a request whose body was not read to its end.
  static var tooLarge: Answer {
    var answer = Answer(
      Fault(
        .usage, "server.tooLong", "This request is too large", expected: "at most \(IncomingRequest.longestBody) bytes",
        found: "more"))
    answer.headers += safety
    return answer
  }

  /// Seconds after which one who was refused may ask again.
  static let retryAfter = 1

  /// What every answer says: no other page may frame it, no script but its own runs, nobody keeps or guesses anything.
  static let safety: [(name: String, value: String)] = [
    ("Content-Security-Policy", Page.policy(isServed: true) + "; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"), ("Cross-Origin-Resource-Policy", "same-origin"),
  ]
}

extension Fault {
  /// The status of an answer that says so.
  var status: Int {
    switch name {
    case "server.otherHost", "server.otherOrigin", "server.noToken": 403
    case "server.method": 405
    case "server.tooLong", "page.tooLong", "transformer.documentTooLong": 413
    case "server.busy": 503
    case "activations.unknownSite", "transformer.unknownSite", "neurons.noExamples": 404
    default:
      switch kind {
      case .noInput: 404
      case .usage, .badData: name.contains(".noSuch") || name.contains(".noPage") ? 404 : 400
      case .interrupted: 503
      case .software, .cannotCreate, .inputOutput: 500
      }
    }
  }

  /// An error that no part of Unfold raised on purpose.
  init(unexpected error: any Error) {
    self =
      error as? Fault
      ?? Fault(
        .software, "server.unexpected", "Something failed that should not have: \(error)",
        advice: "report this with the address that you opened")
  }
}

extension Page {
  /// What went wrong, and what to do.
  init(_ fault: Fault) {
    self.init(kind: "Not shown (\(fault.status))", title: fault.problem, source: "Fault \(fault.name).")
    lead = fault.advice.map { $0.prefix(1).uppercased() + $0.dropFirst() + "." }
    facts = [
      ("file", fault.file), ("at", fault.place), ("expected", fault.expected), ("found", fault.found),
    ].compactMap { name, value in value.map { Fact(name, $0) } }
    links = [Link(fault.name == "server.noToken" ? "Try again" : "Overview", "/")]
  }
}
