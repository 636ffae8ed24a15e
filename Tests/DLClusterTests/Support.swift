import DLCluster

/// Values whose magnitudes span 40 binary orders, so that another order of summation shows.
func value(_ rank: Int, _ index: Int) -> Float {
  var x = UInt64(truncatingIfNeeded: rank &* 1_000_003 &+ index) &* 0x9e37_79b9_7f4a_7c15
  x ^= x >> 29
  x = x &* 0xbf58_476d_1ce4_e5b9
  x ^= x >> 32
  let mantissa = Float(Int64(x & 0xffffff) - 0x800000) / Float(0x800000)
  let exponent = Float(sign: .plus, exponent: Int((x >> 40) % 41) - 20, significand: 1)
  return mantissa * exponent
}

/// The sum over ranks of element `index`, by recursion over halves at powers of two.
func expected<T: BinaryFloatingPoint>(_ values: ArraySlice<T>) -> T {
  if values.count == 1 { return values.first! }
  var left = 1
  while left * 2 < values.count { left *= 2 }
  return expected(values.prefix(left)) + expected(values.dropFirst(left))
}

func expectedBits(_ ranks: Int, _ count: Int) -> [UInt32] {
  (0..<count).map { index in
    expected((0..<ranks).map { value($0, index) }[...]).bitPattern
  }
}

func expectedBits64(_ ranks: Int, _ count: Int) -> [UInt64] {
  (0..<count).map { index in
    expected((0..<ranks).map { Double(value($0, index)) / 3 }[...]).bitPattern
  }
}
