import Activations
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import Notebooks
import Probes
import TestFiles
import Testing

/// A Python that can run notebooks: `UNFOLD_NOTEBOOK_PYTHON`, else the one of `Scripts/notebooks/setup.sh`.
private let notebookPython: String? = {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let named = ProcessInfo.processInfo.environment["UNFOLD_NOTEBOOK_PYTHON"]
  let path = named ?? root.appending(path: "build/notebooks/venv/bin/python").path
  guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
  let modules = "import h5py, numpy, pandas, matplotlib, sklearn, nbformat, nbclient, ipykernel"
  return (try? run(path, ["-c", modules]))?.status == 0 ? path : nil
}()

private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}

/// A store of the model that ships, a probe and a dictionary of it, made once.
private struct Results: @unchecked Sendable {
  static let shared = Result { try Results() }
  let folder: TemporaryFolder
  var store: URL { folder.file("store") }
  var probe: URL { folder.file("probe.safetensors") }
  var dictionary: URL { folder.file("dictionary") }

  init() throws {
    folder = try TemporaryFolder()
    let session = try Session("unfold-mini")
    let all = try String(contentsOf: try #require(ShippedFiles.datasets.find("demo-corpus")), encoding: .utf8)
    // Every other of the first documents keeps all kinds, in little time.
    let lines = all.split(separator: "\n").prefix(160).joined(separator: "\n")
    try folder.write(lines, "corpus.jsonl")
    let capture = try Capture(
      model: session.model, tokenizer: session.tokenizer, corpus: Corpus([folder.file("corpus.jsonl").path]),
      settings: CaptureSettings(sites: "resid_post,mlp_post", layers: "2"), modelName: session.name)
    _ = try capture.run(to: folder.file("store"))
    let store = try ActivationStore(opening: folder.file("store"))
    var settings = ProbeSettings()
    settings.sites = "resid_post"
    settings.concept.positive = "korean"
    settings.controls = [.majority, .words]
    try Study(settings: settings).run(on: store).probe.write(to: folder.file("probe.safetensors"))
    var training = TrainingSettings(site: "blocks.2.hook_resid_post")
    training.tokens = 20_000
    training.batch = 1024
    let run = try TrainingRun(
      source: store, settings: training, dictionaries: [DictionarySettings(architecture: .topK, latents: 256, k: 8)])
    _ = try run.train()
    try run.dictionaries[0].save(folder: folder.file("dictionary"))
  }
}

@Suite struct NotebookTests {
  private func notebooks(_ results: Results, in folder: URL) throws -> [(name: String, notebook: Notebook)] {
    func about(_ url: URL, _ topic: NotebookTopic?, _ store: URL?) throws -> Notebook {
      try Notebook.about(url, topic: topic, store: store, output: folder.appending(path: "x.ipynb"))
    }
    return [
      ("tour", try about(results.store, nil, nil)), ("neurons", try about(results.store, .neurons, nil)),
      ("training", try about(results.store, .training, nil)),
      ("probe", try about(results.probe, nil, results.store)), ("probe-alone", try about(results.probe, nil, nil)),
      ("dictionary", try about(results.dictionary, nil, results.store)),
      ("dictionary-alone", try about(results.dictionary, nil, nil)),
    ]
  }

  @Test func theyAreValid() throws {
    let results = try Results.shared.get()
    for (name, notebook) in try notebooks(results, in: results.folder.url) {
      try validate(try notebook.encoded(), name)
      #expect(notebook.cells.filter { $0.kind == .markdown }.count >= 5)
      for cell in notebook.cells {
        #expect(!cell.source.contains("{{"), "\(name), \(cell.id)")
        // Paths count from the notebook's folder, and name nothing of this machine.
        #expect(!cell.source.contains(results.folder.url.path), "\(name), \(cell.id)")
      }
    }
  }

  /// What nbformat 4.5 asks of a file.
  private func validate(_ bytes: [UInt8], _ name: String) throws {
    let file = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(Set(file.keys) == ["cells", "metadata", "nbformat", "nbformat_minor"])
    #expect(file["nbformat"] as? Int == 4 && file["nbformat_minor"] as? Int == 5)
    let metadata = try #require(file["metadata"] as? [String: Any])
    let kernel = try #require(metadata["kernelspec"] as? [String: Any])
    #expect(kernel["name"] is String && kernel["display_name"] is String)
    var ids = Set<String>()
    for cell in try #require(file["cells"] as? [[String: Any]]) {
      let id = try #require(cell["id"] as? String)
      #expect(ids.insert(id).inserted, "\(name): \(id) twice")
      #expect(id.wholeMatch(of: /[a-zA-Z0-9_-]{1,64}/) != nil)
      #expect(cell["metadata"] is [String: Any] && cell["source"] is [String])
      var keys: Set<String> = ["cell_type", "id", "metadata", "source"]
      switch cell["cell_type"] as? String {
      case "markdown": break
      case "code":
        keys.formUnion(["outputs", "execution_count"])
        #expect(cell["outputs"] is [Any])
        #expect(cell["execution_count"] is NSNull || cell["execution_count"] is Int)
      default: Issue.record("\(name): a cell of type \(cell["cell_type"] ?? "none")")
      }
      #expect(Set(cell.keys) == keys)
    }
  }

