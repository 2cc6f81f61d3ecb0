import ArgumentParser
import Foundation
import Synchronization
import Unfold

/// The options that every command takes.
struct CommonOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON document in place of text.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say nothing but results and errors.")
  var quiet = false

  @Option(name: .customLong("seed"), help: "The seed that decides everything random (default: 0).")
  var givenSeed: UInt64?

  /// The seed that decides everything random; a file may have one of its own, which only a given one replaces.
  var seed: UInt64 { givenSeed ?? 0 }

  @Option(name: .long, help: "Threads to compute with (default: one a core).")
  var threads: Int?

  @Option(
    name: .long,
    help: "The memory that a model and its runs may take, such as 800MB or 1.5GiB (default: what is free).",
    transform: MemorySize.init)
  var memory: MemorySize?

  func validate() throws {
    if let threads, !(1...1024 ~= threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }

  /// Sets what holds for the whole process; a command calls it before any work.
  func apply() {
    if let threads { Threads.count = threads }
    Console.isQuiet.store(quiet, ordering: .relaxed)
    Session.memoryLimit.store(memory?.bytes ?? 0, ordering: .relaxed)
  }

  /// How results are shown on standard output.
  var style: TerminalStyle { TerminalStyle.detect(descriptor: STDOUT_FILENO) }

  /// A word to the person at the terminal, on standard error, unless `--quiet`.
  func note(_ text: String) { Console.note(text) }

  /// Shows a result: as JSON, or as the text that `text` makes.
  func show(_ value: some Encodable, text: (TerminalStyle) -> String) throws {
    if json { try Console.json(value) } else { Console.standardOutput(text(style)) }
  }
}
