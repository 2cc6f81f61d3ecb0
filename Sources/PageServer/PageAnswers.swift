import Diagnostics
import Foundation
import Pages

/// From a request to its answer.
///
/// A page that takes long is answered at once with one that says how far it is and asks again by itself, with the number of the
/// work in its address (`job=3`); once the work is done, the browser is sent on to the page's own address, where the answer
/// is kept.
struct PageAnswers: Sendable {
  let entrance: RequestGuard
  let queue: JobQueue
  /// Makes the page that answers a question, on the queue's thread.
  let makePage: @Sendable (ServedQuestion, @escaping PageMaker.Say) throws -> Page
  /// How long a browser waits for a page before it is told how far it is.
  var patience: Duration = .milliseconds(400)

  func answer(_ request: IncomingRequest) async -> Answer {
    var answer: Answer
    do {
      switch entrance.verdict(on: request) {
      case .refused(let fault): throw fault
      case .exchange:
        // On to a page of ours alone, whatever the address says.
        answer = Answer(to: (try? ServedQuestion(withoutToken(request)))?.address ?? "/")
        answer.headers.append(("Set-Cookie", entrance.cookie))
      case .allowed: answer = try await allowed(request)
      }
    } catch {
      answer = Answer(Fault(unexpected: error))
    }
    answer.headers += Answer.safety
    if request.method == "HEAD" { answer.body = Data() }
    return answer
  }

  private func withoutToken(_ request: IncomingRequest) -> IncomingRequest {
    var request = request
    request.query = request.query.split(separator: "&").filter { !$0.hasPrefix("token=") }.joined(separator: "&")
    return request
  }

  private func allowed(_ request: IncomingRequest) async throws -> Answer {
    switch (request.method, request.path) {
    case ("POST", "/stop"): return try stop(FormText.fields(request.body))
    case ("GET", _), ("HEAD", _): break
    default:
      throw Fault(
        .usage, "server.method", "Pages are only read", expected: "GET", found: String(request.method.prefix(20)))
    }
    let question = try ServedQuestion(request)
    do {
      return try await answer(question, request)
    } catch let fault as Fault where fault.name == "server.busy" {
      // Its reader need not ask again by hand.
      var answer = try Answer(
        Page(fault), status: fault.status, serving: PageServing(askingAgain: question.address))
      answer.headers.append(("Retry-After", "\(Answer.retryAfter)"))
      return answer
    }
  }

  /// A page, or where its work stands.
  private func answer(_ question: ServedQuestion, _ request: IncomingRequest) async throws -> Answer {
    if let id = try FormText.fields(request.query)["job"].flatMap({ Int($0) }) {
      switch await settled({ queue.standing(of: id) }) {
      case .waiting(let progress): return try page(of: progress, question)
      case .stopped: return try stopped(question)
      // Done: the page's own address has it.
      case .done, nil: return Answer(to: question.address)
      }
    }
    let standing = try queue.ask(question.address, title: question.title) { [makePage] say in
      try Answer(makePage(question, say))
    }
    guard case .waiting(let progress) = standing else { return try page(standing, question) }
    switch await settled({ queue.standing(of: progress.id) }) {
    case .waiting(let later): return try page(of: later, question)
    case .stopped: return try stopped(question)
    case .done, nil:
      // The answer is kept now; where it is too large to be, it is made again only when it is asked for again.
      return try page(
        queue.ask(question.address, title: question.title) { [makePage] say in
          try Answer(makePage(question, say))
        }, question)
    }
  }

  /// Asks again and again, for as long as a browser waits.
  private func settled(_ standing: () -> JobQueue.Standing?) async -> JobQueue.Standing? {
    let end = ContinuousClock.now + patience
    var pause = Duration.milliseconds(5)
    while true {
      let found = standing()
      guard case .waiting = found, ContinuousClock.now < end else { return found }
      do { try await Task.sleep(for: pause) } catch { return found }
      pause = min(pause * 2, .milliseconds(100))
    }
  }

  private func page(_ standing: JobQueue.Standing, _ question: ServedQuestion) throws -> Answer {
    switch standing {
    case .done(let answer): answer
    case .waiting(let progress): try page(of: progress, question)
    case .stopped: try stopped(question)
    }
  }

  // MARK: - Pages about work

  private func stop(_ fields: [String: String]) throws -> Answer {
    guard let id = fields["job"].flatMap({ Int($0) }) else {
      throw Fault(
        .usage, "server.field", "Nothing was named to stop", place: "field job", expected: "a number", found: "none")
    }
    queue.stop(id)
    var page = Page(kind: "Stopped", title: "Stopped", lead: "What was computed so far is thrown away.", source: "")
    page.links = [.init("Overview", "/")]
    return try Answer(page)
  }

  private func stopped(_ question: ServedQuestion) throws -> Answer {
    var page = Page(
      kind: "Stopped", title: question.title,
      lead: "This was stopped: somebody stopped it, or nobody asked for it for a while.", source: "")
    page.links = [.init("Overview", "/"), .init("Compute it again", question.address)]
    return try Answer(page)
  }

  private func page(of progress: JobQueue.Progress, _ question: ServedQuestion) throws -> Answer {
    let state =
      switch progress.ahead {
      case nil:
        progress.words.isEmpty
          ? "It is being computed." : progress.words.prefix(1).uppercased() + progress.words.dropFirst() + "."
      case 0: "It comes next."
      case 1: "One other page is computed before it."
      case .some(let count): "\(count) other pages are computed before it."
      }
    var page = Page(
      kind: "Computing", title: progress.title, lead: state,
      facts: [.init("seconds so far", "\(Int(progress.seconds))")],
      source: "This page asks again each second; without a script it does so too.")
    page.links = [.init("Overview", "/")]
    page.add(
      "Not needed any more?",
      [
        .form(
          PageForm(
            "", action: "/stop", changes: true,
            fields: [.init("job", "", value: "\(progress.id)", .hidden)], button: "Stop"))
      ])
    let address = question.address
    let again = address + (address.contains("?") ? "&" : "?") + "job=\(progress.id)"
    return try Answer(page, status: 202, serving: PageServing(askingAgain: again))
  }
}
