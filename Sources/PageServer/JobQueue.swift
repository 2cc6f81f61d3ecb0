import Diagnostics
import Synchronization

/// Long work, one piece at a time and in order: a run of the model has all cores. Who asks for the same gets the same piece
/// of work, and an answer that was made lately is not made again.
final class JobQueue: Sendable {
  /// Makes an answer; tells how far it is.
  typealias Work = @Sendable (_ say: @escaping @Sendable (String) -> Void) throws -> Answer

  /// How a question stands.
  enum Standing: Sendable {
    case done(Answer)
    case waiting(Progress)
    /// A reader has stopped it.
    case stopped
  }

  struct Progress: Sendable, Equatable {
    var id: Int
    var title: String
    /// What is done right now.
    var words: String
    /// Pieces of work in front of it; nil: it runs.
    var ahead: Int?
    /// Since it began to run.
    var seconds: Double
  }

  private struct Job {
    var key: String
    var title: String
    var work: Work
    var lastAsked: ContinuousClock.Instant
    var began: ContinuousClock.Instant?
    var words = ""
  }

  private struct State {
    var jobs: [Int: Job] = [:]
    var ids: [String: Int] = [:]
    var waiting: [Int] = []
    /// What the thread is busy with, even if nobody wants it any more.
    var running: (id: Int, task: Task<Void, Never>)?
    var stopped: [Int] = []
    var lastID = 0
    var cache = AnswerCache()
  }

  private let state = Mutex(State())
  private let thread = WorkThread()
  /// Pieces of work that may wait.
  let mostWaiting: Int

  init(mostWaiting: Int = 64) { self.mostWaiting = mostWaiting }

  deinit { thread.end() }

  /// The answer to a question, or where its work stands, which is begun unless it has been.
  ///
  /// - Throws: `server.busy` where too much waits already.
  func ask(
    _ key: String, title: String, now: ContinuousClock.Instant = .now, work: @escaping Work
  ) throws -> Standing {
    try state.withLock { state in
      if let answer = state.cache.answer(key, now: now) { return .done(answer) }
      if let id = state.ids[key] { return .waiting(touch(id, now, &state)) }
      guard state.waiting.count < mostWaiting else {
        throw Fault(
          .interrupted, "server.busy", "Too much is being computed already",
          expected: "at most \(mostWaiting) requests that wait", found: "one more", advice: "try again in some seconds")
      }
      state.lastID += 1
      let id = state.lastID
      state.jobs[id] = Job(key: key, title: title, work: work, lastAsked: now)
      state.ids[key] = id
      state.waiting.append(id)
      startNext(&state)
      return .waiting(touch(id, now, &state))
    }
  }

  /// Where a piece of work stands; nil where it is done, or was never begun.
  func standing(of id: Int, now: ContinuousClock.Instant = .now) -> Standing? {
    state.withLock { state in
      if state.stopped.contains(id) { return .stopped }
      return state.jobs[id] == nil ? nil : .waiting(touch(id, now, &state))
    }
  }

  /// Stops a piece of work: what waits never begins, what runs ends at its next step.
  func stop(_ id: Int) { state.withLock { stop(id, &$0) } }

  /// Stops what nobody has asked about for a while: its reader went away.
  func stopAbandoned(after patience: Duration = .seconds(30), now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      for (id, job) in state.jobs where job.lastAsked.advanced(by: patience) < now { stop(id, &state) }
    }
  }

  /// Stops everything.
  func stopAll() {
    state.withLock { state in
      for id in state.jobs.keys { stop(id, &state) }
    }
  }

  /// Pieces of work that run or wait.
  var count: Int { state.withLock { $0.jobs.count } }

  /// Whether the thread is at work, even if nobody wants it any more.
  var isBusy: Bool { state.withLock { $0.running != nil } }

  // MARK: Under the lock

  private func touch(_ id: Int, _ now: ContinuousClock.Instant, _ state: inout State) -> Progress {
    state.jobs[id]?.lastAsked = now
    let job = state.jobs[id]
    let seconds = job?.began.map { $0.duration(to: now) / .seconds(1) } ?? 0
    let place = state.waiting.firstIndex(of: id).map { $0 + (state.running == nil ? 0 : 1) }
    return Progress(
      id: id, title: job?.title ?? "", words: job?.words ?? "", ahead: place, seconds: max(seconds, 0))
  }

  private func stop(_ id: Int, _ state: inout State) {
    guard let job = state.jobs.removeValue(forKey: id) else { return }
    state.ids[job.key] = nil
    state.waiting.removeAll { $0 == id }
    state.stopped.append(id)
    if state.stopped.count > 256 { state.stopped.removeFirst() }
    if let running = state.running, running.id == id { running.task.cancel() }
  }

  private func startNext(_ state: inout State) {
    guard state.running == nil, !state.waiting.isEmpty else { return }
    let id = state.waiting.removeFirst()
    guard let job = state.jobs[id] else { return startNext(&state) }
    state.jobs[id]?.began = .now
    let task = Task(executorPreference: thread) { [self] in
      let answer: Answer
      do {
        answer = try job.work { self.say($0, id) }
      } catch {
        answer = Answer(Fault(unexpected: error))
      }
      finish(id, answer)
    }
    state.running = (id, task)
  }

  private func say(_ words: String, _ id: Int) { state.withLock { $0.jobs[id]?.words = words } }

  private func finish(_ id: Int, _ answer: Answer) {
    state.withLock { state in
      state.running = nil
      // One that was stopped has no job any more: its answer is not whole.
      if let job = state.jobs.removeValue(forKey: id) {
        state.ids[job.key] = nil
        state.cache.keep(answer, for: job.key)
      }
      startNext(&state)
    }
  }
}
