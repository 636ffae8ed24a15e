import DLCluster
import DLCore

/// Values whose magnitudes span 40 binary orders, so that another order of summation shows.
func value(_ rank: Int, _ index: Int) -> Float {
  var x = UInt64(truncatingIfNeeded: rank &* 1_000_003 &+ index) &* 0x9e37_79b9_7f4a_7c15
  x ^= x >> 29
  x = x &* 0xbf58_476d_1ce4_e5b9
  x ^= x >> 32
  let mantissa = Float(Int64(x & 0xffffff) - 0x800000) / Float(0x800000)
  return mantissa * Float(sign: .plus, exponent: Int((x >> 40) % 41) - 20, significand: 1)
}

/// The sum over ranks by plain recursion, split at the largest power of two below the count.
func treeSum<T: BinaryFloatingPoint>(_ low: Int, _ high: Int, _ leaf: (Int) -> T) -> T {
  if high - low == 1 { return leaf(low) }
  var left = 1
  while left * 2 < high - low { left *= 2 }
  return treeSum(low, low + left, leaf) + treeSum(low + left, high, leaf)
}

/// Agrees on a check over all ranks, prints it on rank 0 and returns 1 for a failure there.
func verdict(_ group: any Communicator, _ name: String, _ isRight: Bool) throws -> Int {
  let wrong = try group.allgather([isRight ? 0 : 1]).enumerated().filter { $0.element != 0 }
  if group.rank == 0 {
    print(wrong.isEmpty ? "ok    \(name)" : "WRONG \(name): ranks \(wrong.map(\.offset))")
  }
  return group.rank == 0 && !wrong.isEmpty ? 1 : 0
}

func checkAll(_ group: any Communicator, _ title: String) throws -> Int {
  let size = group.size
  var failures = 0
  func check(_ name: String, _ isRight: Bool) throws {
    failures += try verdict(group, "\(title) \(size): \(name)", isRight)
  }
  for count in [0, 1, 7, 1000, 100_003] {
    var single = (0..<count).map { value(group.rank, $0) }
    var double = (0..<count).map { Double(value(group.rank, $0)) / 3 }
    try group.allreduceSum(&single)
    try group.allreduceSum(&double)
    let isRight = (0..<count).allSatisfy { index in
      single[index].bitPattern == treeSum(0, size) { value($0, index) }.bitPattern
        && double[index].bitPattern
          == treeSum(0, size) { Double(value($0, index)) / 3 }.bitPattern
    }
    try check("allreduce of \(count) has the tree's bits", isRight)
    if count == 100_003 {
      let threads = try ThreadGroup.run(ranks: size) { peer in
        var values = (0..<count).map { value(peer.rank, $0) }
        try peer.allreduceSum(&values)
        return values.map(\.bitPattern)
      }
      try check(
        "allreduce has a thread group's bits", threads.allSatisfy { $0 == single.map(\.bitPattern) }
      )
    }
  }
  for count in [0, 1, 5, 3001] {
    let gathered = try group.allgather((0..<count).map { Int64(group.rank * 10_000 + $0) })
    let expected = (0..<size).flatMap { rank in (0..<count).map { Int64(rank * 10_000 + $0) } }
    try check("allgather of \(count)", gathered == expected)
  }
  var isRight = true
  for root in 0..<size {
    isRight = try group.broadcast("root \(group.rank)", root: root) == "root \(root)" && isRight
  }
  try check("broadcast", isRight)
  try group.barrier()
  try check("exact sum", group.sum((group.rank + 1) << 55) == (size * (size + 1) / 2) << 55)
  failures += try checkSplits(group, title)
  failures += try checkAgreement(group, title)
  isRight = true
  for round in 0..<300 {
    var values = [Float(round), Float(group.rank)]
    try group.allreduceSum(&values)
    if round % 7 == 0 { try group.barrier() }
    isRight = isRight && values == [Float(size * round), Float(size * (size - 1) / 2)]
  }
  try check("many small reductions", isRight)
  return failures
}

func checkSplits(_ group: any Communicator, _ title: String) throws -> Int {
  let colors: [(String, (Int) -> Int)] = [
    ("one", { _ in 0 }), ("parity", { $0 % 2 }), ("each", { $0 }), ("thirds", { $0 % 3 }),
    ("halves", { $0 * 2 / group.size }),
  ]
  var failures = 0
  for (name, color) in colors {
    for sign in [1, -1] {
      let part = try group.split(color: color(group.rank) - 1, key: sign * group.rank)
      let same = (0..<group.size).filter { color($0) == color(group.rank) }
      let members = sign == 1 ? same : same.reversed()
      var isRight = try part.allgather([group.rank]) == members
      isRight = isRight && part.size == members.count && members[part.rank] == group.rank
      for count in [3, 20_001] {
        var values = (0..<count).map { value(group.rank, $0) }
        try part.allreduceSum(&values)
        isRight =
          isRight
          && values.indices.allSatisfy { index in
            values[index].bitPattern
              == treeSum(0, members.count) { value(members[$0], index) }.bitPattern
          }
      }
      isRight =
        try part.broadcast("\(group.rank)", root: part.size - 1) == "\(members.last!)" && isRight
      try part.barrier()
      failures += try verdict(
        group, "\(title) \(group.size): split \(name), key sign \(sign)", isRight)
    }
  }
  return failures
}

private struct Broken: DLError {
  let rank: Int
  var exitCode: ExitCode { .data }
  var description: String { "file \(rank) is broken" }
}

func checkAgreement(_ group: any Communicator, _ title: String) throws -> Int {
  var isRight = try group.agreed("work") { group.rank } == group.rank
  for failing in 0..<group.size {
    do {
      try group.agreed("work") { if group.rank >= failing { throw Broken(rank: group.rank) } }
      isRight = false
    } catch let failure as RankFailure {
      isRight =
        isRight && failure.rank == failing && failure.exitCode == .data
        && failure.message.hasPrefix("file \(failing) is broken")
    }
  }
  return try verdict(group, "\(title) \(group.size): agreement on failures", isRight)
}

/// A thread of each process throws: its peers end, and the process gets the original error.
func checkPoison(_ world: MPICommunicator, _ threads: Int) throws -> Int {
  var isRight = false
  do {
    _ = try ProductCommunicator.run(over: world, threads: threads) { group in
      try group.barrier()
      if group.rank % threads == threads - 1 { throw Broken(rank: group.rank) }
      try group.barrier()
    }
  } catch let error as Broken {
    isRight = error.rank == world.rank * threads + threads - 1
  }
  return try verdict(world, "product: a failed thread ends its process's threads", isRight)
}
