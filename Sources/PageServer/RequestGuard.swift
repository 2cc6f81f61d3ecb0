import Diagnostics
import Foundation

/// Who may ask: the one who has the token, from a browser that was not sent here by another page.
///
/// A page of the web can make a browser ask any address of this machine. It cannot know the token; its name in `Host` is its own
/// even where that name was made to point here (DNS rebinding); and browsers tell with `Origin` and `Sec-Fetch-Site` which
/// page a request comes from.
struct RequestGuard: Sendable {
  /// In the address that is printed.
  let token = AccessToken()
  /// In the cookie that the token is exchanged for, since addresses are kept in histories.
  let session = AccessToken()
  let port: UInt16
  /// Names and addresses that the server is called by, without the port.
  let names: Set<String>
  /// It listens on every address of the machine: each is right. A rebound name never is an address.
  let allowsEveryAddress: Bool

  init(host: String, port: UInt16) {
    self.port = port
    allowsEveryAddress = ["0.0.0.0", "::"].contains(host)
    names = ["localhost", "127.0.0.1", "[::1]", host.contains(":") ? "[\(host)]" : host]
  }

  enum Verdict: Sendable {
    case allowed
    /// The token was right: the cookie is set, and the browser sent on to the address without it.
    case exchange
    case refused(Fault)
  }

  /// Cookies belong to a name, whatever the port: servers beside each other need names of their own.
  var cookieName: String { "unfold-\(port)" }
  var cookie: String { "\(cookieName)=\(session.text); Path=/; HttpOnly; SameSite=Strict" }

  func verdict(on request: IncomingRequest) -> Verdict {
    guard let host = request["host"], isOwn(host) else {
      return .refused(
        Fault(
          .usage, "server.otherHost", "The request was meant for another server", expected: "a Host of this server",
          found: String((request["host"] ?? "none").prefix(100)), advice: "open the address that was printed"))
    }
    guard comesFromHere(request) else {
      return .refused(
        Fault(
          .usage, "server.otherOrigin", "The request was made by another page",
          expected: "a request of these pages, or an address that was opened by hand",
          found: String((request["origin"] ?? request["sec-fetch-site"] ?? "").prefix(100)),
          advice: "open the address that was printed"))
    }
    if let given = (try? FormText.fields(request.query))?["token"] {
      if request.method != "POST", token.matches(given) { return .exchange }
    } else if let cookie = request.cookie(cookieName), session.matches(cookie) {
      return .allowed
    }
    return .refused(
      Fault(
        .usage, "server.noToken", "This server shows its pages only to who started it",
        expected: "the address that `unfold serve` printed, with its token", found: "no token, or another",
        advice: "copy the whole address from the terminal"))
  }

  /// Whether a `Host`, such as `localhost:8080`, is this server.
  private func isOwn(_ host: String) -> Bool {
    let suffix = ":\(port)"
    var name = host.lowercased()
    if name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
    } else if port != 80 {
      return false
    }
    return names.contains(name) || allowsEveryAddress && Self.isAddress(name)
  }

  /// A request that a page made must be one of these pages; a plain navigation may come from anywhere, since nobody but the
  /// reader sees its answer, and without the cookie, which other pages do not send along, it is refused further down.
  private func comesFromHere(_ request: IncomingRequest) -> Bool {
    let site = request["sec-fetch-site"]
    if let origin = request["origin"] {
      // A form of these pages is sent without a referrer, and so with no origin.
      if origin == "null" { return site == "same-origin" }
      guard origin.hasPrefix("http://"), isOwn(String(origin.dropFirst(7))) else { return false }
    }
    switch site {
    case nil, "same-origin", "none": return true
    default:
      return request.method == "GET" && request["sec-fetch-mode"] == "navigate"
        && request["sec-fetch-dest"] == "document"
    }
  }

  /// Whether a name is an address in figures, of IPv6 in brackets.
  static func isAddress(_ name: String) -> Bool {
    var bytes = in6_addr()
    if name.hasPrefix("["), name.hasSuffix("]") {
      return inet_pton(AF_INET6, String(name.dropFirst().dropLast()), &bytes) == 1
    }
    return inet_pton(AF_INET, name, &bytes) == 1
  }
}
