/// Fields that are sent to the server that a page comes from. It works without a script.
public struct PageForm: Sendable {
  public struct Field: Sendable {
    /// How a field is filled in.
    public enum Kind: Sendable {
      /// Several lines.
      case text
      /// One line, which may have to be filled in.
      case line(isRequired: Bool)
      /// One of these.
      case choice([(value: String, words: String)])
      case hidden
    }

    /// What it is called in what is sent.
    public var name: String
    public var label: String
    public var value: String
    public var kind: Kind

    public init(_ name: String, _ label: String, value: String = "", _ kind: Kind = .line(isRequired: true)) {
      (self.name, self.label, self.value, self.kind) = (name, label, value, kind)
    }
  }

  public var title: String
  public var note: String?
  /// Where it is sent, an address of the server.
  public var action: String
  /// Whether it changes anything there; a question does not, and its answer has an address of its own.
  public var changes: Bool
  public var fields: [Field]
  public var button: String

  public init(
    _ title: String, note: String? = nil, action: String, changes: Bool = false, fields: [Field], button: String
  ) {
    (self.title, self.note, self.action, self.changes) = (title, note, action, changes)
    (self.fields, self.button) = (fields, button)
  }

  /// What the template reads.
  var context: [String: Any] {
    [
      "title": orNone(title), "note": orNone(note), "action": action, "method": changes ? "post" : "get",
      "button": button, "fields": fields.map(\.context),
    ]
  }
}

extension PageForm.Field {
  fileprivate var context: [String: Any] {
    var context: [String: Any] = [
      "name": name, "label": label, "value": value, "isText": false, "isLine": false, "isRequired": false,
      "isChoice": false, "isHidden": false,
    ]
    switch kind {
    case .text: context["isText"] = true
    case .line(let isRequired): (context["isLine"], context["isRequired"]) = (true, isRequired)
    case .hidden: context["isHidden"] = true
    case .choice(let options):
      context["isChoice"] = true
      context["options"] = options.map {
        ["choice": $0.value, "words": $0.words, "isChosen": $0.value == value] as [String: Any]
      }
    }
    return context
  }
}

/// What a page that comes from a server needs beside what it shows: forms may be sent there, and it may ask again by itself.
public struct PageServing: Sendable {
  /// What the browser asks for after a second, with a script or without.
  var again: String?

  public init() {}

  /// A page that asks for an address by itself, such as its own: what it shows is not done yet.
  public init(askingAgain address: String) { again = address }
}
