import DLCluster
import DLTensor
import Glibc

/// The memory of a model: parameters and their gradients as views into two flat arrays in canonical
/// order, buffers in a third.
///
/// Flat arrays let the reduction, the optimizer and the checks work on ranges without knowing a
/// layer. Each parameter starts on a 64-byte boundary; the gaps hold zeros in both arrays and stay
/// zero under every optimizer.
public final class ParameterArena {
  /// The parameters in canonical order: that of their declaration, depth first.
  public let parameters: [Parameter]
  /// The buffers in canonical order.
  package let buffers: [Buffer]
  /// Names beyond the first of parameters that several modules share, with the shared parameter.
  package let tiedNames: [(name: String, parameter: Parameter)]
  /// Names beyond the first of buffers that several modules share, with the shared buffer.
  package let tiedBufferNames: [(name: String, buffer: Buffer)]
  /// All modules of the model, parents before children.
  package let modules: [Module]
  /// Elements in each of the two arrays, gaps included.
  package let count: Int
  /// The first parameter's first element.
  package var values: UnsafeMutableRawPointer { exchange.values }
  /// The first gradient's first element.
  package var gradients: UnsafeMutableRawPointer { exchange.gradients }
  /// The memory of the two arrays, and what the ranks do with it in a step.
  package private(set) var exchange: any GradientReducer
  /// The first buffer's first byte.
  package let bufferBytes: UnsafeMutableRawBufferPointer
  /// The element type of parameters and gradients.
  package let dtype: DType
  /// The first element of each parameter, in the order of ``parameters``.
  package let offsets: [Int]

  private let bufferMemory: ArenaMemory
  private let context: Context

  /// Finds the parameters and buffers of `model` by reflection, gives them memory, and initializes
  /// them.
  ///
  /// - Throws: ``TensorError`` when there is no memory, or two parameters have one name.
  public init(_ model: Module, context: Context) throws {
    var finder = ParameterFinder()
    finder.visit(model, path: "")
    parameters = finder.parameters
    buffers = finder.buffers
    tiedNames = finder.tied
    tiedBufferNames = finder.tiedBuffers
    modules = finder.modules
    var names: Set<String> = []
    for name in parameters.map(\.name) + buffers.map(\.name) where !names.insert(name).inserted {
      throw TensorError(op: "parameters", "two have the name \(name); rename a property")
    }
    let dtype = context.precision
    self.dtype = dtype
    let ends = try ParameterArena.layOut(parameters.map { ($0.name, $0.shape, dtype) })
      .map { $0 / dtype.byteCount }
    offsets = Array(ends.dropLast())
    count = ends.last ?? 0
    let bufferOffsets = try ParameterArena.layOut(
      buffers.map { ($0.name, $0.shape, $0.dtype ?? dtype) })
    exchange = try ReplicatedReducer(context.communicator, byteCount: count * dtype.byteCount)
    bufferMemory = try ArenaMemory(byteCount: bufferOffsets.last ?? 0)
    self.context = context
    bufferBytes = UnsafeMutableRawBufferPointer(
      start: bufferMemory.pointer, count: bufferOffsets.last ?? 0)

    bindParameters()
    for (buffer, offset) in zip(buffers, bufferOffsets) {
      buffer.tensor = Tensor(
        borrowing: bufferMemory.pointer + offset, shape: buffer.shape,
        dtype: buffer.dtype ?? context.precision, owner: bufferMemory, context: context)
    }
    initialize(seed: context.seed)
  }

