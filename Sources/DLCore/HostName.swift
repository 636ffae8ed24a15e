import Glibc

/// The name of this host.
package func hostName() -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let base = buffer.baseAddress, gethostname(base, buffer.count - 1) == 0 else { return "" }
    buffer[buffer.count - 1] = 0
    return String(cString: base)
  }
}
