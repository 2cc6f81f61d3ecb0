import Diagnostics
import Testing

@testable import PageServer

@Suite("Who may ask")
struct RequestGuardTests {
  let entrance = RequestGuard(host: "127.0.0.1", port: 8080)

  /// What is said to a request: "allowed", "exchange", or a fault's name.
  private func verdict(
    _ headers: [String: String], path: String = "/", query: String = "", method: String = "GET", cookie: Bool = true,
    by entrance: RequestGuard? = nil
  ) -> String {
    let entrance = entrance ?? self.entrance
    var headers = ["host": "127.0.0.1:8080"].merging(headers) { $1 }
    if cookie { headers["cookie"] = "a=b; \(entrance.cookieName)=\(entrance.session.text)" }
    switch entrance.verdict(on: IncomingRequest(method: method, path: path, query: query, headers: headers)) {
    case .allowed: return "allowed"
    case .exchange: return "exchange"
    case .refused(let fault): return fault.name
    }
  }

  @Test("The cookie lets in; the token is exchanged for it; nothing else does") func token() {
    #expect(verdict([:]) == "allowed")
    #expect(verdict([:], cookie: false) == "server.noToken")
    #expect(verdict([:], query: "token=\(entrance.token.text)", cookie: false) == "exchange")
    #expect(verdict([:], query: "token=\(entrance.token.text)", method: "POST", cookie: false) == "server.noToken")
    // What is in the cookie is no token, and the other way round; a wrong token is refused with the cookie too.
    #expect(verdict([:], query: "token=\(entrance.session.text)", cookie: false) == "server.noToken")
    #expect(verdict([:], query: "token=") == "server.noToken")
    #expect(verdict(["cookie": "unfold-8080=\(entrance.token.text)"], cookie: false) == "server.noToken")
    #expect(verdict(["cookie": "unfold-8081=\(entrance.session.text)"], cookie: false) == "server.noToken")
  }

  @Test("A token matches itself alone") func constantTime() {
    let token = AccessToken()
    #expect(token.text.count == 64 && token.text != AccessToken().text)
    #expect(token.matches(token.text))
    for other in ["", String(token.text.dropLast()), token.text + "0", token.text.uppercased() + " ", "é" + token.text]
    {
      #expect(!token.matches(other))
    }
    #expect(!token.matches(String(repeating: token.text, count: 100)))
  }

  @Test(
    "A name that was made to point here is not ours",
    arguments: [
      ("127.0.0.1:8080", true), ("localhost:8080", true), ("LOCALHOST:8080", true), ("[::1]:8080", true),
      ("evil.example:8080", false), ("127.0.0.1.evil.example:8080", false), ("localhost:8081", false),
      ("localhost", false), ("", false), ("192.168.1.2:8080", false), ("localhost:8080@evil.example", false),
    ])
  func host(name: String, isOwn: Bool) {
    #expect(verdict(["host": name]) == (isOwn ? "allowed" : "server.otherHost"))
    // On every address, each address is right, and no name.
    let open = RequestGuard(host: "0.0.0.0", port: 8080)
    let isAddress = ["192.168.1.2:8080"].contains(name)
    #expect(verdict(["host": name], by: open) == (isOwn || isAddress ? "allowed" : "server.otherHost"))
  }

  @Test("What another page asks is refused, with the cookie too") func origin() {
    #expect(verdict(["origin": "http://127.0.0.1:8080"]) == "allowed")
    for origin in ["http://evil.example", "https://127.0.0.1:8080", "http://127.0.0.1:9999", "null", ""] {
      #expect(verdict(["origin": origin]) == "server.otherOrigin")
      #expect(verdict(["origin": origin], path: "/stop", method: "POST") == "server.otherOrigin")
    }
    // A form of ours, sent without a referrer.
    #expect(verdict(["origin": "null", "sec-fetch-site": "same-origin"], method: "POST") == "allowed")
    for site in ["cross-site", "same-site"] {
      #expect(verdict(["sec-fetch-site": site, "sec-fetch-mode": "cors"]) == "server.otherOrigin")
      #expect(verdict(["sec-fetch-site": site, "sec-fetch-mode": "no-cors"]) == "server.otherOrigin")
      let frame = ["sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"]
      #expect(verdict(frame) == "server.otherOrigin")
      var link = frame
      link["sec-fetch-dest"] = "document"
      #expect(verdict(link) == "allowed")
      #expect(verdict(link, method: "POST") == "server.otherOrigin")
      #expect(verdict(link, cookie: false) == "server.noToken")
    }
    #expect(verdict(["sec-fetch-site": "none", "sec-fetch-mode": "navigate"]) == "allowed")
  }

  @Test("Loopback addresses are told from others") func loopback() {
    for host in ["127.0.0.1", "127.1.2.3", "localhost", "::1"] { #expect(PageServer.isLoopback(host)) }
    for host in ["0.0.0.0", "::", "192.168.0.1", "127.evil.example", "example.com"] {
      #expect(!PageServer.isLoopback(host))
    }
  }
}
