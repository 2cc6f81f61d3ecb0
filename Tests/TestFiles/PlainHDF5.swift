import CHDF5
import HDF5

/// HDF5 as any other program uses it, without what the house's own reader refuses: virtual datasets are followed.
package enum PlainHDF5 {
  package struct Failed: Error {}

  /// A dataset of numbers, whatever their type.
  package static func numbers(_ name: String, in path: String) throws -> (shape: [Int], values: [Double]) {
    try H5Library.locked {
      let file = H5Fopen(path, unfold_h5f_read_only(), unfold_h5p_default())
      guard file >= 0 else { throw Failed() }
      defer { H5Fclose(file) }
      let dataset = H5Dopen2(file, name, unfold_h5p_default())
      guard dataset >= 0 else { throw Failed() }
      defer { H5Dclose(dataset) }
      let space = H5Dget_space(dataset)
      defer { H5Sclose(space) }
      var lengths = [hsize_t](repeating: 0, count: 32)
      let rank = H5Sget_simple_extent_dims(space, &lengths, nil)
      let shape = lengths.prefix(Int(rank)).map { Int($0) }
      var values = [Double](repeating: 0, count: shape.reduce(1, *))
      guard
        H5Dread(
          dataset, unfold_h5t_float64(), unfold_h5s_all(), unfold_h5s_all(), unfold_h5p_default(), &values) >= 0
      else { throw Failed() }
      return (shape, values)
    }
  }
}
