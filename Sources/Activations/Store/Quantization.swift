import HDF5

/// How a site's bytes become numbers again: value = offset + scale · byte, column by column.
struct Quantization: Sendable, Equatable {
  /// [width] each.
  var scale: [Float]
  var offset: [Float]
}

extension [String: Quantization] {
  /// Writes `/quantization/<hook name>/{scale,offset}`; nothing where there is none.
  func write(in file: borrowing H5File?) throws {
    if isEmpty { return }
    guard let group = try file?.makeGroup("quantization") else { return }
    for (name, columns) in self.sorted(by: { $0.key < $1.key }) {
      let site = try group.makeGroup(name)
      try site.write(columns.scale, as: "scale")
      try site.write(columns.offset, as: "offset")
      try site.close()
    }
    try group.close()
  }
}

extension Quantization {
  init(reading file: borrowing H5File, site: String) throws {
    scale = try file.dataset("quantization/\(site)/scale").read(as: Float.self)
    offset = try file.dataset("quantization/\(site)/offset").read(as: Float.self)
  }
}
