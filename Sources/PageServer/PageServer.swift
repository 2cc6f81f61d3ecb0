import Diagnostics
import Foundation
import NIOCore
import NIOPosix
import Pages

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

  /// Refuses what cannot be listened on, before anything is opened.
  ///
  /// - Throws: `server.badHost`.
  public static func requireAddress(_ host: String) throws { _ = try address(host, port: 0) }

  private static func address(_ host: String, port: Int) throws -> SocketAddress {
    do {
      return try SocketAddress(ipAddress: host == "localhost" ? "127.0.0.1" : host, port: port)
    } catch {
      throw Fault(
        .usage, "server.badHost", "This is no address to listen on",
        expected: "an address of this machine in figures, such as 127.0.0.1 or ::1, or localhost", found: host,
        advice: "leave the host out to serve this machine alone, or take 0.0.0.0 for all its addresses")
    }
  }

  /// Answers until the task is cancelled.
  ///
  /// - Parameter listening: Called once with the address to open, which has the token in it.
  /// - Throws: `server.badHost`, `server.portInUse`, `server.cannotListen`.
  public func run(listening: @escaping @Sendable (String) -> Void) async throws {
    Self.raiseFileLimit()
    var answers: PageAnswers?
    defer { queue.stopAll() }
    while !Task.isCancelled {
      do {
        let listener = try await listen(on: answers?.entrance.port ?? port)
        if answers == nil, let port = listener.channel.localAddress?.port.flatMap(UInt16.init(exactly:)) {
          let entrance = RequestGuard(host: host, port: port)
          answers = PageAnswers(entrance: entrance, queue: queue, makePage: makePage)
          listening(address(port: port, token: entrance.token.text))
        }
        guard let answers else { return }
        try await serve(listener, answers)
      } catch {
        if Task.isCancelled { return }
        // Before anyone could ask, it is a mistake; afterwards a shortage, such as of open files, that passes.
        guard answers != nil else { throw fault(error) }
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  private typealias Listener = NIOAsyncChannel<HTTPConnection, Never>

  private func listen(on port: UInt16) async throws -> Listener {
    let address = try Self.address(host, port: Int(port))
    return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .bind(to: address) { channel in channel.eventLoop.makeCompletedFuture { try HTTPConnection(channel) } }
  }

  /// Answers what comes, until that fails or is cancelled.
  private func serve(_ listener: Listener, _ answers: PageAnswers) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { [queue] in
        while true {
          try await Task.sleep(for: .seconds(5))
          queue.stopAbandoned()
        }
      }
      try await listener.executeThenClose { connections in
        for try await connection in connections { group.addTask { await connection.answer(answers.answer) } }
      }
      group.cancelAll()
    }
  }

  private func address(port: UInt16, token: String) -> String {
    let name = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "[::1]" : host.contains(":") ? "[\(host)]" : host
    return "http://\(name):\(port)/?token=\(token)"
  }

  /// Why nothing could be listened on.
  private func fault(_ error: any Error) -> Fault {
    guard let failure = error as? IOError else { return Fault(unexpected: error) }
    switch failure.errnoCode {
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
        expected: "an address of this machine", found: String(cString: strerror(failure.errnoCode)))
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
