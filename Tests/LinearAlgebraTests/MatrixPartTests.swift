import LinearAlgebra
import Testing

@Suite struct MatrixPartTests {
  private let matrix = Matrix(rows: 2, columns: 4, elements: [0, 1, 2, 3, 4, 5, 6, 7])

  @Test func columnsAreTakenApartAndPutTogether() {
    let parts = matrix.splitColumns([1, 3])
    #expect(parts.map(\.elements) == [[0, 4], [1, 2, 3, 5, 6, 7]])
    #expect(Matrix(sideBySide: parts) == matrix)
    #expect(matrix.selectingColumns([3, 0, 3]).elements == [3, 0, 3, 7, 4, 7])
    #expect(matrix.selectingColumns(1..<1).columns == 0)
  }

  @Test func rowsGetNormOneAndMeanZero() {
    let rows = Matrix(rows: 3, columns: 2, elements: [3, 4, 0, 0, 0, -2])
    #expect(rows.rowNorms == [5, 0, 2])
    // 1/5 has no exact float.
    for (own, other) in zip(rows.withUnitRows.elements, [0.6, 0.8, 0, 0, 0, -1] as [Float]) {
      #expect(abs(own - other) < 1e-6)
    }
    #expect(matrix.centred.elements == [-2, -2, -2, -2, 2, 2, 2, 2])
  }
}
