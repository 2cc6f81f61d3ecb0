import Diagnostics
import Foundation
import Synchronization
import Testing

@testable import PageServer

@Suite("Work, one piece at a time")
struct JobQueueTests {
  private func answer(_ text: String, status: Int = 200) -> Answer {
    var answer = Answer(to: "/")
    (answer.status, answer.body) = (status, Data(text.utf8))
    return answer
  }

  private func text(_ standing: JobQueue.Standing?) -> String? {
    guard case .done(let answer) = standing else { return nil }
    return String(decoding: answer.body, as: UTF8.self)
  }

  private func progress(_ standing: JobQueue.Standing?) throws -> JobQueue.Progress {
    guard case .waiting(let progress) = standing else { throw Fault(.software, "test", "not waiting") }
    return progress
  }

  /// Waits until something holds, at most ten seconds.
  private func wait(_ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while try !condition() {
      #expect(ContinuousClock.now < end)
      guard ContinuousClock.now < end else { return }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  @Test("Equal questions share their work, and their answer is kept") func sharing() async throws {
    let queue = JobQueue()
    let runs = Count()
    let gate = DispatchSemaphore(value: 0)
    let work: JobQueue.Work = { say in
      runs.add()
      say("half")
      gate.wait()
      return self.answer("whole")
    }
    let first = try progress(queue.ask("a", title: "A", work: work))
    for _ in 0..<20 { #expect(try progress(queue.ask("a", title: "A", work: work)).id == first.id) }
    try await wait { try progress(queue.standing(of: first.id)).words == "half" }
    gate.signal()
    try await wait { queue.standing(of: first.id) == nil }
    #expect(text(try queue.ask("a", title: "A", work: work)) == "whole")
    #expect(runs.value == 1)
  }

  @Test("One runs, the others wait in order, and too many are refused") func order() async throws {
    let queue = JobQueue(mostWaiting: 3)
    let gate = DispatchSemaphore(value: 0)
    let order = Mutex<[Int]>([])
    func work(_ number: Int) -> JobQueue.Work {
      { _ in
        gate.wait()
        order.withLock { $0.append(number) }
        return self.answer("\(number)")
      }
    }
    var ids: [Int] = []
    for number in 0..<4 { ids.append(try progress(queue.ask("\(number)", title: "", work: work(number))).id) }
    #expect(try ids.map { try progress(queue.standing(of: $0)).ahead } == [nil, 1, 2, 3])
    let busy = #expect(throws: Fault.self) { try queue.ask("4", title: "", work: work(4)) }
    #expect(busy?.name == "server.busy" && busy?.status == 503)
    // What is asked for already is not refused.
    #expect(try progress(queue.ask("3", title: "", work: work(3))).id == ids[3])
    for _ in 0..<4 { gate.signal() }
    try await wait { queue.count == 0 }
    #expect(order.withLock { $0 } == [0, 1, 2, 3])
  }

  @Test("What runs is stopped at its next step, what waits never begins") func stopping() async throws {
    let queue = JobQueue()
    let (started, waited, cancelled) = (Count(), Count(), Count())
    let running = try progress(
      queue.ask("a", title: "") { _ in
        started.add()
        while true {
          do {
            try Task.checkCancellation()
          } catch {
            cancelled.add()
            throw error
          }
          usleep(1000)
        }
      })
    let waiting = try progress(
      queue.ask("b", title: "") { _ in
        waited.add()
        return self.answer("b")
      })
    try await wait { started.value == 1 }
    queue.stop(waiting.id)
    queue.stop(running.id)
    for id in [waiting.id, running.id] {
      guard case .stopped = queue.standing(of: id) else {
        Issue.record("not stopped")
        continue
      }
    }
    try await wait { cancelled.value == 1 }
    // The thread is free again, and the same question can be asked anew.
    _ = try queue.ask("a", title: "") { _ in self.answer("again") }
    try await wait { text(try queue.ask("a", title: "") { _ in self.answer("no") }) == "again" }
    #expect(waited.value == 0)
  }

  @Test("What nobody asks about any more is dropped") func abandoned() async throws {
    let queue = JobQueue()
    let gate = DispatchSemaphore(value: 0)
    let now = ContinuousClock.now
    let running = try progress(
      queue.ask("a", title: "", now: now) { _ in
        gate.wait()
        return self.answer("a")
      })
    let polled = try progress(queue.ask("b", title: "", now: now) { _ in self.answer("b") })
    _ = queue.standing(of: polled.id, now: now + .seconds(25))
    queue.stopAbandoned(now: now + .seconds(29))
    #expect(queue.count == 2)
    queue.stopAbandoned(now: now + .seconds(31))
    #expect(queue.count == 1)
    guard case .stopped = queue.standing(of: running.id) else {
      Issue.record("not stopped")
      return
    }
    gate.signal()
    try await wait { queue.count == 0 }
  }

  @Test("A fault is an answer, for a while") func faults() async throws {
    let queue = JobQueue()
    let start = ContinuousClock.now
    let id = try progress(
      queue.ask("a", title: "") { _ in throw Fault(.usage, "neurons.noSuchNeuron", "There is none") }
    ).id
    try await wait { queue.standing(of: id) == nil }
    // However long that took here, at the start it is still known.
    guard case .done(let answer) = try queue.ask("a", title: "", now: start, work: { _ in self.answer("a") }) else {
      Issue.record("not kept")
      return
    }
    #expect(answer.status == 404)
    #expect(String(decoding: answer.body, as: UTF8.self).contains("There is none"))
    _ = try progress(queue.ask("a", title: "", now: .now + .seconds(600)) { _ in self.answer("a") })
  }

  @Test("Kept answers are bounded by size and number") func cache() {
    var cache = AnswerCache(mostBytes: 100, mostEntries: 3)
    func body(_ count: Int) -> Answer { answer(String(repeating: "x", count: count)) }
    for key in ["a", "b", "c"] { cache.keep(body(20), for: key) }
    _ = cache.answer("a")
    cache.keep(body(20), for: "d")
    #expect(cache.answer("b") == nil && cache.answer("a") != nil && cache.count == 3)
    cache.keep(body(70), for: "e")
    #expect(cache.answer("e") != nil && cache.count == 2)
    cache.keep(answer("gone", status: 500), for: "f", now: .now - .seconds(6))
    #expect(cache.answer("f") == nil)
    var small = AnswerCache(mostBytes: 100_000)
    small.keep(body(200_000), for: "g")
    #expect(small.answer("g")?.status == 413)
  }
}
