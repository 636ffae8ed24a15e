import CKernels

/// The processor that this process runs on.
public enum CPU {
  /// The name that the CPU gives itself; empty where it gives none.
  public static var name: String {
    let features = dl_cpu_probe()
    return withUnsafeBytes(of: features.name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The set of kernels in use: `avx512f`, `avx2` or `default`; results are bit-identical within
  /// one.
  public static var kernelSet: String { String(cString: dl_kernel_set()) }
}
