import DLCluster
import DLCore

/// Arenas whose shares have one owner each: sums with the tree's bits, and parameters known to all.
func checkArena(_ group: any Communicator, _ title: String) throws -> Int {
  let size = group.size
  let count = 50_021
  guard let topology = group.topology else {
    return try verdict(group, "\(title) \(size): has a topology", false)
  }
  let arena = try ShardedReducer(group, topology, byteCount: count * 8)
  var failures = try verdict(group, "\(title) \(size): arena as asked for", arena.reason == nil)
  let divisions: [(String, [Int])] = [
    ("even", (0...size).map { $0 * count / size }),
    ("one owner", [0] + Array(repeating: count, count: size)),
    ("uneven, of a part", (0...size).map { 17 + $0 * $0 * (count - 40) / (size * size) }),
  ]
  for (name, cuts) in divisions {
    failures += try checkExchange(group, arena, cuts, Float.self, .float32, "\(title), \(name)")
    failures += try checkExchange(group, arena, cuts, Double.self, .float64, "\(title), \(name)")
  }
  return failures
}

private func checkExchange<T: BinaryFloatingPoint & BitwiseCopyable>(
  _ group: any Communicator, _ arena: ShardedReducer, _ cuts: [Int], _: T.Type, _ type: ElementType,
  _ title: String
) throws -> Int {
  let size = group.size
  let count = cuts[size]
  let gradients = arena.gradients.bindMemory(to: T.self, capacity: count)
  let values = arena.values.bindMemory(to: T.self, capacity: count)
  let own = cuts[group.rank]..<cuts[group.rank + 1]
  var isRight = true
  for round in 0..<3 {
    func leaf(_ rank: Int, _ index: Int) -> T { T(value(rank + 64 * round, index)) / 3 }
    for index in 0..<count { gradients[index] = leaf(group.rank, index) }
    let middle = (own.lowerBound + own.upperBound) / 2
    let blocks = [own.lowerBound..<middle, middle..<own.upperBound]
    var seen: [Range<Int>] = []
    try arena.reduce(cuts, blocks: blocks[...], type: type) { block in
      seen.append(block)
      for index in block {
        values[index] = gradients[index] + 1
        isRight = isRight && gradients[index] == treeSum(0, size) { leaf($0, index) }
      }
    }
    try arena.publish(cuts, type: type)
    isRight = isRight && seen == blocks
    for index in cuts[0]..<count {
      isRight = isRight && values[index] == treeSum(0, size) { leaf($0, index) } + 1
    }
    try group.barrier()
  }
  return try verdict(group, "\(title) \(size): shares of \(type)", isRight)
}
