import CKernels
import Glibc
import Testing

/// Values that end where a page begins that cannot be read or written: what goes beyond them crashes.
final class GuardedBuffer {
  let type: Element
  let count: Int
  let pointer: UnsafeMutableRawPointer
  private let mapping: UnsafeMutableRawPointer
  private let length: Int

  init(_ type: Element, _ values: [Double]) throws {
    self.type = type
    count = values.count
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = values.count * type.size
    let readable = (bytes + page - 1) / page * page
    length = readable + page
    let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    mapping = try #require(memory != MAP_FAILED ? memory : nil)
    try #require(mprotect(mapping + readable, page, PROT_NONE) == 0)
    pointer = mapping + (readable - bytes)
    for (i, value) in values.enumerated() { set(i, value) }
  }

  deinit { munmap(mapping, length) }

  func set(_ index: Int, _ value: Double) {
    switch type {
    case .f32: pointer.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
    case .f64: pointer.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
    }
  }

  var values: [Double] {
    (0..<count).map { i in
      type == .f32
        ? Double(pointer.load(fromByteOffset: 4 * i, as: Float.self))
        : pointer.load(fromByteOffset: 8 * i, as: Double.self)
    }
  }
}

/// The versions of kernels that this CPU can run.
func cpuLevels() -> [dl_cpu_level_t] {
  [DL_CPU_PORTABLE, DL_CPU_AVX2, DL_CPU_AVX512].filter { level in
    defer { dl_cpu_use(DL_CPU_AMX) }
    return dl_cpu_use(level) == level
  }
}
