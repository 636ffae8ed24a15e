/// A fault of a pickle.
enum PickleFault: Error {
  /// It is not what its length or opcodes claim.
  case damaged(String, at: Int)
  /// It names what is no part of a tensor.
  case name(String)
  /// Its opcodes do something that a dictionary of tensors does not need.
  case unneeded(String)
}

/// A pickle of protocol 2 to 5, read for its tensors alone.
///
/// The opcodes are those that `torch.save` writes of dictionaries of tensors, numbers and texts. No
/// name is looked up: those of ``PickleGlobal`` stand for what they make, and every other one is a
/// fault, so that nothing of a file can run. Time and memory are linear in the pickle's length.
///
/// Counterpart: `torch.load(FILE, weights_only=True)`.
struct Pickle {
  /// The value that the pickle stands for.
  private(set) var root = PickleValue.none
  private(set) var tuples: [[PickleValue]] = []
  /// The pairs of each dictionary in the order of their writing; of equal keys the last counts.
  private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var storages: [PickledStorage] = []
  private(set) var tensors: [PickledTensor] = []

  private let bytes: [UInt8]
  private var place = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// Reads a pickle.
  ///
  /// - Throws: ``PickleFault``.
  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    guard bytes.count > 1, bytes[0] == 0x80, (2...5).contains(bytes[1]) else {
      throw PickleFault.damaged("begins with no protocol of 2 to 5", at: 0)
    }
    place = 2
    while true {
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") { break }
      try run(opcode)
    }
    root = try pop()
    guard stack.isEmpty, marks.isEmpty else { throw damaged("leaves values behind") }
  }

  private func damaged(_ what: String) -> PickleFault { .damaged(what, at: place) }

  private mutating func run(_ opcode: UInt8) throws {
    switch opcode {
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.boolean(true))
    case 0x89: stack.append(.boolean(false))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try number(1))))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try number(2))))
    case UInt8(ascii: "J"):
      stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8a: stack.append(try long(Int(try number(1))))
    case UInt8(ascii: "G"):
      _ = try number(8)
      stack.append(.other)
    case UInt8(ascii: "X"): stack.append(.text(try text(number(4))))
    case 0x8c: stack.append(.text(try text(number(1))))
    case 0x8d: stack.append(.text(try text(number(8))))
    case UInt8(ascii: "B"), UInt8(ascii: "T"): try skip(number(4))
    case UInt8(ascii: "C"), UInt8(ascii: "U"): try skip(number(1))
    case 0x8e: try skip(number(8))
    case 0x95: _ = try number(8)
    case UInt8(ascii: "q"): memo[Int(try number(1))] = try top()
    case UInt8(ascii: "r"): memo[Int(try number(4))] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(number(1))
    case UInt8(ascii: "j"): try recall(number(4))
    default: try build(opcode)
    }
  }

  /// The opcodes that make containers and objects.
  private mutating func build(_ opcode: UInt8) throws {
    switch opcode {
    case UInt8(ascii: ")"): push(tuple: [])
    case 0x85...0x87:
      var items: [PickleValue] = []
      for _ in 0x85...opcode { items.append(try pop()) }
      push(tuple: items.reversed())
    case UInt8(ascii: "t"): push(tuple: try popToMark())
    case UInt8(ascii: "}"): pushDictionary([])
    case UInt8(ascii: "]"), 0x8f: stack.append(.list)
    case UInt8(ascii: "l"):
      _ = try popToMark()
      stack.append(.list)
    case UInt8(ascii: "a"):
      _ = try pop()
      try requireList()
    case UInt8(ascii: "e"), 0x90:
      _ = try popToMark()
      try requireList()
    case UInt8(ascii: "s"):
      let (value, key) = (try pop(), try pop())
      try add([key, value])
    case UInt8(ascii: "u"): try add(popToMark())
    case UInt8(ascii: "d"):
      let items = try popToMark()
      pushDictionary([])
      try add(items)
    case UInt8(ascii: "c"): try push(global: line(), line())
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw damaged("has no text where a name is due")
      }
      try push(global: module, name)
    case UInt8(ascii: "Q"): try pushStorage(pop())
    case UInt8(ascii: "R"):
      let (arguments, function) = (try pop(), try pop())
      guard case .tuple(let index) = arguments, case .global(let function) = function else {
        throw PickleFault.unneeded("calls what is no function of tensors")
      }
      try call(function, tuples[index])
    case UInt8(ascii: "b"):
      // A state_dict has the versions of its modules as an attribute.
      _ = try pop()
      guard case .dictionary = try top() else {
        throw PickleFault.unneeded("sets attributes of what is no dictionary")
      }
    default:
      throw PickleFault.unneeded("has the opcode 0x\(String(opcode, radix: 16))")
    }
  }

  // MARK: Bytes

  private mutating func byte() throws -> UInt8 {
    guard place < bytes.count else { throw damaged("ends too early") }
    place += 1
    return bytes[place - 1]
  }

  private mutating func number(_ width: Int) throws -> UInt64 {
    guard width <= bytes.count - place else { throw damaged("ends too early") }
    let value = (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[place + $1]) << (8 * $1) }
    place += width
    return value
  }

  /// An integer of so many bytes, the lowest first, in two's complement.
  private mutating func long(_ width: Int) throws -> PickleValue {
    guard width <= 8 else {
      try pass(UInt64(width))
      return .other
    }
    let value = try number(width)
    let shift = 64 - 8 * UInt64(width)
    return .integer(width == 0 ? 0 : Int(Int64(bitPattern: value << shift) >> Int64(shift)))
  }

  private mutating func pass(_ count: UInt64) throws {
    guard count <= UInt64(bytes.count - place) else { throw damaged("ends too early") }
    place += Int(count)
  }

  private mutating func skip(_ count: UInt64) throws {
    try pass(count)
    stack.append(.other)
  }

  private mutating func text(_ count: UInt64) throws -> String {
    let start = place
    try pass(count)
    guard let text = String(validating: bytes[start..<place], as: UTF8.self) else {
      throw damaged("has a text that is not UTF-8")
    }
    return text
  }

  private mutating func line() throws -> String {
    let rest = bytes[place...].prefix(1024)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw damaged("has a name without an end")
    }
    let text = String(decoding: bytes[place..<end], as: UTF8.self)
    place = end + 1
    return text
  }

  // MARK: Stack

  private mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw damaged("takes a value that is not there")
    }
    return value
  }

  private func top() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw damaged("takes a value that is not there")
    }
    return value
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw damaged("takes a mark that is not there") }
    let items = Array(stack[mark...])
    stack.removeLast(items.count)
    return items
  }

  private mutating func recall(_ index: UInt64) throws {
    guard let value = memo[Int(index)] else {
      throw damaged("recalls a value that is not there")
    }
    stack.append(value)
  }

  private mutating func push(tuple items: [PickleValue]) {
    stack.append(.tuple(tuples.count))
    tuples.append(items)
  }

  private mutating func pushDictionary(_ pairs: [(key: PickleValue, value: PickleValue)]) {
    stack.append(.dictionary(dictionaries.count))
    dictionaries.append(pairs)
  }

  private func requireList() throws {
    guard case .list = try top() else { throw damaged("adds to what is no list") }
  }

  private mutating func add(_ items: [PickleValue]) throws {
    guard case .dictionary(let index) = try top(), items.count.isMultiple(of: 2) else {
      throw damaged("adds to what is no dictionary")
    }
    for place in stride(from: 0, to: items.count, by: 2) {
      dictionaries[index].append((items[place], items[place + 1]))
    }
  }

  // MARK: Objects

  private mutating func push(global module: String, _ name: String) throws {
    guard let global = PickleGlobal(module, name) else {
      throw PickleFault.name("\(module).\(name)")
    }
    stack.append(.global(global))
  }

  private mutating func pushStorage(_ id: PickleValue) throws {
    guard case .tuple(let index) = id, tuples[index].count == 5,
      case .text("storage") = tuples[index][0], case .global(.storage(let type)) = tuples[index][1],
      case .text(let key) = tuples[index][2], case .integer(let count) = tuples[index][4],
      count >= 0
    else { throw damaged("names no storage where one is due") }
    stack.append(.storage(storages.count))
    storages.append(PickledStorage(key: key, type: type, count: count))
  }

  private mutating func call(_ function: PickleGlobal, _ arguments: [PickleValue]) throws {
    switch function {
    case .orderedDictionary where arguments.isEmpty: pushDictionary([])
    case .rebuildTensor:
      guard arguments.count >= 4, case .storage(let storage) = arguments[0],
        case .integer(let offset) = arguments[1]
      else { throw damaged("makes a tensor of what is no storage") }
      let tensor = PickledTensor(
        storage: storage, offset: offset, shape: try integers(arguments[2]),
        strides: try integers(arguments[3]))
      guard tensor.isWithin(storages[storage].count) else {
        throw damaged("makes a tensor that is not within its storage")
      }
      stack.append(.tensor(tensors.count))
      tensors.append(tensor)
    case .rebuildParameter:
      guard case .tensor? = arguments.first else {
        throw damaged("makes a parameter of what is no tensor")
      }
      stack.append(arguments[0])
    default: throw PickleFault.unneeded("calls what is no function of tensors")
    }
  }

  private func integers(_ value: PickleValue) throws -> [Int] {
    guard case .tuple(let index) = value else { throw damaged("has no sizes where they are due") }
    return try tuples[index].map {
      guard case .integer(let size) = $0 else { throw damaged("has a size that is no integer") }
      return size
    }
  }
}
