import DLCluster
import DLCore
import DLData
import DLFormats
import DLInference
import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Vectors of words: how they are learned, looked up, written and read.
@Suite struct WordVectorTests {
  private static func bench() throws -> TaskBench { try TaskBench() }

  @Test func wordsArePackedWithTheirCounts() throws {
    let bench = try Self.bench()
    let path = "\(bench.path)/words/train.safetensors"
    let words = try #require(try TokenizerFile.read(path: path) as? WordTokenizer)
    let text = try String(contentsOfFile: "\(bench.path)/text.txt", encoding: .utf8)
      .split(separator: " ").prefix(112)
    for (word, count) in zipped(words.vocabulary, words.counts ?? []).dropFirst(2) {
      #expect(count == text.count { $0 == word }, "\(word)")
    }
    #expect(words.counts?[1] == 0 && words.count == 10)
    let known = try words.encode("to xyz be").map { words.vocabulary[Int($0)] }
    #expect(known == ["to", "<unk>", "be"])
    let tokens = try SafetensorsFile(path: path).bytes("tokens")
    let read = values(tokens, as: Int32.self).map { words.vocabulary[Int($0)] }
    #expect(read == text.map(String.init))
  }

  /// The loss of two examples in plain doubles.
  @Test func lossesAreThoseOfTheFormula() throws {
    let context = Context(precision: .float64)
    var options = Word2VecOptions()
    (options.size, options.negatives) = (3, 2)
    let network = Word2Vec(vocabulary: 5, options)
    _ = try ParameterArena(network, context: context)
    var numbers = Numbers(seed: 4)
    let (v, u) = (numbers.array(15), numbers.array(15))
    try network.input.weight.value.assign(v)
    try network.output.weight.value.assign(u)
    let sum = try network.lossSum(
      given: .labels([1, 4, 2], context: context), offsets: .labels([0, 2], context: context),
      asked: .labels([3, 1, 0, 4, 2, 2], shape: [2, 3], context: context))
    func score(_ word: Int, _ given: [Int]) -> Double {
      var sum = 0.0
      for index in 0..<3 {
        var mean = 0.0
        for other in given { mean += v[3 * other + index] / Double(given.count) }
        sum += u[3 * word + index] * mean
      }
      return sum
    }
    func cost(_ right: Int, _ others: [Int], _ given: [Int]) -> Double {
      var sum = log(1 + exp(-score(right, given)))
      for other in others { sum += log(1 + exp(score(other, given))) }
      return sum
    }
    let want = cost(3, [1, 0], [1, 4]) + cost(4, [2, 2], [2])
    #expect(deviation([sum.scalar], [want]) < 1e-12)
  }

  /// Tables of zeros score every word alike: log 2 for the right one and for each other.
  @Test func aRunBeginsAtTheLogarithmOfTwo() throws {
    let bench = try Self.bench()
    for kind in ["word2vec, skip-gram", "word2vec, bag of words"] {
      let yaml = TaskTests.yaml(kind) + "\nsteps: 40\nprecision: float64\nseed: 2"
      let configuration = try Configuration.load(yaml: yaml, folder: bench.path)
      let run = try train(configuration, bench.options(kind))[0]
      #expect(abs(run.losses[0] - 4 * log(2)) < 1e-12)
      #expect(run.losses.suffix(5).reduce(0, +) / 5 < run.losses[0])
    }
  }

  @Test func neighborsAreThoseOfTheCosine() throws {
    let bench = try Self.bench()
    let yaml = TaskTests.yaml("word2vec, skip-gram") + "\nsteps: 30\nprecision: float64"
    try train(Configuration.load(yaml: yaml, folder: bench.path), bench.options("run"))
    let run = try LoadedRun("\(bench.path)/run", choice: .latest)
    let neighbors = try WordNeighbors(run)
    let table = values(
      try SafetensorsFile(path: bench.checkpoint("run", step: 30)).bytes("input.weight"),
      as: Double.self)
    let words = try #require(
      try TokenizerFile.read(path: "\(bench.path)/words/train.safetensors") as? WordTokenizer)
    let size = table.count / words.count
    func vector(_ word: String) throws -> [Double] {
      let place = try #require(words.vocabulary.firstIndex(of: word))
      let numbers = Array(table[place * size..<(place + 1) * size])
      let length = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return numbers.map { $0 / length }
    }
    let (to, be, or) = (try vector("to"), try vector("be"), try vector("or"))
    let sum: [Double] = to.indices.map { to[$0] + be[$0] - or[$0] }
    var length = 0.0
    for number in sum { length += number * number }
    let others = Set(words.vocabulary.dropFirst(2)).subtracting(["to", "be", "or"])
    var cosines: [(String, Double)] = []
    for word in others {
      var product = 0.0
      for (a, b) in zipped(try vector(word), sum) { product += a * b }
      cosines.append((word, product / length.squareRoot()))
    }
    cosines.sort { $0.1 > $1.1 }
    let found = try neighbors.nearest(to: "to", plus: ["be"], minus: ["or"], count: 4)
    #expect(found.map(\.word) == cosines.prefix(4).map(\.0))
    #expect(deviation(found.map(\.cosine), cosines.prefix(4).map(\.1)) < 1e-12)
    expect(
      "\"horse\": is not in the run's vocabulary, name another word", as: UsageError.self
    ) { try neighbors.nearest(to: "horse", count: 3) }

