import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import Interventions
import Neurons
import Pages
import Probes
import Reports
import Transformer

/// Makes the pages of what was opened.
struct PageMaker: Sendable {
  let content: ServedContent
  let forms: PageForms

  init(_ content: ServedContent) {
    self.content = content
    forms = PageForms(content)
  }

  /// A tell of how far the work is.
  typealias Say = @Sendable (String) -> Void

  /// The page that answers a question.
  ///
  /// - Throws: What is wrong with the question, and what reading the store and running the model throw; `CancellationError`
  ///   where the task was cancelled.
  func page(_ question: ServedQuestion, say: @escaping Say) throws -> Page {
    var page: Page
    switch question {
    case .overview: page = try overview()
    case .neuron(let neuron): page = try self.page(of: neuron, say)
    case .dictionary:
      page = try dictionaryPages().page(details: 0, link: { ServedQuestion.feature($0).address }, progress: say)
    case .feature(let number): page = try dictionaryPages().page(ofLatent: number, progress: say)
    case .probe: page = try probePage(say)
    case .run(let text):
      say("running the model, and reading every layer")
      page = try Page(text: text, in: content.requireSession(), origin: sessionOrigin())
    case .patch(let clean, let corrupt, let right, let wrong):
      page = try patching(clean, corrupt, right, wrong, say)
    case .steer(let steer): page = try steering(steer, say)
    case .search(let text, let kind): page = try search(text, kind, say)
    case .attempt(let text, let subject): page = try attempt(text, on: subject, say)
    case .form(let kind): page = try forms.page(kind)
    }
    switch question {
    case .neuron, .dictionary, .feature, .probe, .search: if let store = content.store { page.noteUnfinished(store) }
    default: break
    }
    switch question {
    // What was found comes first, unless it is an answer to what the reader has written.
    case .neuron, .feature, .probe: page.add("Try it", forms.beside(question))
    default: page.addFirst("Ask again", forms.beside(question))
    }
    page.links = forms.links(from: question) + page.links
    return page
  }

  // MARK: - The pages of `unfold report`

  private func overview() throws -> Page {
    if let store = content.store {
      var page = try Page(store)
      page.addFirst("Look inside", forms.all)
      return page
    }
    let session = try content.requireSession()
    let architecture = session.model.architecture
    var page = Page(
      kind: "Model", title: session.name, lead: "Fill in a form: the model runs on this machine.",
      facts: [
        .init("layers", "\(architecture.layers)"), .init("width", Format.count(architecture.width)),
        .init("heads a layer", "\(architecture.blocks.first?.attention.heads ?? 0)"),
        .init("vocabulary", Format.count(architecture.vocabularySize)),
        .init("context", Format.count(architecture.context)),
      ], source: try sessionOrigin().words)
    page.add("Look inside", forms.all)
    return page
  }

  private func page(of neuron: NeuronReference, _ say: @escaping Say) throws -> Page {
    let store = try content.requireStore()
    say("reading the activations of the neuron, and those that its meanings are told by")
    let ranking = NeuronRanking(column: content.column, seed: content.seed, nullDirections: 0)
    var card = try NeuronCard(of: neuron, in: store, session: content.session, ranking: ranking, note: say)
    // A dictionary that neither reads nor writes the neuron's layer says nothing of it.
    if let opened = content.dictionary?.dictionary,
      let loads = try? FeatureLoads.strongest(opened, neuron: neuron, model: content.session?.model)
    {
      card.features = loads
    }
    if let session = content.session {
      say("running the documents of its examples for their losses")
      try card.addLosses(store, model: session.model)
    }
    return Page(card, origin: store.origin) { ServedQuestion.neuron($0).address }
  }

  private func dictionaryPages() throws -> DictionaryPages {
    let opened = try content.requireDictionary()
    return try DictionaryPages(
      opened.dictionary, name: opened.name, on: content.requireStore(), session: content.session,
      column: content.column, seed: content.seed)
  }

  private func probePage(_ say: @escaping Say) throws -> Page {
    let opened = try content.requireProbe()
    if content.store != nil { say("reading the store's texts with the probe") }
    return try Page(opened.probe, name: opened.name, source: content.store, piece: content.session?.piece)
  }

  private func patching(
    _ clean: String, _ corrupt: String, _ right: String, _ wrong: String, _ say: @escaping Say
  ) throws -> Page {
    let session = try content.requireSession()
    let pair = try session.pair(clean: clean, corrupt: corrupt, right: right, wrong: wrong)
    let sites = try session.model.architecture.select(sites: "resid_pre,z", layers: nil)
    let result = try Patching(.denoising).run([pair], sites: sites, in: session.model) { done, all in
      say("patching, \(Format.count(done)) of \(Format.count(all)) cells")
    }
    return Page(PatchingReport(result, of: [pair], in: session), origin: try session.origin)
  }

  // MARK: - What they are made from

  func sessionOrigin() throws -> Origin { try content.requireSession().origin }
}
