import Diagnostics
import FlyingFox
import FlyingSocks
import Foundation
import Pages
import Synchronization

/// Shows what was opened in a browser, on this machine.
///
/// ```swift
/// let server = PageServer(try ServedContent(store: store, session: session))
/// try await server.run { address in print(address) }
/// ```
///
/// The pages are those of `unfold report`, made when they are asked for. Nobody gets one without the token of the address, and
/// no file is served: there are only pages of what was opened.
public final class PageServer: Sendable {
  private let makePage: @Sendable (ServedQuestion, @escaping PageMaker.Say) throws -> Page
  private let host: String
  private let port: UInt16
  private let queue = JobQueue()

  /// - Parameters:
  ///   - host: The address to listen on, in figures, or `localhost`; `0.0.0.0` is every address of the machine.
  ///   - port: 0: one that is free.
  public convenience init(_ content: ServedContent, host: String = "127.0.0.1", port: UInt16 = 0) {
    let maker = PageMaker(content)
    self.init(host: host, port: port) { try maker.page($0, say: $1) }
  }

  init(
    host: String, port: UInt16, makePage: @escaping @Sendable (ServedQuestion, @escaping PageMaker.Say) throws -> Page
  ) {
    self.makePage = makePage
    (self.host, self.port) = (host == "localhost" ? "127.0.0.1" : host, port)
  }

  /// Whether something is still being computed, which may outlast the server by a little.
  public var isBusy: Bool { queue.isBusy }

  /// Whether only this machine can reach the server.
  public static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || host.hasPrefix("127.") && RequestGuard.isAddress(host)
  }

  /// Answers until the task is cancelled.
  ///
  /// - Parameter listening: Called once with the address to open, which has the token in it.
  /// - Throws: `server.badHost`, `server.portInUse`, `server.cannotListen`.
  public func run(listening: @escaping @Sendable (String) -> Void) async throws {
    Self.raiseFileLimit()
    let handler = AnswerHandler()
    var chosen = port
    var isFirst = true
    defer { queue.stopAll() }
    while !Task.isCancelled {
      do {
        try await serve(on: chosen, handler) { [self, isFirst] port in
          guard isFirst else { return }
          let entrance = RequestGuard(host: host, port: port)
          handler.answers.withLock { $0 = PageAnswers(entrance: entrance, queue: queue, makePage: makePage) }
          listening(address(port: port, token: entrance.token.text))
        }
      } catch {
        if Task.isCancelled { return }
        // Before anyone could ask, it is a mistake; afterwards a shortage, such as of open files, that passes.
        guard let port = handler.port else { throw fault(error) }
        (chosen, isFirst) = (port, false)
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  /// Listens once, until that fails or is cancelled.
  private func serve(
    on port: UInt16, _ handler: AnswerHandler, listening: @escaping @Sendable (UInt16) -> Void
  ) async throws {
    let server = HTTPServer(
      config: .init(
        address: try socketAddress(port: port), timeout: 60, sharedRequestReplaySize: IncomingRequest.longestBody,
        pool: PatientPool(HTTPServer.defaultPool()), logger: .disabled), handler: handler)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      group.addTask { [queue] in
        while true {
          try await Task.sleep(for: .seconds(5))
          queue.stopAbandoned()
        }
      }
      group.addTask {
        try await server.waitUntilListening(timeout: 30)
        switch await server.listeningAddress {
        case .ip4(_, let port), .ip6(_, let port): listening(port)
        default: break
        }
        // The group ends with its first task.
        while true { try await Task.sleep(for: .seconds(3600)) }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func socketAddress(port: UInt16) throws -> any SocketAddress {
    do {
      if host.contains(":") { return try sockaddr_in6.inet6(ip6: host, port: port) }
      return try sockaddr_in.inet(ip4: host, port: port)
    } catch {
      throw Fault(
        .usage, "server.badHost", "This is no address to listen on", expected: "an address such as 127.0.0.1 or ::1",
        found: host)
    }
  }

  private func address(port: UInt16, token: String) -> String {
    let name = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "[::1]" : host.contains(":") ? "[\(host)]" : host
    return "http://\(name):\(port)/?token=\(token)"
  }

  /// Why nothing could be listened on.
  private func fault(_ error: any Error) -> Fault {
    guard case SocketError.failed(_, let number, let message) = error else { return Fault(unexpected: error) }
    switch number {
    case EADDRINUSE:
      return Fault(
        .cannotCreate, "server.portInUse", "The port is in use", place: "\(host):\(port)",
        expected: "a port that is free",
        found: "another server", advice: "give another with --port, or --port 0 for any that is free")
    case EACCES:
      return Fault(
        .cannotCreate, "server.cannotListen", "This port is not allowed", place: "\(host):\(port)",
        expected: "a port from 1024 on", found: "\(port)", advice: "give another with --port")
    default:
      return Fault(
        .cannotCreate, "server.cannotListen", "Nothing can be listened on there", place: "\(host):\(port)",
        expected: "an address of this machine", found: message)
    }
  }

  /// Each connection is an open file; the usual limit of 1024 is soon reached.
  private static func raiseFileLimit() {
    var limit = rlimit()
    #if os(Linux)
      let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let files = RLIMIT_NOFILE
    #endif
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 8192))
    setrlimit(files, &limit)
  }
}
