import Diagnostics
import Foundation
import HDF5

extension ActivationStore {
  /// Joins the stores of a run that was divided (`--shard I/N`) into one, in the order given. The parts stay as they are.
  ///
  /// Rows of documents, tokens and examples are counted anew; statistics are merged in that order.
  /// - Throws: `Fault` named `store.differs` where the stores are not parts of one run, `store.shares` where they are not
  ///   each share of it once, `store.incomplete` where one is not finished, `store.exists` where the output is.
  @discardableResult
  public static func merge(_ urls: [URL], to output: URL) throws -> ActivationStore {
    let stores = try urls.map { try ActivationStore(opening: $0) }
    guard var run = stores.first?.run else {
      throw Fault(.usage, "store.nothingToMerge", "No store was named", expected: "two or more stores")
    }
    for (store, url) in zip(stores, urls) {
      try store.requireComplete("finish it with --resume, then merge")
      var (mine, first) = (store.run, run)
      // The share is what may differ.
      (mine.settings[shareName], first.settings[shareName]) = (nil, nil)
      try mine.mustEqual(first, in: url, advice: "merge shares of one run: `unfold capture … --shard 0/2`, 1/2")
    }
    // What is damaged is said first, before anything is written.
    for store in stores { _ = try (store.documents, store.spans) }
    try requireEveryShare(stores)
    let documents = stores.reduce(0) { $0 + $1.documentCount }
    guard documents <= Int(Int32.max) else {
      throw Fault(
        .badData, "store.tooLarge", "The stores together have too many documents", file: output.path,
        expected: "at most 2^31 − 1", found: "\(documents)", advice: "leave the shares apart")
    }
    let quantization = try stores.map { try $0.quantization() }
    if let other = quantization.firstIndex(where: { $0 != quantization[0] }) {
      throw Fault(
        .badData, "store.differs", "The stores keep their bytes by different scales", file: urls[other].path,
        expected: "the scales of \(urls[0].lastPathComponent)", found: "others",
        advice: "merge the shares as they were captured, and pack the result")
    }
    run.settings[shareName] = nil
    run.expectedDocuments = nil
    let rewriter = try StoreRewriter(creating: output, run: run)
    do {
      for store in stores { try rewriter.add(store) }
      return try rewriter.finish()
    } catch {
      throw rewriter.abandon(after: error)
    }
  }

  /// What a run's record calls the share of the documents that it read.
  private static let shareName = "shard"

  /// Refuses stores that are not each share of a run once: a document would be missing, or there twice.
  private static func requireEveryShare(_ stores: [ActivationStore]) throws {
    var (seen, count): ([Int: ActivationStore], Int?) = ([:], nil)
    func refuse(_ problem: String, _ store: ActivationStore, _ expected: String, _ found: String, _ advice: String)
      -> Fault
    {
      Fault(
        .badData, "store.shares", problem, file: store.url.path, expected: expected, found: found, advice: advice)
    }
    for store in stores {
      let text = store.run.settings[shareName]
      let numbers = (text ?? "").split(separator: "/").map { Int($0) }
      guard numbers.count == 2, let index = numbers[0], let all = numbers[1], index >= 0, index < all else {
        throw refuse(
          "A store is no share of a run but all of it", store, "the record of a capture with --shard I/N",
          text ?? "no share", "merge what was captured with --shard; a whole run needs no merging")
      }
      guard all == count ?? all else {
        throw refuse(
          "The stores are shares of different divisions", store, "a share of \(count ?? all)", "\(index)/\(all)",
          "merge the shares of one division")
      }
      if let other = seen[index] {
        throw refuse(
          "A share of the run is given twice", store, "each share once",
          "\(index)/\(all), which is \(other.url.lastPathComponent) too", "name each share once")
      }
      seen[index] = store
      count = all
    }
    guard let count, let first = stores.first, seen.count < count else { return }
    let missing = (0..<count).lazy.filter { seen[$0] == nil }.prefix(8).map { "\($0)/\(count)" }
    let more = count - seen.count > 8 ? " and \(count - seen.count - 8) more" : ""
    throw refuse(
      "A share of the run is missing", first, "all \(count) shares",
      "\(seen.count); missing: " + missing.joined(separator: ", ") + more,
      "capture what is missing, and name every share")
  }

  /// Refuses a store whose capture has not come to its end.
  func requireComplete(_ advice: String) throws {
    guard let unfinishedNote else { return }
    throw Fault(
      .badData, "store.incomplete", "The store is not finished", file: url.path, expected: "a finished store",
      found: unfinishedNote, advice: advice)
  }
}

extension StoreRewriter {
  /// Adds every shard of a store behind those that are there.
  fileprivate func add(_ store: ActivationStore) throws {
    let (rows, tokens, documents) = (manifest.rows, manifest.tokens, manifest.documents)
    let cursor = DocumentCursor(documents: documents)
    let quantization = try store.quantization()
    for part in store.parts {
      try addShard(cursor: cursor, quantization: quantization) { file in
        let source = try H5File(opening: part.path)
        try file.copyRows(of: part, from: source, run: run, shiftRows: rows)
        try file.copyTables(of: part, from: store, source, shiftTokens: tokens, shiftDocuments: documents)
        return try store.statistics(of: part, source).mapValues { $0.shifted(rows: rows, documents: documents) }
      }
    }
  }
}