  /// The elements of all parameters, gaps left out.
  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }

  /// Moves the parameters into other memory, of as many bytes; collective over those who share it.
  ///
  /// - Throws: an error of the exchange between the ranks.
  package func move(to exchange: any GradientReducer) throws {
    if exchange.writesValues {
      exchange.values.copyMemory(from: values, byteCount: count * dtype.byteCount)
    }
    self.exchange = exchange
    bindParameters()
    try exchange.synchronize()
  }

  private func bindParameters() {
    for (parameter, offset) in zip(parameters, offsets) {
      let bytes = offset * dtype.byteCount
      let tensor = Tensor(
        borrowing: values + bytes, shape: parameter.shape, dtype: dtype, owner: exchange,
        context: context)
      tensor.bindGradient(
        Tensor(
          borrowing: gradients + bytes, shape: parameter.shape, dtype: dtype, owner: exchange,
          context: context))
      parameter.tensor = tensor
      if parameter.isFrozen { parameter.requiresGradient = false }
    }
  }

  /// Starts every parameter and buffer anew, from streams keyed by the seed and the parameter's
  /// name.
  package func initialize(seed: UInt64) {
    let key = RandomKey(seed).child("initialise")
    for parameter in parameters {
      var stream = RandomStream(key.child(parameter.name))
      let weight = Initializer.Weight(shape: parameter.shape, layout: parameter.layout)
      parameter.tensor?.assign(parameter.initializer.values(weight, &stream))
    }
    if let base = bufferBytes.baseAddress { memset(base, 0, bufferBytes.count) }
    for buffer in buffers where buffer.initialValue != 0 {
      buffer.tensor?.assign([Double](repeating: buffer.initialValue, count: buffer.shape.count))
    }
  }

  /// Starts a step: the first gradient that reaches a parameter overwrites the last step's.
  package func resetGradients() {
    for parameter in parameters { parameter.tensor?.resetGradient() }
  }

  /// The elements of the two arrays that a run of parameters takes, gaps behind them included.
  package func elements(of range: Range<Int>) -> Range<Int> {
    func start(_ index: Int) -> Int { index < offsets.count ? offsets[index] : count }
    return start(range.lowerBound)..<start(range.upperBound)
  }

  /// Zeroes the gradients of parameters that this step's backward did not reach, as on a rank
  /// without rows.
  package func completeGradients() {
    for case let tensor? in parameters.lazy.map(\.tensor) where !tensor.isGradientWritten {
      if let gradient = tensor.gradient { memset(gradient.pointer, 0, gradient.byteCount) }
    }
  }

  /// Watches the gradients of a run of parameters; see `GradientWatch`.
  ///
  /// - Parameters:
  ///   - frozen: those whose gradients are to be zero whatever reaches them.
  ///   - complete: takes the index of each parameter whose gradient is complete: zeros where nothing
  ///     reached it.
  package func watch(
    _ range: Range<Int>, frozen: Set<Int>, complete: @escaping (Int) throws -> Void
  ) -> GradientWatch {
    let tensors = parameters[range].compactMap(\.tensor)
    return GradientWatch(tensors, first: range.lowerBound) { [unowned self] index in
      let parameter = parameters[index]
      if let tensor = parameter.tensor, let gradient = tensor.gradient,
        !tensor.isGradientWritten || frozen.contains(index)
      {
        memset(gradient.pointer, 0, gradient.byteCount)
      }
      try complete(index)
    }
  }

  /// The parameter that holds element `index` of the arrays; nil in a gap past the last parameter.
  package func parameter(at index: Int) -> Parameter? {
    offsets.lastIndex { $0 <= index }.map { parameters[$0] }
  }

  /// The first byte of each tensor, on a 64-byte boundary, and at last the end of them all.
  private static func layOut(_ tensors: [(name: String, shape: Shape, dtype: DType)]) throws
    -> [Int]
  {
    var offsets = [0]
    var end = 0
    for (name, shape, dtype) in tensors {
      let (bytes, overflow) = shape.count.multipliedReportingOverflow(by: dtype.byteCount)
      guard !overflow, bytes <= Int.max / 2 - end else {
        throw TensorError(
          op: "parameters", "no memory for shape \(shape); use a smaller model", path: name,
          exitCode: .fault)
      }
      end += (bytes + 63) / 64 * 64
      offsets.append(end)
    }
    return offsets
  }
}

/// Zeroed, 64-byte aligned memory that lives as long as its last tensor.
private final class ArenaMemory {
  let pointer: UnsafeMutableRawPointer

