extension Array {
  /// Consecutive elements together, as many as have about so many tokens and are at most so many; at least one each.
  func batches(of tokens: Int, atMost most: Int = .max, length: (Element) -> Int) -> [ArraySlice<Element>] {
    var (batches, start, count) = ([ArraySlice<Element>](), startIndex, 0)
    for index in indices {
      let own = length(self[index])
      if index > start, count + own > tokens || index - start == most {
        batches.append(self[start..<index])
        (start, count) = (index, 0)
      }
      count += own
    }
    return start < endIndex ? batches + [self[start...]] : batches
  }
}
