extension Numbers {
  /// A file's bytes cut short, grown, shifted, or changed in up to five places.
  ///
  /// - Parameter head: the bytes at the beginning that are changed as often as all together.
  /// - Precondition: there are more than 60 bytes.
  public mutating func damaged(_ original: [UInt8], head: Int) -> [UInt8] {
    var bytes = original
    switch below(8) {
    case 0: bytes.removeLast(1 + below(bytes.count))
    case 1: bytes.append(contentsOf: (0...below(40)).map { _ in UInt8(below(256)) })
    case 2: bytes.removeFirst(1 + below(60))
    case 3: bytes.insert(UInt8(below(256)), at: below(bytes.count))
    default:
      for _ in 0...below(4) {
        let place = below(below(2) == 0 ? min(bytes.count, head) : bytes.count)
        bytes[place] =
          [0, 1, 0x39, 0x7f, 0x80, 0xff, bytes[place] ^ 1 << UInt8(below(8))][below(7)]
      }
    }
    return bytes
  }
}