  init(byteCount: Int) throws {
    var pointer: UnsafeMutableRawPointer?
    let size = max(byteCount, 64)
    guard posix_memalign(&pointer, 64, size) == 0, let pointer else {
      throw TensorError(
        op: "parameters", "no memory for \(byteCount) bytes; use a smaller model", exitCode: .fault)
    }
    memset(pointer, 0, size)
    self.pointer = pointer
  }

  deinit { free(pointer) }
}

extension Module {
  /// The parameters of this module and all below it, in canonical order.
  ///
  /// Counterpart: `torch.nn.Module.parameters`.
  public func parameters() -> [Parameter] {
    var finder = ParameterFinder(namesWhatItFinds: false)
    finder.visit(self, path: path)
    return finder.parameters
  }

  /// This module and all within it, each once, the outer ones first.
  public func modules() -> [Module] {
    var finder = ParameterFinder(namesWhatItFinds: false)
    finder.visit(self, path: path)
    return finder.modules
  }

  /// The parameters of this module and all below it with their paths from here, in canonical order.
  ///
  /// Counterpart: `torch.nn.Module.named_parameters`.
  func namedParameters() -> [(name: String, parameter: Parameter)] {
    var finder = ParameterFinder(namesWhatItFinds: false)
    finder.visit(self, path: "")
    return Array(zip(finder.paths, finder.parameters))
  }

  /// The names and shapes under which files hold the parameters and buffers of this module and all
  /// below it: parameters in canonical order, their further names, buffers.
  ///
  /// Needs no memory for them. Counterpart: the names of `torch.nn.Module.state_dict`.
  package func stateShapes() -> [(name: String, shape: Shape)] {
    var finder = ParameterFinder(namesWhatItFinds: false)
    finder.visit(self, path: "")
    return zip(finder.paths, finder.parameters).map { ($0, $1.fileShape) }
      + finder.tied.map { ($0.name, $0.parameter.fileShape) }
      + zip(finder.bufferPaths, finder.buffers).map { ($0, $1.shape) }
  }
}

/// Walks a model's properties; the first path to a parameter names it, later ones are ties.
private struct ParameterFinder {
  var parameters: [Parameter] = []
  var paths: [String] = []
  var buffers: [Buffer] = []
  var bufferPaths: [String] = []
  var tied: [(name: String, parameter: Parameter)] = []
  var tiedBuffers: [(name: String, buffer: Buffer)] = []
  var modules: [Module] = []
  private var seen: Set<ObjectIdentifier> = []
  private let namesWhatItFinds: Bool

  init(namesWhatItFinds: Bool = true) { self.namesWhatItFinds = namesWhatItFinds }

  mutating func visit(_ module: Module, path: String) {
    if seen.insert(ObjectIdentifier(module)).inserted {
      if namesWhatItFinds { module.path = path }
      modules.append(module)
    }
    for (name, value) in module.children {
      visit(value: value, path: path.isEmpty ? name : "\(path).\(name)")
    }
  }

  private mutating func visit(value: Any, path: String) {
    switch value {
    case let parameter as Parameter:
      if seen.insert(ObjectIdentifier(parameter)).inserted {
        if namesWhatItFinds { parameter.name = path }
        parameters.append(parameter)
        paths.append(path)
      } else {
        tied.append((path, parameter))
      }
    case let buffer as Buffer:
      if seen.insert(ObjectIdentifier(buffer)).inserted {
        if namesWhatItFinds { buffer.name = path }
        buffers.append(buffer)
        bufferPaths.append(path)
      } else {
        tiedBuffers.append((path, buffer))
      }
    case let module as Module:
      visit(module, path: path)
    default:
      let mirror = Mirror(reflecting: value)
      if mirror.displayStyle == .optional, let child = mirror.children.first {
        visit(value: child.value, path: path)
      } else if mirror.displayStyle == .collection {
        for (index, child) in mirror.children.enumerated() {
          visit(value: child.value, path: "\(path).\(index)")
        }
      }
    }
  }
}
