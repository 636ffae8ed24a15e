/// The copy of a strided view into row-major order.
struct StridedCopy {
  private let shape: [Int]
  private let strides: [Int]
  private let width: Int
  /// The bytes of the storage from the first element to the last; empty for a view of nothing.
  let span: Range<Int>

  /// Describes the view of a tensor with elements of so many bytes.
  init(_ tensor: PickledTensor, width: Int) {
    // Axes of one element lie anywhere.
    let axes = zip(tensor.shape, tensor.strides).filter { $0.0 != 1 }
    shape = axes.map(\.0)
    strides = axes.map(\.1)
    self.width = width
    let last = axes.reduce(tensor.offset) { $0 + ($1.0 - 1) * $1.1 }
    let start = tensor.offset * width
    span = shape.contains(0) ? start..<start : start..<(last + 1) * width
  }

  /// True if the elements lie as they are to be.
  var isContiguous: Bool {
    var expected = 1
    for (size, stride) in zip(shape, strides).reversed() {
      guard stride == expected else { return false }
      expected *= size
    }
    return true
  }

  /// Copies the elements of a span to where they are to be.
  func copy(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    switch width {
    case 1: copy(source, target, UInt8.self)
    case 2: copy(source, target, UInt16.self)
    case 4: copy(source, target, UInt32.self)
    default: copy(source, target, UInt64.self)
    }
  }

  private func copy<T: BitwiseCopyable>(
    _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, _: T.Type
  ) {
    guard let source = source.baseAddress?.assumingMemoryBound(to: T.self),
      let target = target.baseAddress?.assumingMemoryBound(to: T.self), let row = shape.last,
      let step = strides.last
    else { return }
    var index = [Int](repeating: 0, count: shape.count - 1)
    var (start, place) = (0, 0)
    while true {
      for column in 0..<row { target[place + column] = source[start + column * step] }
      place += row
      var axis = index.count - 1
      while axis >= 0 {
        index[axis] += 1
        start += strides[axis]
        if index[axis] < shape[axis] { break }
        start -= shape[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
