import Activations
import Diagnostics
import Dictionaries
import Pages
import Probes

/// What a reader can ask, as forms and links: only what can be answered with what was opened.
struct PageForms: Sendable {
  let content: ServedContent

  init(_ content: ServedContent) { self.content = content }

  /// Every form, for the overview: what is named beside what is written.
  var all: [PageBlock] {
    let columns: [[ServedQuestion.FormKind]] = [[.neuron, .feature, .search, .patch], [.run, .attempt, .steer]]
    let found = columns.map { kinds in kinds.compactMap { form($0) }.map { PageBlock.form($0) } }
    return [.beside(found.filter { !$0.isEmpty })]
  }

  /// A page of one form.
  /// - Throws: What is missing to answer it.
  func page(_ kind: ServedQuestion.FormKind) throws -> Page {
    guard let form = form(kind) else {
      switch kind {
      case .neuron: _ = try content.requireStore()
      case .feature: _ = (try content.requireDictionary(), try content.requireStore())
      default: _ = try content.requireSession()
      }
      throw Fault(
        .noInput, "server.noSubject", "There is nothing to do this with", expected: "a store, a dictionary or a probe",
        found: "a model alone", advice: "start `unfold serve` again with --dictionary or --probe")
    }
    var page = Page(kind: "Question", title: form.title, source: "Nothing has been computed yet.")
    page.add("Fill in", [.form(form)])
    return page
  }

  /// The form that a question was asked by, filled in, and what else can be asked about the same.
  func beside(_ question: ServedQuestion) -> [PageBlock] {
    var found: [PageForm?] = []
    switch question {
    case .overview, .form, .dictionary: break
    case .neuron(let neuron):
      found = [form(.neuron, ["name": neuron.fullName]), form(.attempt, on: neuron.fullName)]
    case .feature(let number):
      found = [
        form(.feature, ["number": "\(number)"]), form(.attempt, on: "\(number)"), form(.steer, on: "\(number)"),
      ]
    case .probe: found = [form(.attempt, on: "probe"), form(.steer, on: "probe")]
    case .run(let text): found = [form(.run, ["text": text])]
    case .patch(let clean, let corrupt, let right, let wrong):
      found = [form(.patch, ["clean": clean, "corrupt": corrupt, "right": right, "wrong": wrong])]
    case .steer(let steer):
      found = [
        form(
          .steer,
          [
            "text": steer.prompt, "by": steer.feature.map { "\($0)" } ?? "probe", "class": steer.className ?? "",
            "strength": "\(steer.strength)", "count": "\(steer.count)",
          ])
      ]
    case .search(let text, let kind): found = [form(.search, ["q": text, "by": kind.rawValue])]
    case .attempt(let text, let subject): found = [form(.attempt, ["text": text, "on": subject.name])]
    }
    return found.compactMap(\.self).map { .form($0) }
  }

  /// The pages that can be gone to from everywhere.
  func links(from question: ServedQuestion) -> [Page.Link] {
    var links = question == .overview ? [] : [Page.Link("Overview", "/")]
    if content.dictionary != nil, question != .dictionary { links.append(.init("Dictionary", "/dictionary")) }
    if content.probe != nil, question != .probe { links.append(.init("Probe", "/probe")) }
    return links
  }

  // MARK: - Each form

  /// - Parameters:
  ///   - filled: What stands in the fields.
  ///   - subject: What a text is tried on, or steered by, where that is known already.
  private func form(
    _ kind: ServedQuestion.FormKind, _ filled: [String: String] = [:], on subject: String? = nil
  ) -> PageForm? {
    let runs = content.session?.tokenizer != nil
    func field(_ name: String, _ label: String, _ value: String = "", _ kind: PageForm.Field.Kind) -> PageForm.Field {
      PageForm.Field(name, label, value: filled[name] ?? value, kind)
    }
    let line = PageForm.Field.Kind.line(isRequired: true)
    func make(_ title: String, _ button: String, note: String? = nil, _ fields: [PageForm.Field]) -> PageForm {
      PageForm(title, note: note, action: "/\(kind.rawValue)", fields: fields, button: button)
    }
    switch kind {
    case .neuron:
      guard content.store != nil else { return nil }
      return make("A neuron", "Show", [field("name", "Layer and column, such as L2.30", "", line)])
    case .feature:
      guard content.store != nil, let dictionary = content.dictionary?.dictionary else { return nil }
      return make(
        "A feature of the dictionary", "Show",
        [field("number", "Its number, 0 to \(dictionary.latents - 1)", "", line)])
    case .run:
      return runs ? make("Run the model on a text", "Run", [field("text", "Text", "", .text)]) : nil
    case .attempt:
      guard runs else { return nil }
      var fields = [field("text", "Text", "", .text)]
      if let subject {
        fields.append(PageForm.Field("on", "", value: subject, .hidden))
      } else {
        fields.append(
          field("on", "By \(list(["a neuron such as L2.30"] + subjects))", content.probe == nil ? "" : "probe", line))
      }
      return make("Try your own text", "Colour it", note: "Each token is coloured by what is read there.", fields)
    case .search:
      guard runs || content.store != nil else { return nil }
      let options = (runs ? [("text", "a text")] : []) + (content.store == nil ? [] : [("label", "a label")])
      let what = content.dictionary == nil ? "neurons" : "neurons and features"
      return make(
        "Search \(what)", "Search",
        note: "Those that are strongest on a text, or tell documents of a label from all others.",
        [field("q", "For", "", line), field("by", "which is", options[0].0, .choice(options))])
    case .steer:
      guard runs, !subjects.isEmpty else { return nil }
      var fields = [field("text", "Prompt", "", .text)]
      if let subject {
        fields.append(PageForm.Field("by", "", value: subject, .hidden))
      } else {
        fields.append(field("by", "By \(list(subjects))", content.probe == nil ? "" : "probe", line))
      }
      if let classes = content.probe?.probe.record.classes, classes.count > 2, subject == nil || subject == "probe" {
        fields.append(
          field("class", "Towards (of a probe)", classes[0], .choice(classes.map { ($0, $0) })))
      }
      fields.append(field("strength", "Strength, in mean norms of the activations", "0.5", line))
      fields.append(field("count", "Tokens to write, at most \(SteeringQuestion.most)", "40", line))
      return make(
        "Steer and compare", "Write both", note: "The same prompt is continued without and with the direction.", fields)
    case .patch:
      return runs
        ? make(
          "Patch", "Patch",
          note:
            "Two texts of as many tokens, and the one token that rightly follows each: which places carry the answer?",
          [
            field("clean", "Text that the right answer follows", "", line),
            field("corrupt", "Text that it does not follow", "", line),
            field("right", "Right answer", "", line), field("wrong", "Wrong answer", "", line),
          ]) : nil
    }
  }

  /// What beside neurons a text can be read or steered by.
  private var subjects: [String] {
    (content.dictionary == nil ? [] : ["the number of a feature"]) + (content.probe == nil ? [] : ["“probe”"])
  }

  private func list(_ names: [String]) -> String {
    names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }
}
