import Diagnostics
import Foundation
import Pages
import Testing

@testable import PageServer

/// A server that listens for as long as a test runs.
final class RunningServer: Sendable {
  let client: RawClient
  let token: String
  private let task: Task<Void, any Error>

  /// - Parameter makePage: What its pages are.
  init(_ makePage: @escaping @Sendable (ServedQuestion, @escaping PageMaker.Say) throws -> Page) async throws {
    let server = PageServer(host: "127.0.0.1", port: 0, makePage: makePage)
    let (addresses, told) = AsyncStream<String>.makeStream()
    task = Task {
      defer { told.finish() }
      try await server.run { told.yield($0) }
    }
    let printed = await addresses.first { _ in true }
    let address = try #require(printed.flatMap(URLComponents.init(string:)))
    client = RawClient(port: UInt16(try #require(address.port)))
    token = try #require(address.queryItems?.first { $0.name == "token" }?.value)
  }

  deinit { task.cancel() }

  /// Ends it, and gives what it ended with.
  func end() async -> Result<Void, any Error> {
    task.cancel()
    return await task.result
  }

  /// The cookie that the token is exchanged for.
  func cookie() async throws -> [String: String] {
    let reply = try #require(await client.send("/?token=\(token)"))
    #expect(reply.status == 303 && reply.headers["location"] == "/")
    let cookie = try #require(reply.headers["set-cookie"])
    #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
    return ["Cookie": String(cookie.prefix { $0 != ";" })]
  }

  /// The page at an address, once it is made.
  func page(_ address: String, _ cookie: [String: String]) async throws -> RawClient.Reply {
    var address = address
    for _ in 0..<600 {
      let reply = try #require(await client.send(address, headers: cookie))
      switch reply.status {
      case 202:
        let found = reply.body.firstMatch(of: /http-equiv="refresh" content="1; url=([^"]+)"/)
        address = String(try #require(found?.1)).replacing("&amp;", with: "&")
        try await Task.sleep(for: .milliseconds(20))
      case 303: address = try #require(reply.headers["location"])
      default: return reply
      }
    }
    throw Fault(.software, "test", "the page is never made")
  }
}

@Suite("A running server", .timeLimit(.minutes(3)))
struct PageServerTests {
  private static func plain(_ title: String) -> Page {
    var page = Page(kind: "Test", title: title, source: "A test.")
    page.add("Text", [.paragraph(title)])
    return page
  }

  @Test("Only who has the token sees anything, and every answer is safe") func token() async throws {
    let asked = Count()
    let server = try await RunningServer { question, _ in
      asked.add()
      return Self.plain(question.title)
    }
    let client = server.client
    let cookie = try await server.cookie()
    var replies: [RawClient.Reply] = []
    for (target, method, host, headers, status) in [
      ("/", "GET", nil, [:], 403), ("/run?text=a", "GET", nil, [:], 403), ("/?token=", "GET", nil, [:], 403),
      ("/?token=\(String(server.token.reversed()))", "GET", nil, [:], 403), ("/nonsense", "GET", nil, [:], 403),
      ("/", "GET", "evil.example:\(client.port)", cookie, 403), ("/", "GET", "127.0.0.1", cookie, 403),
      ("/", "GET", nil, cookie.merging(["Origin": "http://evil.example"]) { $1 }, 403),
      ("/", "GET", nil, cookie.merging(["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"]) { $1 }, 403),
      ("/stop", "POST", nil, cookie.merging(["Origin": "null"]) { $1 }, 403),
      ("/nonsense", "GET", nil, cookie, 404), ("/run?text=%FF", "GET", nil, cookie, 400),
      ("/run?text=" + String(repeating: "a", count: 20_000), "GET", nil, cookie, 413),
      ("/" + String(repeating: "a", count: 80_000), "GET", nil, cookie, 413), ("/", "PUT", nil, cookie, 405),
      ("/", "POST", nil, cookie, 405), ("/stop", "GET", nil, cookie, 404), ("/../x", "GET", nil, cookie, 400),
    ] as [(String, String, String?, [String: String], Int)] {
      let reply = try #require(await client.send(target, method: method, host: host, headers: headers))
      #expect(reply.status == status, "\(method) \(target.prefix(60))")
      #expect(reply.body.contains("<!doctype html>"))
      replies.append(reply)
    }
    #expect(asked.value == 0)
    replies.append(try await server.page("/", cookie))
    #expect(replies[replies.count - 1].body.contains("The overview"))
    for reply in replies {
      let policy = reply.headers["content-security-policy"] ?? ""
      #expect(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"))
      #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
      #expect(reply.headers["x-content-type-options"] == "nosniff")
      #expect(reply.headers["referrer-policy"] == "no-referrer")
      #expect(reply.headers["cache-control"] == "no-store")
      #expect(!reply.body.contains(server.token))
    }
    // A token goes to a page of ours alone.
    for target in ["//evil.example/?token=", "/nonsense?token=", "/run?text=a&token="] {
      let reply = try #require(await client.send(target + server.token))
      #expect(reply.status == 303)
      #expect(reply.headers["location"] == (target.hasPrefix("/run") ? "/run?text=a" : "/"))
    }
    let head = try #require(await client.send("/", method: "HEAD", headers: cookie))
    #expect(head.status == 200 && head.body.isEmpty)
  }

  @Test("A body that is too large is refused") func body() async throws {
    let server = try await RunningServer { question, _ in Self.plain(question.title) }
    let cookie = try await server.cookie()
    let large = String(repeating: "a", count: 1 << 20)
    let reply = try #require(await server.client.send("/stop", method: "POST", headers: cookie, body: large))
    #expect(reply.status == 413 && reply.headers["x-content-type-options"] == "nosniff")
    // What is no HTTP ends its connection, not the server.
    for junk in ["junk\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "\u{0}\u{1}\r\n\r\n"] {
      _ = await server.client.raw(junk)
    }
    #expect(try await server.page("/", cookie).status == 200)
  }

  @Test("A head without end is cut off, and costs the others nothing") func longHead() async throws {
    let server = try await RunningServer { question, _ in Self.plain(question.title) }
    let cookie = try await server.cookie()
    let long = String(repeating: "a", count: 8 << 20)
    let heads = [
      "GET /\(long)", "GET / HTTP/1.1\r\nA: \(long)", "\(long)",
      "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 1 << 20),
    ]
    await withTaskGroup(of: Void.self) { group in
      for head in heads + heads {
        group.addTask {
          let reply = await server.client.raw(head)
          #expect(reply == nil || reply?.status == 400)
        }
      }
    }
    #expect(try await server.page("/", cookie).status == 200)
    guard case .success = await server.end() else {
      Issue.record("it did not end well")
      return
    }
  }

  @Test("Text full of HTML stays text") func html() async throws {
    let server = try await RunningServer { question, _ in
      guard case .run(let text) = question else { throw Fault(.usage, "test.noSuch", "<b>\(question.address)</b>") }
      return Self.plain(text)
    }
    let cookie = try await server.cookie()
    let hostile = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    let page = try await server.page("/run?text=\(FormText.encode(hostile))", cookie)
    #expect(page.status == 200)
    #expect(!page.body.contains("<script>alert") && !page.body.contains("<img"))
    #expect(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    let fault = try await server.page("/search?q=\(FormText.encode(hostile))", cookie)
    #expect(fault.status == 404 && !fault.body.contains("<b>"))
    let field = try #require(await server.client.send("/neuron?name=\(FormText.encode(hostile))", headers: cookie))
    #expect(field.status == 400 && !field.body.contains("<script>alert") && !field.body.contains("<img"))
  }

  @Test("Two hundred requests at once are all answered") func crowd() async throws {
    let server = try await RunningServer { question, _ in
      usleep(5_000)
      return Self.plain(question.title)
    }
    let (client, cookie) = (server.client, try await server.cookie())
    let replies = await withTaskGroup(of: (Int, RawClient.Reply?).self) { group in
      for number in 0..<200 {
        // Half of them ask for the same.
        let target = number % 2 == 0 ? "/run?text=same" : "/run?text=number\(number)"
        group.addTask { (number, await client.send(target, headers: cookie)) }
      }
      return await group.reduce(into: [Int: RawClient.Reply?]()) { $0[$1.0] = $1.1 }
    }
    #expect(replies.count == 200)
    for (number, reply) in replies {
      let reply = try #require(reply, "request \(number) got no answer")
      #expect([200, 202, 503].contains(reply.status))
      if reply.status == 503 { #expect(reply.headers["retry-after"] == "1" && reply.body.contains("data-again=")) }
      if reply.status == 200 {
        #expect(reply.body.contains(number % 2 == 0 ? "“same”" : "“number\(number)”"))
      }
    }
    #expect(try await server.page("/run?text=same", cookie).status == 200)
  }

  @Test("Long work shows how far it is, and is stopped by its button") func stopping() async throws {
    let cancelled = Count()
    let server = try await RunningServer { question, say in
      guard question != .overview else { return Self.plain("short") }
      say("reading rows, 3 of 9")
      while !Task.isCancelled { usleep(1000) }
      cancelled.add()
      throw CancellationError()
    }
    let (client, cookie) = (server.client, try await server.cookie())
    let page = try #require(await client.send("/run?text=long", headers: cookie))
    #expect(page.status == 202)
    #expect(page.body.contains("Reading rows, 3 of 9."))
    let job = try #require(page.body.firstMatch(of: /name="job" value="(\d+)"/)?.1)
    #expect(page.body.contains("content=\"1; url=/run?text=long&amp;job=\(job)\""))
    let overview = try #require(await client.send("/", headers: cookie))
    #expect(overview.status == 202 && overview.body.contains("One other page"))
    let stopped = try #require(await client.send("/stop", method: "POST", headers: cookie, body: "job=\(job)"))
    #expect(stopped.status == 200 && stopped.body.contains("Stopped"))
    #expect(try await server.page("/", cookie).body.contains("short"))
    #expect(cancelled.value == 1)
    let later = try #require(await client.send("/run?text=long&job=\(job)", headers: cookie))
    #expect(later.status == 200 && later.body.contains("Compute it again"))
  }

  @Test("A browser that goes away costs nothing but its page") func goingAway() async throws {
    let server = try await RunningServer { question, _ in
      usleep(20_000)
      return Self.plain(question.title)
    }
    let cookie = try await server.cookie()
    let head =
      "GET /run?text=away HTTP/1.1\r\nHost: 127.0.0.1:\(server.client.port)\r\nCookie: \(cookie["Cookie"] ?? "")\r\n"
    for end in [head.count / 2, head.count] { await server.client.abandon(String(head.prefix(end)) + "\r\n") }
    #expect(try await server.page("/", cookie).status == 200)
  }

  @Test("A port in use and an address that is none are told") func ports() async throws {
    let first = try await RunningServer { question, _ in Self.plain(question.title) }
    for (host, port, name) in [
      ("127.0.0.1", first.client.port, "server.portInUse"), ("localhost", first.client.port, "server.portInUse"),
      ("not an address", 0, "server.badHost"), ("203.0.113.7", 0, "server.cannotListen"),
    ] as [(String, UInt16, String)] {
      let server = PageServer(host: host, port: port) { question, _ in Self.plain(question.title) }
      let fault = await #expect(throws: Fault.self) { try await server.run { _ in Issue.record("it listens") } }
      #expect(fault?.name == name)
    }
    // Ended, it gives the port back.
    guard case .success = await first.end() else {
      Issue.record("it did not end well")
      return
    }
    let second = PageServer(host: "127.0.0.1", port: first.client.port) { question, _ in Self.plain(question.title) }
    let (addresses, told) = AsyncStream<String>.makeStream()
    let task = Task { try await second.run { told.yield($0) } }
    #expect(await addresses.first { _ in true }?.hasPrefix("http://127.0.0.1:\(first.client.port)/?token=") == true)
    task.cancel()
    _ = await task.result
  }
}
