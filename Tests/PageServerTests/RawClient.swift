import Foundation

/// A client that says exactly what a test wants, over a socket of its own.
struct RawClient: Sendable {
  let port: UInt16

  struct Reply: Sendable {
    var status: Int
    /// By names in lower case.
    var headers: [String: String]
    var body: String
  }

  /// Sends a request and reads its answer to the end; nil where there is none.
  ///
  /// Each runs on a thread of its own: one that waits must not take a thread that the server's tasks need.
  func send(
    _ target: String, method: String = "GET", host: String? = nil, headers: [String: String] = [:], body: String = ""
  ) async -> Reply? {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nConnection: close\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if !body.isEmpty { head += "Content-Length: \(body.utf8.count)\r\n" }
    return await raw(head + "\r\n" + body)
  }

  func raw(_ request: String) async -> Reply? {
    await withCheckedContinuation { continuation in
      let thread = Thread { continuation.resume(returning: Self.parse(Self.exchange(request, port))) }
      thread.stackSize = 1 << 18
      thread.start()
    }
  }

  /// Sends something and closes the connection without waiting for an answer.
  func abandon(_ request: String) async {
    await withCheckedContinuation { continuation in
      Thread {
        _ = Self.exchange(request, port, reads: false)
        continuation.resume()
      }.start()
    }
  }

  private static func exchange(_ request: String, _ port: UInt16, reads: Bool = true) -> [UInt8] {
    #if os(Linux)
      let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let file = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard file >= 0 else { return [] }
    defer { close(file) }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { return [] }
    var rest = Array(request.utf8)[...]
    while !rest.isEmpty {
      #if os(Linux)
        let sent = rest.withUnsafeBytes { Foundation.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      #else
        let sent = rest.withUnsafeBytes { Foundation.send(file, $0.baseAddress, $0.count, 0) }
      #endif
      guard sent > 0 else { break }
      rest = rest.dropFirst(sent)
    }
    guard reads else { return [] }
    var reply: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(file, &buffer, buffer.count, 0)
      guard count > 0 else { return reply }
      reply += buffer[..<count]
    }
  }

  private static func parse(_ bytes: [UInt8]) -> Reply? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ")
    guard words.count > 1, let status = Int(words[1]) else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return Reply(status: status, headers: headers, body: String(text[end.upperBound...]))
  }
}
