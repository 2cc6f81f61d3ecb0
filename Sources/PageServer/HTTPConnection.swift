import Foundation
import NIOCore
import NIOHTTP1

/// Between the HTTP library's parts of requests and ours.
struct HTTPConnection: Sendable {
  typealias Parts = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

  let parts: Parts

  /// The longest head of a request that is read, in bytes: the longest address, and what browsers say about themselves.
  static let longestHead = IncomingRequest.longestAddress + (1 << 15)
  /// The longest form that is read and thrown away, so that its sender sees the answer, in bytes.
  static let longestRefused = 4 << 20

  /// Sets a connection up: heads are read up to a bound, and one on which nothing comes or goes for a while is closed.
  init(_ channel: any Channel, patience: TimeAmount = .seconds(30)) throws {
    let pipeline = channel.pipeline.syncOperations
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderListSize = Self.longestHead
    try pipeline.addHandlers([
      ByteToMessageHandler(
        HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits),
        // The limits above are of fields; this bounds the address too.
        maximumBufferSize: Self.longestHead),
      HTTPResponseEncoder(), HTTPServerPipelineHandler(), HTTPServerProtocolErrorHandler(),
      IdleStateHandler(allTimeout: patience), ClosingHandler(),
    ])
    parts = try Parts(wrappingChannelSynchronously: channel)
  }

  /// Answers requests one after the other, until the other end goes away.
  func answer(_ answer: @Sendable @escaping (IncomingRequest) async -> Answer) async {
    try? await parts.executeThenClose { inbound, outbound in
      var request: HTTPRequestHead?
      var (body, length) = (ByteBuffer(), 0)
      for try await part in inbound {
        switch part {
        case .head(let head):
          (request, body, length) = (head, ByteBuffer(), 0)
        case .body(var bytes):
          length += bytes.readableBytes
          if length <= IncomingRequest.longestBody { body.writeBuffer(&bytes) }
          if length > Self.longestRefused { return try await write(Answer.tooLarge, keepsAlive: false, to: outbound) }
        case .end:
          guard let head = request else { return }
          guard length <= IncomingRequest.longestBody else {
            return try await write(Answer.tooLarge, keepsAlive: false, to: outbound)
          }
          let reply = await answer(IncomingRequest(head, body: String(buffer: body)))
          try await write(reply, keepsAlive: head.isKeepAlive, to: outbound)
          guard head.isKeepAlive else { return }
        }
      }
    }
  }

  private func write(
    _ answer: Answer, keepsAlive: Bool,
    to outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
  ) async throws {
    var headers = HTTPHeaders(answer.headers)
    headers.replaceOrAdd(name: "Content-Length", value: "\(answer.body.count)")
    if !keepsAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
    try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: answer.body))), .end(nil)])
  }
}

extension IncomingRequest {
  init(_ head: HTTPRequestHead, body: String) {
    let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(
      method: head.method.rawValue, path: String(parts.first ?? ""), query: parts.count > 1 ? String(parts[1]) : "",
      // What is said twice with two meanings is believed by nobody: the last stands.
      headers: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }, body: body)
  }
}

/// Closes a connection that is silent, or that speaks no HTTP.
private final class ClosingHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