    // Written as text, read again as the table of a network to start from.
    let text = "\(bench.path)/vectors.txt"
    var lines = ""
    try neighbors.write { lines += $0 }
    #expect(lines.hasPrefix("8 \(size)\n"))
    try lines.write(toFile: text, atomically: true, encoding: .utf8)
    let packer = WordVectors(like: "\(bench.path)/words/train.safetensors")
    let packed = try packer.pack(text, output: "\(bench.path)/table.safetensors")
    let read = values(
      try SafetensorsFile(path: packed.path).bytes("0.weight"), as: Float.self)
    let written = read.dropFirst(2 * size).map { Double($0) }
    #expect(written.count == 8 * size)
    #expect(deviation(written, Array(table.dropFirst(2 * size))) < 1e-6)
    let (padding, unknown) = (read.prefix(size), read.dropFirst(size).prefix(size))
    #expect(padding.allSatisfy { $0 == 0 })
    #expect(unknown.contains { $0 != 0 })
  }

  /// A table of a file is what training starts from, and stays where it is frozen.
  @Test func vectorsAreStartedFrom() throws {
    let bench = try Self.bench()
    let text = "\(bench.path)/glove.txt"
    try "to 1 2\nbe -1 0.5\nabsent 3 3\nor 0.25 0\n"
      .write(toFile: text, atomically: true, encoding: .utf8)
    let data = "\(bench.path)/words/train.safetensors"
    var notes: [String] = []
    var packer = WordVectors(like: data)
    packer.notice = { notes.append($0) }
    let packed = try packer.pack(text, output: "\(bench.path)/glove.safetensors")
    #expect(packed.shape == [10, 2] && notes == ["3 words of 8 have vectors"])
    let table = values(try SafetensorsFile(path: packed.path).bytes("0.weight"), as: Float.self)
    let words = try #require(try TokenizerFile.read(path: data) as? WordTokenizer)
    let given: [(String, [Float])] = [("to", [1, 2]), ("be", [-1, 0.5]), ("or", [0.25, 0])]
    for (word, vector) in given {
      let place = Int(words.token(word[...]))
      #expect(Array(table[2 * place..<2 * place + 2]) == vector)
    }
    for (name, isFrozen) in [("frozen", true), ("free", false)] {
      let configuration = try Configuration.load(
        yaml: """
          data: {train: words/train.safetensors, window: 4}
          model: {layers: [{embedding: {entries: 10, size: 2, frozen: \(isFrozen)}}, {linear: {out: 10}}]}
          optimizer: {name: adam, lr: 0.1}
          batch_size: 5
          steps: 3
          """, folder: bench.path)
      let options = bench.options(name) {
        $0.initialWeights = packed.path
        $0.takesPartOfWeights = true
      }
      try train(configuration, options)
      let after = values(
        try SafetensorsFile(path: bench.checkpoint(name, step: 3)).bytes("0.weight"),
        as: Float.self)
      #expect((after == table) == isFrozen, "\(name)")
    }
    for (lines, fault) in [
      ("to 1 2\nbe 3\n", "line 2 is not a word and 2 numbers"),
      ("absent 1 2\n", "has a vector for no word"), ("to x\n", "line 1"),
    ] {
      try lines.write(toFile: text, atomically: true, encoding: .utf8)
      #expect {
        try packer.pack(text, output: "\(bench.path)/wrong.safetensors")
      } throws: { "\($0)".contains(fault) }
    }
  }
}
