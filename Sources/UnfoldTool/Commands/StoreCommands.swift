import ArgumentParser
import Foundation
import Unfold

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Describe stores, check every byte, join, repack and label them.",
    subcommands: [
      StoreInfoCommand.self, StoreVerifyCommand.self, StoreMergeCommand.self, StorePackCommand.self,
      StoreLabelCommand.self,
    ])
}

struct StoreArgument: ParsableArguments {
  @Argument(help: "A store's folder, or one plain .h5 file of the same layout.") var store: String
  var url: URL { URL(filePath: store) }
}

struct StoreInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "What a store is and holds.",
    discussion: """
      Example:
        unfold store info store
      """)

  @OptionGroup var store: StoreArgument
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let info = try ActivationStore(opening: store.url).info()
    try common.show(info) { info.report($0) }
  }
}

struct StoreVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Read every byte of a store and hold it against its checksums.",
    discussion: """
      Example:
        unfold store verify store

      Ends with code 65 where anything is wrong. --repair makes index.h5 anew from the shards, which lose nothing by it.
      """)

  @OptionGroup var store: StoreArgument
  @Flag(name: .long, help: "Make index.h5 anew from the shards first.") var repair = false
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let files: Int
    let bytes: Int
    let isSound: Bool
    let problems: [FaultReport.Body]
  }

  func run() throws {
    common.apply()
    if repair { try ActivationStore.rebuildIndex(store.url) }
    let line = ProgressLine(isSilent: common.quiet)
    let found = try ActivationStore.verify(store.url) { done, all in line.update("\(done) of \(all) files") }
    line.clear()
    let result = Result(
      files: found.files, bytes: found.bytes, isSound: found.isSound,
      problems: found.problems.map { FaultReport($0).error })
    try common.show(result) { style in
      let read = "\(Format.count(found.files)) files, \(Format.bytes(found.bytes)) read"
      if found.isSound { return style.green("sound") + ": \(read)" }
      return ([style.red("damaged") + ": \(read)"] + found.problems.map(\.description)).joined(separator: "\n")
    }
    if !found.isSound { throw ExitCode(Fault.Kind.badData.rawValue) }
  }
}

struct StoreMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Join the stores of a distributed run into one.",
    discussion: """
      Example:
        unfold capture unfold-mini corpus.jsonl -o part-0 --shard 0/2
        unfold capture unfold-mini corpus.jsonl -o part-1 --shard 1/2
        unfold store merge part-0 part-1 -o store
      """)

  @Argument(help: "The stores, in the order wanted.") var stores: [String]
  @Option(name: .shortAndLong, help: "The store to make.") var output: String
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if stores.count < 2 { throw ValidationError("Name two stores or more.") }
  }

  func run() throws {
    common.apply()
    let info = try ActivationStore.merge(stores.map { URL(filePath: $0) }, to: URL(filePath: output)).info()
    try common.show(info) { info.report($0) }
  }
}

struct StorePackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack", abstract: "Write a store again in another number format.",
    discussion: """
      Example:
        unfold store pack store -o small --storage uint8

      uint8 keeps a scale and an offset a column: a value is off by at most (maximum − minimum) / 510 of its column.
      """)

  @OptionGroup var store: StoreArgument
  @Option(name: .shortAndLong, help: "The store to make.") var output: String
  @Option(name: .long, help: "uint8, float16, bfloat16 or float32.") var storage: StorageType = .uint8
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let packed = try ActivationStore(opening: store.url).pack(to: URL(filePath: output), storage: storage)
    let info = try packed.info()
    try common.show(info) { info.report($0) }
  }
}

struct StoreLabelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "label", abstract: "Add labels or spans to a finished store, by document id.",
    discussion: """
      Example:
        unfold store label store labels.jsonl --label-field tone
        unfold probe sweep store --label tone

      The file holds JSON lines with an id, labels and spans, or is a table with a header (.csv, .tsv).
      """)

  @OptionGroup var store: StoreArgument
  @Argument(help: "The labels.") var labels: String
  @Option(name: .long, help: "A field or column to take; may be given several times.") var labelField: [String] = []
  @Option(
    name: .long,
    help: "What labels are: text, number, or auto (numbers where that loses nothing, so 3.10 and 007 are texts).")
  var labelType: LabelType = .automatic
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let store: String
    /// Documents that each column labels.
    let labelled: [String: Int]
  }

  func run() throws {
    common.apply()
    let fields = labelField.isEmpty ? [DocumentTable.defaultLabels] : labelField
    let read = try StoreLabels(contentsOf: URL(filePath: labels), fields: fields, type: labelType)
    if read.labelsWithNUL > 0 {
      common.note("\(Format.count(read.labelsWithNUL)) labels hold U+0000, which stands as U+FFFD in the store's texts")
    }
    let (_, labelled) = try ActivationStore.label(store.url, with: read)
    try common.show(Result(store: store.store, labelled: labelled)) { _ in
      labelled.sorted { $0.key < $1.key }
        .map { "\($0.key): \(Format.count($0.value)) documents labelled" }.joined(separator: "\n")
    }
  }
}
