import Diagnostics
import HDF5
import LinearAlgebra

/// Which rows of the store the rows of a routed site are, in one file: `/rows/<hook name>`.
struct RoutedRows {
  /// Ascending, counted over the whole store.
  let numbers: [Int64]

  /// Reads them and holds them against the file: as many as activations, ascending, within the file's rows.
  ///
  /// - Returns: nil for a site that has every row.
  init?(_ site: StoredSite, of part: ActivationStore.Part, _ file: borrowing H5File) throws {
    guard site.isRouted else { return nil }
    let dataset = try file.dataset("rows/\(site.name)")
    numbers = try dataset.read(as: Int64.self)
    let count = part.count(of: site)
    let place = dataset.path
    let name = file.file
    func damaged(_ expected: String, _ found: String) -> Fault {
      Fault(
        .badData, "store.routedRows", "The row numbers of an expert's tokens do not add up", file: name, place: place,
        expected: expected, found: found, advice: "restore the file from a copy, or capture again")
    }
    guard numbers.count == count else {
      throw damaged("\(count), as many as activations", "\(numbers.count)")
    }
    if let first = numbers.first, let last = numbers.last,
      first < Int64(part.rows.lowerBound) || last >= Int64(part.rows.upperBound)
    {
      throw damaged("rows within \(part.rows)", "\(first) to \(last)")
    }
    if let place = numbers.indices.dropFirst().first(where: { numbers[$0] <= numbers[$0 - 1] }) {
      throw damaged("ascending numbers", "\(numbers[place]) behind \(numbers[place - 1])")
    }
  }

  /// Where the rows of a stretch of the store lie in the file's dataset.
  func places(of rows: Range<Int>) -> Range<Int> {
    numbers.lowerBound(rows.lowerBound)..<numbers.lowerBound(rows.upperBound)
  }

  func rows(_ places: Range<Int>) -> [Int] { numbers[places].map { Int($0) } }
}

extension ActivationStore {
  /// Those of some rows that a site has, ascending, and their values: [rows, width]. Of an expert's site the rows of the
  /// tokens routed there; of others all.
  public func readRouted(_ site: String, rows: some Collection<Int>) throws -> (rows: [Int], values: Matrix) {
    let wanted = try self.site(named: site)
    let sorted = Set(rows).sorted()
    guard wanted.isRouted else { return (sorted, try read(site, rows: sorted)) }
    var found: [Int] = []
    var elements: [Float] = []
    var next = 0
    for part in parts where next < sorted.count && sorted[next] < part.rows.upperBound {
      let end = sorted.lowerBound(part.rows.upperBound)
      let own = sorted[next..<end]
      next = end
      let file = try H5File(opening: part.path)
      guard let routed = try RoutedRows(wanted, of: part, file) else { continue }
      let reader = try SiteReader(wanted, file)
      for row in own {
        let place = routed.numbers.lowerBound(row)
        guard place < routed.numbers.count, Int(routed.numbers[place]) == row else { continue }
        found.append(row)
        elements += try reader.read(place..<place + 1).elements
      }
    }
    return (found, Matrix(rows: found.count, columns: wanted.width, elements: elements))
  }

  /// Read from the files' row numbers alone.
  public func routedRows(of site: String) throws -> [Int]? {
    let wanted = try self.site(named: site)
    guard wanted.isRouted else { return nil }
    var rows: [Int] = []
    for part in parts where !part.rows.isEmpty {
      rows += try RoutedRows(wanted, of: part, H5File(opening: part.path))?.numbers.map { Int($0) } ?? []
    }
    return rows
  }
}