  @Test func theShippedOnesAreValidSmallAndOfNoMachine() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appending(path: "notebooks-export")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".ipynb") }
    #expect(names.count == 5)
    for name in names {
      let data = try Data(contentsOf: folder.appending(path: name))
      try validate(Array(data), name)
      #expect(data.count < 300_000, "\(name): \(data.count) bytes")
      let text = String(decoding: data, as: UTF8.self)
      for path in ["/home/", "/Users/", "/tmp/", "/root/", root.path] {
        #expect(!text.contains(path), "\(name) names \(path)")
      }
      #expect(!text.contains("Traceback") && text.contains("image/png"), "\(name)")
    }
  }

  @Test(
    .enabled(if: notebookPython != nil, "no Python with nbclient: run Scripts/notebooks/setup.sh"),
    .timeLimit(.minutes(15)))
  func everyCellRuns() throws {
    let results = try Results.shared.get()
    let python = try #require(notebookPython)
    var files: [String] = []
    for (name, notebook) in try notebooks(results, in: results.folder.url) {
      let file = results.folder.file("\(name).ipynb")
      try notebook.write(to: file, replaces: true)
      files.append(file.path)
    }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let script = root.appending(path: "Scripts/notebooks/run.py").path
    let (status, output) = try run(python, [script] + files)
    #expect(status == 0, "\(output)")
  }

  @Test func refusesWhatIsNone() throws {
    let results = try Results.shared.get()
    let temporary = try TemporaryFolder()
    let output = temporary.file("x.ipynb")
    func name(_ url: URL, _ topic: NotebookTopic? = nil, store: URL? = nil) -> String? {
      do {
        _ = try Notebook.about(url, topic: topic, store: store, output: output)
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(name(temporary.file("nothing")) == "notebook.notAResult")
    #expect(name(temporary.url) == "notebook.notAResult")
    #expect(name(try temporary.write("text", "notes.txt")) == "notebook.notAResult")
    #expect(name(results.probe, .tour) == "notebook.topic")
    #expect(name(results.store, .probe) == "notebook.topic")
    // A store whose run did not end has no last line.
    let unfinished = temporary.file("unfinished")
    try FileManager.default.copyItem(at: results.store, to: unfinished)
    let manifest = unfinished.appending(path: "manifest.jsonl")
    let lines = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n").dropLast()
    try (lines.joined(separator: "\n") + "\n").write(to: manifest, atomically: true, encoding: .utf8)
    #expect(name(unfinished) == "notebook.unfinishedStore")
    try Notebook([.text("a", "b")]).write(to: output)
    #expect(throws: Fault.self) { try Notebook([.text("a", "b")]).write(to: output) }
  }

  @Test func aStoreWithoutTokensIsRefused() throws {
    let temporary = try TemporaryFolder()
    let session = try Session("unfold-mini")
    let capture = try Capture(
      model: session.model, tokenizer: session.tokenizer, corpus: Corpus(documents: [Document(id: "d", text: "")]),
      settings: CaptureSettings(sites: "mlp_post", layers: "1"), modelName: session.name)
    _ = try capture.run(to: temporary.file("store"))
    for topic in [NotebookTopic.tour, .neurons, .training] {
      let fault = #expect(throws: Fault.self) {
        try Notebook.about(temporary.file("store"), topic: topic, output: temporary.file("x.ipynb"))
      }
      #expect(fault?.name == "notebook.emptyStore")
    }
  }

  @Test func aStoreWithoutTopExamplesIsRefused() throws {
    let temporary = try TemporaryFolder()
    let session = try Session("unfold-mini")
    let documents = (0..<4).map { Document(id: "d\($0)", text: "The king and the queen \($0).") }
    var settings = CaptureSettings(sites: "mlp_post", layers: "1")
    settings.top = 0
    let capture = try Capture(
      model: session.model, tokenizer: session.tokenizer, corpus: Corpus(documents: documents), settings: settings,
      modelName: session.name)
    _ = try capture.run(to: temporary.file("store"))
    func name(_ topic: NotebookTopic) -> String? {
      do {
        _ = try Notebook.about(temporary.file("store"), topic: topic, output: temporary.file("x.ipynb"))
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(name(.tour) == "notebook.noStatistics")
    #expect(name(.neurons) == "notebook.noLabels")
  }
}
