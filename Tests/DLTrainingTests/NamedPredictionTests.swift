import DLCluster
import DLCore
import DLData
import DLFormats
import DLInference
import DLTestSupport
import DLTraining
import Testing

/// Predictions by the names that the training data gave the classes.
@Suite struct NamedPredictionTests {
  private func predict(_ bench: TableBench, _ file: String) throws -> [String] {
    var text = ""
    try LoadedRun("\(bench.path)/run").predict("\(bench.path)/\(file).safetensors") { text += $0 }
    return text.split(separator: "\n").map(String.init)
  }

  private func write(_ bench: TableBench, _ name: String, _ names: [String]?) throws {
    try bench.write(
      name, x: .floats((0..<12).map { Double($0 * $0 % 7) }, [2]),
      y: .integers((0..<6).map { Double($0 % 3) }),
      metadata: names.map { ["class_names": ClassNames($0).text] } ?? [:])
  }

  /// The names are those of the training data, whatever file is predicted, as cells of CSV.
  @Test func namesAreTheLastColumn() throws {
    let bench = TableBench()
    let names = ["plain", "a, b", "say \"x\""]
    try write(bench, "train", names)
    try write(bench, "other", nil)
    try train(bench.configuration("[{linear: {out: 3}}]"), bench.options("run"))
    let cells = ["plain", "\"a, b\"", "\"say \"\"x\"\"\""]
    let lines = try predict(bench, "other")
    #expect(lines[0] == "row,class,probability,name" && lines.count == 7)
    for line in lines.dropFirst() {
      let number = try #require(Int(line.split(separator: ",")[1]))
      #expect(line.hasSuffix("," + cells[number]), "\(line)")
    }
    try write(bench, "train", nil)
    try train(bench.configuration("[{linear: {out: 3}}]"), bench.options("run2"))
    var text = ""
    try LoadedRun("\(bench.path)/run2").predict("\(bench.path)/other.safetensors") { text += $0 }
    #expect(text.hasPrefix("row,class,probability\n"))
    // But for the names the lines are of one form.
    #expect(text.split(separator: "\n")[1].split(separator: ",").count == 3)
  }

  /// A table as it is gives what the file packed from it gives, its columns in any order.
  @Test func aTableBecomesRowsAsTheTrainingDataDid() throws {
    let bench = TableBench()
    func put(_ name: String, _ text: String) throws -> String {
      try File.replace("\(bench.path)/\(name)") { try $0.write(text) }
      return "\(bench.path)/\(name)"
    }
    var packer = CSVPacker()
    (packer.split, packer.isStandardized, packer.categorical) = (.whole, true, ["c"])
    let rows = (0..<12).map { "\($0 * $0),\($0 % 2 == 0 ? "u" : "v"),\($0 < 6 ? "low" : "high")\n" }
    let table = try put("table.csv", "a,c,l\n" + rows.joined())
    _ = try packer.pack(table, output: bench.path + "/train.safetensors")
    try train(bench.configuration("[{linear: {out: 2}}]"), bench.options("run"))
    let wanted = try predict(bench, "train")
    let turned = try put(
      "turned.csv",
      "c,a\n" + (0..<12).map { "\($0 % 2 == 0 ? "u" : "v"),\($0 * $0)\n" }.joined())
    var text = ""
    try LoadedRun("\(bench.path)/run").predict(turned) { text += $0 }
    #expect(text.split(separator: "\n").map(String.init) == wanted && wanted.count == 13)
    // A file that was packed by another mean is refused.
    packer.labels = ["l"]
    let other = try put("other.csv", "a,c,l\n1,u,low\n2,v,high\n")
    _ = try packer.pack(other, output: bench.path + "/other.safetensors")
    #expect(refusal { _ = try predict(bench, "other") }.contains("\"a\" is standardized by mean"))
  }

  /// A tag for each word of a sentence, and none for what fills it up.
  @Test func tagsOfTheWordsThatCount() throws {
    let bench = TableBench()
    let text = "1\tgo\t_\tVERB\t_\t_\t0\troot\t_\t_\n2\ton\t_\tADV\t_\t_\t1\tadvmod\t_\t_\n\n"
    let path = bench.path + "/go.conllu"
    try File.replace(path) { file in
      try file.write(text + String(text.split(separator: "\n")[0]) + "\n\n")
    }
    var packer = TaggedPacker()
    packer.length = 3
    let output = bench.path + "/train.safetensors"
    #expect(try packer.pack([(name: "train", path: path)], output: output)[0].shape == [2, 3])
    let layers = "[{embedding: {entries: 4, size: 8, padding_idx: 0}}, {linear: {out: 2}}]"
    let overrides = ["loss={cross_entropy: {ignore_index: -100}}", "steps=60", "optimizer.lr=0.5"]
    try train(bench.configuration(layers, overrides), bench.options("run"))
    let lines = try predict(bench, "train").map { $0.split(separator: ",").map(String.init) }
    #expect(lines[0] == ["row", "position", "class", "probability", "name"])
    #expect(
      lines.dropFirst().map { $0[0...2] + [$0[4]] } == [
        ["0", "0", "1", "VERB"], ["0", "1", "0", "ADV"], ["1", "0", "1", "VERB"],
      ])
  }
}
