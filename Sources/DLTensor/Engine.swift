import CKernels
import COpenBLAS
import Synchronization

/// The code that carries out matrix products and convolutions.
///
/// One for the whole process, as the threads of a BLAS are.
package enum Engine: String, Sendable, CaseIterable {
  /// The kernels of this package: the same bits on every kind of CPU.
  case native
  /// OpenBLAS, with windows of convolutions written out for it: bits depend on its kernels for a CPU.
  case blas

  /// The version of the native engine's arithmetic: results of one version are the same to the bit.
  package static let contract = 5

  private static let selected = Atomic<Bool>(true)

  /// The one in use.
  package static var current: Engine { selected.load(ordering: .relaxed) ? .native : .blas }

  /// Takes this engine from now on, with one thread per call: cores are used by ranks, and results
  /// must not depend on a thread count.
  package func select() {
    openblas_set_num_threads(1)
    Engine.selected.store(self == .native, ordering: .relaxed)
  }

  /// The name in a line for people, such as `avx2 kernels`.
  package var name: String {
    switch self {
    case .native: "\(CPU.kernelSet) kernels"
    case .blas: "OpenBLAS \(BLAS.core)"
    }
  }

  /// The text that results depend on besides the configuration, for comparing processes and runs.
  package var fingerprint: String {
    switch self {
    case .native: "native \(Engine.contract)"
    case .blas: "OpenBLAS \(BLAS.core), \(CPU.kernelSet)"
    }
  }
}
