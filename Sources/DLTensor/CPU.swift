import CKernels

/// The processor that this process runs on.
package enum CPU {
  /// The name that the CPU gives itself; empty where it gives none.
  package static var name: String {
    let features = dl_cpu_probe()
    return withUnsafeBytes(of: features.name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// The versions of the kernels in use: `avx512`, `avx2` or `portable`, the highest that the CPU
  /// has unless the environment's `DLTRAIN_CPU` names a lower one.
  package static var kernelSet: String { String(cString: dl_kernel_set()) }

  /// The way in which products of bfloat16 are carried out, and what they bring; for a line for people.
  package static var bfloat16: String {
    switch dl_cpu_bfloat16() {
    case DL_BFLOAT16_TILES: "bfloat16: products by AMX's tiles, faster than float32"
    case DL_BFLOAT16_PAIRS: "bfloat16: products by AVX512_BF16, faster than float32"
    default:
      "bfloat16: neither AMX nor AVX512_BF16 here, products are widened to float32: slower than "
        + "precision: float32, with the same bits as there"
    }
  }
}
