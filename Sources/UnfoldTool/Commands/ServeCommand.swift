import ArgumentParser
import Foundation
import Unfold

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Show a store or a model in a browser, and try texts on neurons, features and probes.",
    discussion: """
      Examples, of a store made by `unfold capture unfold-mini demo-corpus -o store`:
        unfold serve store
        unfold serve store --dictionary residual --probe questions.safetensors
        unfold serve unfold-mini --port 0

      Prints one line, the address to open. Its token lets in only who has it; the pages are shown on this machine alone. \
      Ctrl-C ends it.
      """)

  @Argument(help: ArgumentHelp("A store, or a model; or a store and its model.", valueName: "store|model"))
  var sources: [String]
  @Option(name: .long, help: "The port; 0 for any that is free.") var port = 8080
  @Option(name: .long, help: "The address to listen on; other machines can reach any but the default.")
  var host = "127.0.0.1"
  @Option(name: .long, help: "A dictionary's folder.") var dictionary: String?
  @Option(name: .long, help: "A probe's file.") var probe: String?
  @Option(name: .long, help: "The model of the store (default: found by its name).") var model: String?
  @Option(name: .long, help: "The store's label column.") var label = DocumentTable.defaultLabels
  @OptionGroup var common: CommonOptions

  struct Listening: Encodable {
    let address: String
  }

  func validate() throws {
    guard (0...Int(UInt16.max)).contains(port) else {
      throw ValidationError("--port takes a number from 1 to 65535, or 0 for any that is free, not \(port).")
    }
    if sources.count > 2 { throw ValidationError("Give a store, a model, or a store and its model.") }
    if sources.count == 2, model != nil { throw ValidationError("Name the model behind the store or with --model.") }
  }

  func run() async throws {
    common.apply()
    try PageServer.requireAddress(host)
    let server = PageServer(try content(), host: host, port: UInt16(port))
    if !PageServer.isLoopback(host) {
      Console.standardError(
        "warning: other machines can reach \(host), and what is sent there is not encrypted; who sees the address sees the pages."
      )
    }
    Interruption.shared.listen(saying: "Stopping; once more stops at once.")
    let asJSON = common.json
    let serving = Task {
      try await server.run { address in
        if asJSON { try? Console.jsonLine(Listening(address: address)) } else { Console.standardOutput(address) }
      }
    }
    let watching = Task {
      while !Interruption.shared.isRequested { try await Task.sleep(for: .milliseconds(50)) }
      serving.cancel()
    }
    defer { watching.cancel() }
    common.note("Open the address in a browser; Ctrl-C ends the server.")
    try await serving.value
    // Libraries that tidy up at the end must not do so under a thread that still reads.
    for _ in 0..<60 where server.isBusy { try await Task.sleep(for: .milliseconds(50)) }
    if server.isBusy { _exit(0) }
  }

  private func content() throws -> ServedContent {
    var (store, session) = (nil as ActivationStore?, nil as Session?)
    if sources.count == 2 || !isModel(sources[0]) {
      let opened = try ActivationStore.open(sources[0], ofModel: nil)
      store = opened
      session = try Session.open(of: opened, named: sources.count == 2 ? sources[1] : model, common)
    } else {
      session = try Session.open(sources[0])
    }
    let dictionary = try self.dictionary.map { folder in
      let url = URL(filePath: folder)
      return (name: url.lastPathComponent, dictionary: try SparseAutoencoder.load(folder: url))
    }
    let probe = try self.probe.map { file in
      let url = URL(filePath: file)
      return (name: url.deletingPathExtension().lastPathComponent, probe: try Probe(contentsOf: url))
    }
    return try ServedContent(
      store: store, session: session, dictionary: dictionary, probe: probe, column: label, seed: common.seed)
  }

  /// Whether this is a model: a folder with a configuration, or a name that is known.
  private func isModel(_ name: String) -> Bool {
    let url = URL(filePath: name)
    guard FileManager.default.fileExists(atPath: url.path) else {
      return (try? ModelLocation.resolve(name)) != nil
    }
    return url.pathExtension == "gguf"
      || FileManager.default.fileExists(atPath: url.appending(path: "config.json").path)
  }
}
