import DLFormats
import DLLayers
import DLOptimizers
import DLTensor
import Glibc

/// The state of an optimizer over a run of parameters: for each of its names one flat array, laid
/// out like their part of the parameter arena.
final class OptimizerState {
  /// PyTorch's keys, such as `momentum_buffer`.
  let names: [String]
  /// One array per name.
  let pointers: [UnsafeMutableRawPointer]

  private let arena: ParameterArena
  private let parameters: Range<Int>
  private let elements: Range<Int>
  private let context: Context

  init(
    _ names: [String], arena: ParameterArena, parameters: Range<Int>, context: Context
  ) throws {
    self.arena = arena
    self.parameters = parameters
    self.context = context
    elements = arena.elements(of: parameters)
    self.names = names
    let byteCount = max(elements.count * arena.dtype.byteCount, 64)
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

  /// The parameters with their gradients and state, to update.
  var slice: ArenaSlice {
    let start = elements.lowerBound * arena.dtype.byteCount
    return ArenaSlice(
      dtype: arena.dtype, count: elements.count, parameters: arena.values + start,
      gradients: arena.gradients + start,
      state: StatePointers(
        pointers.count > 0 ? pointers[0] : nil, pointers.count > 1 ? pointers[1] : nil,
        pointers.count > 2 ? pointers[2] : nil))
  }

  /// The state per parameter, named `optimizer.STATE.PARAMETER`, in the layouts of the parameters'
  /// files.
  func entries() throws -> [StateDict.Entry] {
    zip(names, pointers).flatMap { entries($0, $1, owner: self) }
  }

  /// The same of other vectors over the same parameters.
  func entries(_ vectors: [(name: String, vector: ArenaVector)]) throws -> [StateDict.Entry] {
    vectors.flatMap { entries($0.name, $0.vector.pointer, owner: $0.vector) }
  }

  private func entries(
    _ state: String, _ pointer: UnsafeMutableRawPointer, owner: AnyObject
  ) -> [StateDict.Entry] {
    parameters.map { index in
      let parameter = arena.parameters[index]
      let offset = arena.offsets[index] - elements.lowerBound
      return StateDict.Entry(
        name: OptimizerState.prefix + state + "." + parameter.name,
        fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
        tensor: Tensor(
          borrowing: pointer + offset * arena.dtype.byteCount, shape: parameter.shape,
          dtype: arena.dtype, owner: owner, context: context))
    }
  }

  /// The first part of the name of every tensor of optimizer state in a checkpoint.
  static let prefix = "optimizer."
}
