import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// Between the HTTP library's requests and ours.
final class AnswerHandler: HTTPHandler {
  /// nil until the port is known.
  let answers = Mutex<PageAnswers?>(nil)

  /// The port that is listened on, once it is.
  var port: UInt16? { answers.withLock { $0?.entrance.port } }

  func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard let answers = answers.withLock({ $0 }) else { return HTTPResponse(statusCode: .serviceUnavailable) }
    let (body, isWhole) = try await Self.body(of: request)
    var incoming = IncomingRequest(
      method: request.method.rawValue, path: request.target.path(), query: request.target.query())
    for (name, value) in request.headers { incoming.headers[name.rawValue.lowercased()] = value }
    incoming.body = body
    guard isWhole else {
      return Self.response(Answer.tooLarge, closes: true)
    }
    return Self.response(await answers.answer(incoming), closes: false)
  }

  /// What a form sent, as far as it is short. A longer one is read and thrown away up to a bound, so that its sender sees
  /// the answer.
  private static func body(of request: HTTPRequest) async throws -> (text: String, isWhole: Bool) {
    var data = Data()
    var seen = 0
    for try await part in request.bodySequence {
      seen += part.count
      if seen <= IncomingRequest.longestBody { data += part }
      if seen > 4 << 20 { break }
    }
    return (String(decoding: data, as: UTF8.self), seen <= IncomingRequest.longestBody)
  }

  private static func response(_ answer: Answer, closes: Bool) -> HTTPResponse {
    var headers = HTTPHeaders()
    for (name, value) in answer.headers { headers.setValues([value], for: HTTPHeader(name)) }
    if closes { headers[.connection] = "close" }
    return HTTPResponse(
      statusCode: HTTPStatusCode(answer.status, phrase: answer.status < 400 ? "OK" : "Not shown"), headers: headers,
      body: HTTPBodySequence(data: answer.body, suggestedBufferSize: 1 << 16))
  }
}

/// A pool of sockets that closes a connection on which nothing comes or goes for a while: a browser that went away, or one
/// that keeps many connections open.
struct PatientPool<Base: AsyncSocketPool>: AsyncSocketPool {
  private let base: Base
  private let patience: Duration

  init(_ base: Base, patience: Duration = .seconds(30)) { (self.base, self.patience) = (base, patience) }

  func prepare() async throws { try await base.prepare() }
  func run() async throws { try await base.run() }

  func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
    // The socket that is listened on has nobody at its other end, and waits for ever.
    guard (try? socket.remotePeer()) != nil else {
      return try await base.suspendSocket(socket, untilReadyFor: events)
    }
    try await withThrowingTaskGroup(of: Void.self) { [base, patience] group in
      group.addTask { try await base.suspendSocket(socket, untilReadyFor: events) }
      group.addTask {
        try await Task.sleep(for: patience)
        throw SocketError.disconnected
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
