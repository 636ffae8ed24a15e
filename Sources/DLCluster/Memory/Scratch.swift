/// Memory that grows to the largest request and is then reused.
final class Scratch {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// At least `bytes` bytes, 64-byte aligned; what was there before is lost when it grows.
  func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
    if bytes > memory.count || memory.baseAddress == nil {
      memory.deallocate()
      memory = .allocate(byteCount: max(bytes, 4096), alignment: 64)
    }
    return memory.baseAddress!
  }

  deinit { memory.deallocate() }
}

/// A fixed table of values that C functions take as a plain array.
final class Table<Element: BitwiseCopyable> {
  let values: UnsafeMutableBufferPointer<Element>
  var base: UnsafeMutablePointer<Element> { values.baseAddress! }

  init(_ count: Int, _ value: Element) {
    values = .allocate(capacity: max(count, 1))
    values.initialize(repeating: value)
  }

  deinit { values.deallocate() }

  subscript(_ index: Int) -> Element {
    get { values[index] }
    set { values[index] = newValue }
  }
}
