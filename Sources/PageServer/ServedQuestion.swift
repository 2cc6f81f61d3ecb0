import Diagnostics
import Foundation
import Neurons
import Reports

/// What an address asks for. Equal questions have equal addresses, and equal answers.
enum ServedQuestion: Sendable, Equatable {
  case overview
  case neuron(NeuronReference)
  case dictionary
  case feature(Int)
  case probe
  case run(text: String)
  case patch(clean: String, corrupt: String, right: String, wrong: String)
  case steer(SteeringQuestion)
  case search(String, SearchKind)
  case attempt(text: String, on: Subject)
  /// The form of a page that was opened without anything filled in.
  case form(FormKind)

  enum SearchKind: String, Sendable { case text, label }
  enum FormKind: String, Sendable, CaseIterable {
    case neuron, feature, run, patch, steer, search
    case attempt = "try"
  }

  /// What a text of the reader's is read by.
  enum Subject: Sendable, Equatable {
    case neuron(NeuronReference)
    case feature(Int)
    case probe
  }

  /// The longest text that is taken, in bytes.
  static let longestText = 1 << 14
}

struct SteeringQuestion: Sendable, Equatable {
  var prompt: String
  /// A feature of the dictionary; nil: the probe's direction.
  var feature: Int?
  /// Of a probe of several classes, which one.
  var className: String?
  /// In mean norms of the activations at its site.
  var strength: Double
  /// Tokens that are written.
  var count: Int

  static let most = 200
}

extension ServedQuestion {
  /// What a request asks for.
  ///
  /// - Throws: `server.noPage`, `server.badAddress`, `server.tooLong`, `server.field`.
  init(_ request: IncomingRequest) throws {
    let parts = try request.pathParts()
    var fields = try FormText.fields(request.query)
    // Which piece of work the browser asks about; see `PageAnswers`.
    fields["job"] = nil
    let given = Fields(fields)
    guard let first = parts.first else {
      self = .overview
      return
    }
    switch (first, parts.count) {
    case ("neuron", 2): self = .neuron(try Self.neuron(parts[1]))
    case ("neuron", 1):
      self = given.isEmpty ? .form(.neuron) : .neuron(try Self.neuron(given.line("name")))
    case ("feature", 2): self = .feature(try Self.number(parts[1], "feature", 0...Int(Int32.max)))
    case ("feature", 1):
      self = given.isEmpty ? .form(.feature) : .feature(try given.number("number", 0...Int(Int32.max)))
    case ("dictionary", 1): self = .dictionary
    case ("probe", 1): self = .probe
    case ("run", 1): self = given.isEmpty ? .form(.run) : .run(text: try given.text("text"))
    case ("search", 1): self = given.isEmpty ? .form(.search) : try Self.search(given)
    case ("try", 1): self = given.isEmpty ? .form(.attempt) : try Self.attempt(given)
    case ("steer", 1): self = given.isEmpty ? .form(.steer) : .steer(try Self.steering(given))
    case ("patch", 1):
      self =
        given.isEmpty
        ? .form(.patch)
        : .patch(
          clean: try given.text("clean"), corrupt: try given.text("corrupt"), right: try given.line("right"),
          wrong: try given.line("wrong"))
    default:
      throw Fault(
        .usage, "server.noPage", "There is no such page", expected: "a page that the overview names",
        found: String(request.path.prefix(200)), advice: "go back to the overview")
    }
  }

  private static func search(_ given: Fields) throws -> ServedQuestion {
    let by = given["by"] ?? SearchKind.text.rawValue
    guard let kind = SearchKind(rawValue: by) else {
      throw Fields.bad("by", expected: "text or label", found: by)
    }
    return .search(try given.text("q"), kind)
  }

  private static func attempt(_ given: Fields) throws -> ServedQuestion {
    let text = try given.text("text")
    let name = try given.line("on")
    if name == "probe" { return .attempt(text: text, on: .probe) }
    if let number = Int(name), (0...Int(Int32.max)).contains(number) {
      return .attempt(text: text, on: .feature(number))
    }
    return .attempt(text: text, on: .neuron(try neuron(name)))
  }

  private static func steering(_ given: Fields) throws -> SteeringQuestion {
    let by = try given.line("by")
    let count = given["count"] ?? "40"
    return SteeringQuestion(
      prompt: try given.text("text"), feature: by == "probe" ? nil : try number(by, "by", 0...Int(Int32.max)),
      className: given["class"].flatMap { $0.isEmpty ? nil : $0 }, strength: try given.real("strength", -1000...1000),
      count: try number(count, "count", 1...SteeringQuestion.most))
  }

  private static func neuron(_ name: String) throws -> NeuronReference {
    guard name.utf8.count <= 200, let neuron = NeuronReference(name.trimmingCharacters(in: .whitespaces)) else {
      throw Fields.bad(
        "neuron", expected: "a layer and a column such as L2.30, of an expert L2.E5.43", found: String(name.prefix(80)))
    }
    return neuron
  }

