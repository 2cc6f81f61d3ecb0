import Foundation
import TestFiles
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// `serve` as a process, asked over the network.
@Suite("The command line: serving pages", .serialized, .timeLimit(.minutes(3)))
struct ServeCommandTests {
  /// A server that runs beside the test.
  private final class Served {
    let process = Process()
    let tool: Tool
    private let output: URL

    init(_ tool: Tool, _ arguments: [String]) throws {
      self.tool = tool
      output = tool.folder.file("served-\(UUID().uuidString)")
      FileManager.default.createFile(atPath: output.path, contents: nil)
      process.executableURL = Tool.executable
      process.arguments = ["serve"] + arguments
      process.currentDirectoryURL = tool.folder.url
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = FileHandle.nullDevice
      try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    var printed: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    /// The address that it prints once it listens.
    func address() async throws -> URL {
      for _ in 0..<600 where !printed.hasSuffix("\n") {
        #expect(process.isRunning)
        try await Task.sleep(for: .milliseconds(50))
      }
      return try #require(URL(string: printed.trimmingCharacters(in: .newlines)))
    }

    /// Sends a signal, and gives the code that it ends with.
    func end(_ signal: Int32) async throws -> Int32 {
      kill(process.processIdentifier, signal)
      for _ in 0..<200 where process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
      #expect(!process.isRunning)
      return process.isRunning ? -1 : process.terminationStatus
    }
  }

  private func status(_ url: URL, by session: URLSession) async throws -> (Int, String) {
    let (data, response) = try await session.data(from: url)
    return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
  }

  @Test("It prints one line, answers who has it, and ends on a signal", arguments: [SIGTERM, SIGINT])
  func serve(signal: Int32) async throws {
    let served = try Served(Tool(), ["unfold-mini", "--port", "0"])
    let address = try await served.address()
    #expect(served.printed.split(separator: "\n").count == 1)
    #expect(address.host() == "127.0.0.1" && address.query()?.hasPrefix("token=") == true)
    let stranger = URLSession(configuration: .ephemeral)
    let bare = try #require(URL(string: "/run?text=a", relativeTo: address))
    #expect(try await status(bare, by: stranger).0 == 403)
    let browser = URLSession(configuration: .ephemeral)
    let overview = try await status(address, by: browser)
    #expect(overview.0 == 200 && overview.1.contains("Fill in a form"))
    let run = try #require(URL(string: "/run?text=The+king", relativeTo: address))
    var found = try await status(run, by: browser)
    for _ in 0..<100 where found.0 == 202 {
      try await Task.sleep(for: .milliseconds(100))
      found = try await status(run, by: browser)
    }
    #expect(found.0 == 200 && found.1.contains("Where its heads look"))
    #expect(try await served.end(signal) == 0)
    #expect(served.printed.split(separator: "\n").count == 1)
  }

  @Test("A port in use, and what is no store, are clear faults") func faults() async throws {
    let served = try Served(Tool(), ["unfold-mini", "--port", "0", "--json"])
    for _ in 0..<600 where !served.printed.hasSuffix("\n") { try await Task.sleep(for: .milliseconds(50)) }
    let document = try JSONSerialization.jsonObject(with: Data(served.printed.utf8)) as? [String: Any]
    let port = try #require((document?["address"] as? String).flatMap(URL.init(string:))?.port)
    let tool = try Tool()
    for (arguments, code, name) in [
      (["unfold-mini", "--port", "\(port)"], 73, "server.portInUse"),
      (["unfold-mini", "--host", "example.com"], 64, "server.badHost"), (["absent"], 66, "tool.noStore"),
      (["unfold-mini", "--dictionary", "absent"], 66, nil), (["unfold-mini", "--probe", "absent"], 66, nil),
    ] as [([String], Int32, String?)] {
      let outcome = try tool.run(["serve"] + arguments + ["--json"])
      #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
      if let name { #expect(outcome.faultName == name) }
    }
    #expect(try tool.run("serve", "a", "b", "c").code == 64)
    #expect(try await served.end(SIGTERM) == 0)
  }
}
