import Foundation

/// The memory of another process, read and written from outside, as a faulty chip would.
struct ProcessMemory {
  let process: pid_t

  /// A mapping that the process can write to.
  struct Region {
    let range: Range<UInt>
    /// The file behind it; empty for none.
    let file: String
  }

  /// The list of mappings, which comes in pieces of a page.
  private var maps: String {
    guard let file = FileHandle(forReadingAtPath: "/proc/\(process)/maps") else { return "" }
    var bytes = Data()
    while let piece = try? file.read(upToCount: 4096), !piece.isEmpty { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The writable mappings.
  var regions: [Region] {
    let text = maps
    return text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard fields.count >= 5, fields[1].hasPrefix("rw"), bounds.count == 2 else { return nil }
      let file = fields.count > 5 ? fields[5].trimmingCharacters(in: .whitespaces) : ""
      return Region(range: bounds[0]..<bounds[1], file: file)
    }
  }

  /// The addresses at which numbers lie that are about those of `values`, by a factor up to `factor`,
  /// on 64-byte boundaries of some mappings.
  func find(
    about values: [Double], within factor: Double, in isWanted: (Region) -> Bool
  ) -> [UInt] {
    let descriptor = open("/proc/\(process)/mem", O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var found: [UInt] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    let width = values.count * 8
    for region in regions where isWanted(region) {
      var start = (region.range.lowerBound + 63) / 64 * 64
      while start + UInt(width) <= region.range.upperBound {
        let size = min(UInt(piece.count), region.range.upperBound - start)
        let got = pread(descriptor, piece.baseAddress, Int(size), off_t(start))
        guard got >= width else { break }
        for offset in stride(from: 0, through: got - width, by: 64)
        where isAbout(piece, offset, values, factor) { found.append(start + UInt(offset)) }
        // Pieces overlap, so that nothing is missed between two.
        let step = (got - width) / 64 * 64 + 64
        start += UInt(step)
      }
    }
    return found
  }

  private func isAbout(
    _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int, _ values: [Double], _ factor: Double
  ) -> Bool {
    for (index, value) in values.enumerated() {
      let here = bytes.load(fromByteOffset: offset + 8 * index, as: Double.self)
      let ratio = here / value
      guard ratio >= 1 / factor, ratio <= factor else { return false }
    }
    return true
  }

  /// Flips one bit of the byte at an address; false where it cannot be reached.
  func flip(bit: UInt8, at address: UInt) -> Bool {
    let descriptor = open("/proc/\(process)/mem", O_RDWR)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    guard pread(descriptor, &byte, 1, off_t(address)) == 1 else { return false }
    byte ^= 1 << bit
    return pwrite(descriptor, &byte, 1, off_t(address)) == 1
  }
}