  private static func number(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws -> Int {
    guard let number = Int(text.trimmingCharacters(in: .whitespaces)), range.contains(number) else {
      throw Fields.bad(
        name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)", found: String(text.prefix(80))
      )
    }
    return number
  }

  /// What a form has sent, checked field by field.
  private struct Fields {
    private let fields: [String: String]
    init(_ fields: [String: String]) { self.fields = fields }
    var isEmpty: Bool { fields.isEmpty }
    subscript(name: String) -> String? { fields[name] }

    func text(_ name: String) throws -> String {
      guard let text = fields[name], !text.isEmpty else {
        throw Self.bad(name, expected: "a text", found: "nothing")
      }
      guard text.utf8.count <= longestText else {
        throw Fault(
          .usage, "server.tooLong", "This text is too long", place: "field \(name)",
          expected: "at most \(longestText) bytes", found: "\(text.utf8.count)", advice: "give a part of it")
      }
      // Browsers send the ends of lines as two characters.
      return text.replacing("\r\n", with: "\n")
    }

    func line(_ name: String) throws -> String {
      let text = try text(name)
      guard text.utf8.count <= 400 else { throw Self.bad(name, expected: "at most 400 bytes", found: "more") }
      return text
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
      try ServedQuestion.number(line(name), name, range)
    }

    func real(_ name: String, _ range: ClosedRange<Double>) throws -> Double {
      let text = try line(name)
      guard let number = Double(text.trimmingCharacters(in: .whitespaces)), range.contains(number) else {
        throw Self.bad(
          name, expected: "a number from \(range.lowerBound) to \(range.upperBound)", found: String(text.prefix(80)))
      }
      return number
    }

    static func bad(_ name: String, expected: String, found: String) -> Fault {
      Fault(
        .usage, "server.field", "This cannot be shown as it was asked for", place: "field \(name)", expected: expected,
        found: found, advice: "go back and fill it in")
    }
  }
}

extension ServedQuestion {
  /// The address of its page; the same for equal questions.
  var address: String {
    func query(_ path: String, _ fields: KeyValuePairs<String, String?>) -> String {
      let pairs = fields.compactMap { name, value in value.map { "\(name)=\(FormText.encode($0))" } }
      return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
    switch self {
    case .overview: return "/"
    case .neuron(let neuron): return "/neuron/\(FormText.encode(neuron.fullName))"
    case .dictionary: return "/dictionary"
    case .feature(let number): return "/feature/\(number)"
    case .probe: return "/probe"
    case .run(let text): return query("/run", ["text": text])
    case .patch(let clean, let corrupt, let right, let wrong):
      return query("/patch", ["clean": clean, "corrupt": corrupt, "right": right, "wrong": wrong])
    case .steer(let steer):
      return query(
        "/steer",
        [
          "text": steer.prompt, "by": steer.feature.map { "\($0)" } ?? "probe", "class": steer.className,
          "strength": "\(steer.strength)", "count": "\(steer.count)",
        ])
    case .search(let text, let kind): return query("/search", ["q": text, "by": kind.rawValue])
    case .attempt(let text, let subject): return query("/try", ["text": text, "on": subject.name])
    case .form(let kind): return "/\(kind.rawValue)"
    }
  }

  /// What a page that is still being made is called.
  var title: String {
    func short(_ text: String) -> String { "“\(text.onOneLine.prefix(80))”" }
    switch self {
    case .overview: return "The overview"
    case .neuron(let neuron): return "Neuron \(neuron.fullName)"
    case .dictionary: return "The dictionary"
    case .feature(let number): return "Latent \(number)"
    case .probe: return "The probe"
    case .run(let text): return "A run of \(short(text))"
    case .patch(let clean, _, _, _): return "Patching \(short(clean))"
    case .steer(let steer): return "Steering \(short(steer.prompt))"
    case .search(let text, _): return "Searching \(short(text))"
    case .attempt(let text, let subject): return "\(subject.words) on \(short(text))"
    case .form(let kind): return kind.rawValue
    }
  }
}

extension ServedQuestion.Subject {
  /// As an address names it.
  var name: String {
    switch self {
    case .neuron(let neuron): neuron.fullName
    case .feature(let number): "\(number)"
    case .probe: "probe"
    }
  }

  var words: String {
    switch self {
    case .neuron(let neuron): "Neuron \(neuron.fullName)"
    case .feature(let number): "Latent \(number)"
    case .probe: "The probe"
    }
  }
}

extension NeuronReference {
  /// A name that no other column has: `L2.30` of a neuron, with the site's own name of a column of any other site.
  var fullName: String { NeuronReference("\(self)") == self ? "\(self)" : "\(site).\(index)" }
}
