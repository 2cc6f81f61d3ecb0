import CHDF5
import Diagnostics

/// A file or group: a place with named members.
public protocol H5Location: H5Object, ~Copyable {}

/// An open group.
public struct H5Group: ~Copyable, H5Location {
  public let file: String
  public let path: String
  public var handle: Int64 { identifier.raw }
  private let identifier: H5Identifier

  init(_ identifier: consuming H5Identifier, file: String, path: String) {
    self.identifier = identifier
    self.file = file
    self.path = path
  }

  public consuming func close() throws {
    let (file, path) = (file, path)
    try identifier.close("closing \(path)", file: file, writing: true)
  }
}

/// What a member of a group is.
public enum H5MemberKind: Sendable, Hashable { case group, dataset, other }

extension H5Location where Self: ~Copyable {
  /// Makes a group.
  public func makeGroup(_ name: String) throws -> H5Group {
    let place = path(of: name)
    return try H5Library.locked {
      let creation = try propertyList(unfold_h5p_group_create())
      try H5Library.check(H5Pset_obj_track_times(creation.raw, false), "making \(place)", file: file, writing: true)
      try H5Library.check(
        H5Pset_link_creation_order(creation.raw, H5File.order), "making \(place)", file: file, writing: true)
      let id = try H5Identifier(
        H5Gcreate2(handle, name, unfold_h5p_default(), creation.raw, unfold_h5p_default()), .group, "making \(place)",
        file: file, writing: true)
      return H5Group(id, file: file, path: place)
    }
  }

  /// Opens a group of this file. `name` may have several parts, divided by `/`.
  public func group(_ name: String) throws -> H5Group {
    let place = path(of: name)
    return try H5Library.locked {
      try refuseForeignLinks(name)
      let id = try H5Identifier(
        H5Gopen2(handle, name, unfold_h5p_default()), .group, "opening \(place)", file: file)
      try refuseOtherFile(id.raw, place)
      return H5Group(id, file: file, path: place)
    }
  }

  /// Whether there is a member of that name, which may have several parts.
  public func contains(_ name: String) -> Bool {
    H5Library.locked {
      var prefix = ""
      for part in name.split(separator: "/") {
        guard (try? checkIndexes(of: prefix)) != nil else { return false }
        prefix += prefix.isEmpty ? String(part) : "/\(part)"
        if H5Lexists(handle, prefix, unfold_h5p_default()) <= 0 { return false }
      }
      return true
    }
  }

  /// The names of the members, in the order they were made where the group knows it, otherwise by bytes.
  public func members() throws -> [String] {
    try H5Library.locked {
      try checkIndexes(of: "")
      var info = H5G_info_t()
      try H5Library.check(H5Gget_info(handle, &info), "listing \(path)", file: file)
      guard info.nlinks <= 1 << 24 else {
        throw Fault(
          .badData, "hdf5.tooManyMembers", "A group has too many members", file: file, place: path,
          expected: "at most \(1 << 24)", found: "\(info.nlinks)",
          advice: "restore the file from a copy, or make it again")
      }
      var index = H5_INDEX_CRT_ORDER
      if info.nlinks > 0, H5Lget_name_by_idx(handle, ".", index, H5_ITER_INC, 0, nil, 0, unfold_h5p_default()) < 0 {
        index = H5_INDEX_NAME
      }
      return try (0..<info.nlinks).map { number in
        let length = try H5Library.check(
          H5Lget_name_by_idx(handle, ".", index, H5_ITER_INC, number, nil, 0, unfold_h5p_default()), "listing \(path)",
          file: file)
        var bytes = [CChar](repeating: 0, count: length + 1)
        try H5Library.check(
          H5Lget_name_by_idx(handle, ".", index, H5_ITER_INC, number, &bytes, bytes.count, unfold_h5p_default()),
          "listing \(path)", file: file)
        return String(decoding: bytes.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    }
  }

  /// What a member is; a link out of the file is `other` and not followed.
  public func kind(of name: String) throws -> H5MemberKind {
    try H5Library.locked {
      var link = H5L_info_t()
      try H5Library.check(H5Lget_info(handle, name, &link, unfold_h5p_default()), "looking at \(name)", file: file)
      guard link.type == H5L_TYPE_HARD else { return .other }
      let object = H5Oopen(handle, name, unfold_h5p_default())
      try H5Library.check(object, "looking at \(name)", file: file)
      defer { H5Oclose(object) }
      switch H5Iget_type(object) {
      case H5I_GROUP: return .group
      case H5I_DATASET: return .dataset
      default: return .other
      }
    }
  }

  func path(of name: String) -> String {
    name.hasPrefix("/") ? name : path == "/" ? "/\(name)" : "\(path)/\(name)"
  }

  /// Refuses a path that leads out of the file by an external link: a foreign file could read any other of the disk.
  func refuseForeignLinks(_ name: String) throws {
    var prefix = name.hasPrefix("/") ? "/" : ""
    for part in name.split(separator: "/") {
      try checkIndexes(of: prefix)
      prefix += prefix.isEmpty || prefix == "/" ? String(part) : "/\(part)"
      var link = H5L_info_t()
      guard H5Lget_info(handle, prefix, &link, unfold_h5p_default()) >= 0 else {
        throw Fault(
          .badData, "hdf5.missing", "The file has no such member", file: file, place: path(of: name),
          expected: path(of: prefix), found: "nothing of that name",
          advice: "restore the file from a copy, or make it again")
      }
      if link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT {
        throw foreign(path(of: prefix), "an external link")
      }
    }
  }

  /// Checks how a group's members are indexed, before HDF5 looks for one. A file that is being written is our own, and not all
  /// of it is on the disk.
  private func checkIndexes(of group: String) throws {
    let owner = H5Iget_file_id(handle)
    defer { H5Fclose(owner) }
    var intent: UInt32 = 0
    // H5F_ACC_RDWR
    guard H5Fget_intent(owner, &intent) >= 0, intent & 1 == 0 else { return }
    var address: UInt64 = 0
    let name = group.isEmpty ? "." : group
    try H5Library.check(unfold_h5o_address(handle, name, &address), "looking at \(path(of: group))", file: file)
    _ = try ObjectHeader(FileBytes(file), at: address, path(of: group))
  }

  /// Refuses an object that a chain of links found in another file.
  func refuseOtherFile(_ object: hid_t, _ place: String) throws {
    func fileName(_ id: hid_t) throws -> [CChar] {
      let length = try H5Library.check(H5Fget_name(id, nil, 0), "looking at \(place)", file: file)
      var bytes = [CChar](repeating: 0, count: length + 1)
      try H5Library.check(H5Fget_name(id, &bytes, bytes.count), "looking at \(place)", file: file)
      return bytes
    }
    if try fileName(object) != fileName(handle) { throw foreign(place, "a link into another file") }
  }

  func foreign(_ place: String, _ found: String) -> Fault {
    Fault(
      .badData, "hdf5.foreignStorage", "A dataset's content lies outside its own file", file: file, place: place,
      expected: "data in the file itself", found: found,
      advice: "copy the data into one file with h5repack, if you trust where they come from")
  }
}
