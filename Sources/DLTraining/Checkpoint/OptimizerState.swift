import DLFormats
import DLLayers
import DLOptimizers
import DLTensor
import Glibc

/// The optimizer's state: for each of its names one flat array laid out like the parameter arena.
final class OptimizerState {
  /// PyTorch's keys, such as `momentum_buffer`.
  let names: [String]
  /// One array per name.
  let pointers: [UnsafeMutableRawPointer]

  private let arena: ParameterArena
  private let context: Context

  init(_ optimizer: any Optimizer, arena: ParameterArena, context: Context) throws {
    self.arena = arena
    self.context = context
    names = optimizer.stateNames
    let byteCount = max(arena.count * arena.dtype.byteCount, 64)
    var taken: [UnsafeMutableRawPointer] = []
    for _ in names {
      var pointer: UnsafeMutableRawPointer?
      guard posix_memalign(&pointer, 64, byteCount) == 0, let pointer else {
        for earlier in taken { free(earlier) }
        throw TensorError(
          op: "optimizer", "no memory for \(byteCount) bytes of state", exitCode: .fault)
      }
      memset(pointer, 0, byteCount)
      taken.append(pointer)
    }
    pointers = taken
  }

  deinit { for pointer in pointers { free(pointer) } }

  /// The whole arena with its state, to update.
  var slice: ArenaSlice {
    ArenaSlice(
      dtype: arena.dtype, count: arena.count, parameters: arena.values,
      gradients: arena.gradients,
      state: StatePointers(
        pointers.count > 0 ? pointers[0] : nil, pointers.count > 1 ? pointers[1] : nil,
        pointers.count > 2 ? pointers[2] : nil))
  }

  /// The state per parameter, named `optimizer.STATE.PARAMETER`, in the layouts of the parameters'
  /// files.
  func entries() throws -> [StateDict.Entry] {
    zip(names, pointers).flatMap { state, pointer in
      zip(arena.parameters, arena.offsets).map { parameter, offset in
        StateDict.Entry(
          name: OptimizerState.prefix + state + "." + parameter.name,
          fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
          tensor: Tensor(
            borrowing: pointer + offset * arena.dtype.byteCount, shape: parameter.shape,
            dtype: arena.dtype, owner: self, context: context))
      }
    }
  }

  /// The first part of the name of every tensor of optimizer state in a checkpoint.
  static let prefix = "optimizer."
}
