import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Neurons
import Pages
import Probes
import TestFiles
import Testing
import Transformer

@testable import PageServer

/// Pages of a small store of the model that ships, made as a browser would get them.
@Suite("Served pages", .serialized)
struct PageMakerTests {
  static let hostile = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"

  /// What all tests look at.
  struct Opened {
    let folder: TemporaryFolder
    let session: Session
    let store: ActivationStore
    let bare: ActivationStore
    let dictionary: SparseAutoencoder
    let probe: Probe
  }

  nonisolated(unsafe) static let opened = Result {
    let folder = try TemporaryFolder()
    let session = try Session("unfold-mini")
    let documents = (0..<24).map { number in
      Document(
        id: "d\(number)",
        text: number % 2 == 0
          ? "The king and queen number \(number) were at home. \(hostile)" : "GET /index\(number).html HTTP/1.1",
        labels: [DocumentTable.defaultLabels: .text(number % 2 == 0 ? "tale" : "<b>request</b>")])
    }
    func store(_ name: String, _ settings: CaptureSettings) throws -> ActivationStore {
      let url = folder.file(name)
      _ = try Capture(
        model: session.model, tokenizer: session.tokenizer, corpus: Corpus(documents: documents), settings: settings,
        modelName: "unfold-mini"
      ).run(to: url)
      return try ActivationStore(opening: url)
    }
    let site = "blocks.2.hook_resid_post"
    let width = session.model.architecture.width
    var generator = SeededGenerator(seed: 1, stream: "dictionary")
    func random(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) })
    }
    var configuration = SparseAutoencoder.Configuration(
      architecture: .topK, inputWidth: width, outputWidth: width, latents: 32, hookIn: site, hookOut: site)
    configuration.k = 4
    let dictionary = SparseAutoencoder(
      configuration: configuration, encoder: random(32, width), encoderBias: [Float](repeating: 0, count: 32),
      decoder: random(32, width), decoderBias: [Float](repeating: 0, count: width))
    let probe = try Probe(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "InterventionsTests/Fixtures/citations.safetensors"))
    return Opened(
      folder: folder, session: session, store: try store("store", CaptureSettings(layers: "1,2")),
      bare: try store("bare", CaptureSettings(layers: "2", statistics: false)), dictionary: dictionary, probe: probe)
  }

  private func content(store: Bool = true, extras: Bool = true) throws -> ServedContent {
    let opened = try Self.opened.get()
    return try ServedContent(
      store: store ? opened.store : nil, session: opened.session,
      dictionary: extras ? ("random", opened.dictionary) : nil, probe: extras ? ("citations", opened.probe) : nil)
  }

  /// The page at an address, as HTML.
  private func html(_ address: String, _ content: ServedContent) throws -> String {
    let parts = address.split(separator: "?", maxSplits: 1).map(String.init)
    let question = try ServedQuestion(
      IncomingRequest(method: "GET", path: parts[0], query: parts.count > 1 ? parts[1] : ""))
    return try PageMaker(content).page(question) { _ in }.html(PageServing())
  }

  private func fault(_ address: String, _ content: ServedContent) -> String? {
    do {
      _ = try html(address, content)
      return nil
    } catch { return (error as? Fault)?.name }
  }

  @Test(
    "Every page is made, leads back, and holds no foreign markup",
    arguments: [
      ("/", "Look inside"), ("/neuron/L2.30", "How it is distributed"), ("/neuron?name=L1.7", "What it writes"),
      ("/dictionary", "All latents"), ("/feature/0", "Where it is strongest"), ("/probe", "How well it reads"),
      ("/run?text=H", "Where its heads look"), ("/try?text=H&on=L2.30", "largest of the store"),
      ("/try?text=H&on=3", "active at"), ("/try?text=H&on=probe", "It says"),
      ("/search?q=H&by=text", "σ above"), ("/search?q=tale&by=label", "Thresholds were chosen"),
      ("/steer?text=H&by=probe&strength=1&count=4", "With the direction"),
      ("/steer?text=H&by=5&strength=-2&count=4", "With the direction"),
      ("/patch?clean=The+hands+of+the&corrupt=The+hand+of+the&right=+king&wrong=+queen", "The strongest places"),
      ("/run", "Fill in"), ("/try", "Fill in"), ("/steer", "Fill in"), ("/patch", "Fill in"), ("/neuron", "Fill in"),
      ("/feature", "Fill in"), ("/search", "Fill in"),
    ])
  func pages(address: String, words: String) throws {
    let page = try html(address.replacing("=H", with: "=" + FormText.encode("A " + Self.hostile)), content())
    #expect(page.contains(words))
    #expect(!page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains("<b>request"))
    #expect(page.contains(address == "/" ? "href=\"/dictionary\"" : "href=\"/\""))
    #expect(page.contains("form-action 'self'"))
    #expect(!page.contains("needs no network"))
  }

  @Test("A form keeps what was filled in") func forms() throws {
    let text = "  a \"quoted\" & <b>text</b>"
    let page = try html("/try?text=\(FormText.encode(text))&on=L2.30", content())
    #expect(page.contains("&#10;  a &quot;quoted&quot; &amp; &lt;b&gt;text&lt;/b&gt;</textarea>"))
    #expect(page.contains("name=\"on\" value=\"L2.30\""))
  }

  @Test("The values of a text are those that the model has") func values() throws {
    let content = try content()
    let session = try content.requireSession()
    let text = "The king and the queen"
    let cache = try session.run(text, caching: "blocks.2.mlp.hook_post")
    let page = try html("/try?text=\(FormText.encode(text))&on=L2.30", content)
    let values = try #require(cache[Site(.mlpPost, layer: 2)]).matrix
    let shown = page.matches(of: /data-v="([^"]+)"/).map { Double($0.1.replacing("−", with: "-")) ?? .nan }
    // Three decimals are shown.
    #expect(shown.count == values.rows)
    for (row, value) in shown.enumerated() { #expect(abs(value - Double(values[row, 30])) < 6e-4) }
  }

  @Test("What was not opened is told, not guessed") func missing() throws {
    let model = try content(store: false, extras: false)
    for (address, name) in [
      ("/neuron/L2.30", "server.noStore"), ("/dictionary", "server.noDictionary"),
      ("/feature/3", "server.noDictionary"),
      ("/probe", "server.noProbe"), ("/neuron", "server.noStore"), ("/feature", "server.noDictionary"),
      ("/steer", "server.noSubject"), ("/try?text=a&on=probe", "server.noProbe"),
      ("/try?text=a&on=3", "server.noDictionary"),
      ("/search?q=a&by=label", "server.noStore"), ("/steer?text=a&by=probe&strength=1", "server.noProbe"),
      ("/try?text=a&on=L99.1", "transformer.unknownSite"), ("/try?text=a&on=L2.999999", "neurons.noSuchNeuron"),
    ] {
      #expect(fault(address, model) == name, "\(address)")
    }
    #expect(try html("/", model).contains("Fill in a form"))
    var storeAlone = try content()
    storeAlone.session = nil
    for address in ["/run?text=a", "/try?text=a&on=L2.30", "/steer?text=a&by=probe&strength=1", "/search?q=a&by=text"] {
      #expect(fault(address, storeAlone) == "server.noModel", "\(address)")
    }
    #expect(try html("/neuron/L2.30", storeAlone).contains("How it is distributed"))
    #expect(throws: Fault.self) { try ServedContent() }
  }

  @Test("Bad numbers and a dictionary of another model are clear faults") func faults() throws {
    let content = try content()
    #expect(fault("/neuron/L2.999999", content) == "neurons.noSuchNeuron")
    #expect(fault("/neuron/L0.3", content) == "neurons.noExamples")
    #expect(fault("/feature/32", content) == "dictionary.noSuchLatent")
    #expect(fault("/try?text=a&on=32", content) == "dictionary.noSuchLatent")
    #expect(fault("/steer?text=a&by=32&strength=1", content) == "direction.feature")
    #expect(fault("/run?text=" + String(repeating: "king+", count: 2000), content) != nil)
    #expect(fault("/search?q=nonsense&by=label", content) != nil)
    var other = content
    var dictionary = try Self.opened.get().dictionary
    dictionary.configuration.origin = Origin(
      model: "another", modelDigest: String(repeating: "0", count: 64), version: "1")
    other.dictionary = ("other", dictionary)
    for address in ["/dictionary", "/feature/3", "/try?text=a&on=3"] {
      #expect(fault(address, other) == "dictionary.otherModel", "\(address)")
    }
    #expect(fault("/steer?text=a&by=3&strength=1", other) == "direction.otherModel")
    // The neurons of a text are found nevertheless.
    let search = try html("/search?q=a&by=text", other)
    #expect(search.contains("σ above") && search.contains("made for another model"))
  }

  @Test("A store without statistics is read instead") func withoutStatistics() throws {
    var content = try content(extras: false)
    content.store = try Self.opened.get().bare
    #expect(try html("/", content).contains("Sites"))
    #expect(try html("/neuron/L2.30", content).contains("How it is distributed"))
    #expect(!(try html("/try?text=a+b&on=L2.30", content).contains("largest of the store")))
  }

  @Test("A task that was cancelled makes no page") func cancelling() async throws {
    let maker = PageMaker(try content())
    let neuron = try #require(NeuronReference("L2.30"))
    for question in [
      ServedQuestion.run(text: "a b c"), .neuron(neuron), .dictionary, .attempt(text: "a", on: .feature(1)),
    ] {
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        return try maker.page(question) { _ in }
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }
}
