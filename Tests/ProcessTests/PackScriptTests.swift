import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `scripts/data/pack_parquet.py` and `pack_huggingface.py`, where Python has what they need: files that
/// pyarrow and datasets wrote, through training to predictions.
@Suite(.serialized)
struct PackScriptTests {
  private static let python =
    ProcessInfo.processInfo.environment["DLTRAIN_PYTHON"] ?? "python3"

  /// Runs a script of Python; nil, with a word, where it lacks a package.
  private func run(_ code: String, needs packages: String, in folder: String) throws -> Outcome? {
    let found = try Program.startCommand([Self.python, "-c", "import \(packages)"], in: nil).wait()
    guard found.status == 0 else {
      print("skipped: no Python with \(packages); give DLTRAIN_PYTHON")
      return nil
    }
    return try Program.startCommand([Self.python, "-c", code], in: folder).wait()
  }

  private func pack(_ script: String, _ arguments: [String], in folder: String) throws -> Outcome {
    try Program.startCommand(
      [Self.python, "\(Program.repository)/scripts/data/\(script).py"] + arguments, in: folder,
      variables: ["DLTRAIN": Program.path, "HF_HUB_OFFLINE": "1"]
    ).wait()
  }

  @Test func parquetTablesAreThoseOfText() throws {
    try TemporaryFolder.with { folder in
      let written = try run(
        """
        import datetime, pyarrow as pa, pyarrow.csv, pyarrow.parquet
        count = 40
        table = pa.table({
            "age": pa.array([20 + i * 7 % 50 for i in range(count)], pa.int16()),
            "city": pa.array([["Ulm", "Bonn, Rhein"][i % 3 == 0] for i in range(count)]).dictionary_encode(),
            "spent": pa.array([i * 0.1 for i in range(count)], pa.float32()),
            "new": pa.array([i % 5 == 0 for i in range(count)]),
            "day": pa.array([datetime.date(2024, 1 + i % 9, 1 + i % 28) for i in range(count)]),
            "bought": pa.array([i % 2 == 0 for i in range(count)]),
        })
        pyarrow.parquet.write_table(table.slice(0, 25), "a.parquet", row_group_size=10)
        pyarrow.parquet.write_table(table.slice(25), "b.parquet")
        with open("table.csv", "w") as file:
            file.write("age,city,spent,new,day,bought\\n")
            for row in table.to_pylist():
                row["city"], row["new"] = f'"{row["city"]}"', int(row["new"])
                row["spent"], row["bought"] = f"{row['spent']:.7g}", str(row["bought"]).lower()
                file.write(",".join(map(str, row.values())) + "\\n")
        pyarrow.parquet.write_table(pa.table({"x": [1, None], "y": ["a", "b"]}), "missing.parquet")
        """, needs: "pyarrow, pyarrow.parquet", in: folder)
      guard let written else { return }
      #expect(written.status == 0, "\(written.errors)")
      let options = ["--label", "bought", "--standardize", "--split", "0.8,0.1,0.1", "--stratify"]
      let packed = try pack(
        "pack_parquet", ["a.parquet", "b.parquet"] + options + ["-o", "parquet"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      let text = try Program.run(
        ["data", "pack", "csv", "table.csv", "--categorical", "city", "--date", "day"] + options
          + ["-o", "csv"], in: folder)
      #expect(text.status == 0, "\(text.errors)")
      for part in ["train", "validation", "test"] {
        let files = try ["parquet", "csv"].map {
          try SafetensorsFile(path: "\(folder)/\($0)/\(part).safetensors")
        }
        for name in ["x", "y"] {
          #expect(try files[0].bytes(name) == files[1].bytes(name), "\(part) \(name)")
        }
        #expect(files[0].metadata["table"] == files[1].metadata["table"])
      }
      let missing = try pack(
        "pack_parquet", ["missing.parquet", "--label", "y", "-o", "missing"], in: folder)
      #expect(missing.status == 65 && missing.faults.count == 1, "\(missing.errors)")
      try """
      data: {train: parquet/train.safetensors, validation: parquet/validation.safetensors}
      model: {layers: [{linear: {out: 2}}]}
      batch_size: 8
      steps: 2

      """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
      let trained = try Program.run(
        ["train", "job.yaml", "--ranks", "2", "--out", "run"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let predicted = try Program.run(["predict", "run", "table.csv"], in: folder)
      #expect(predicted.status == 0, "\(predicted.errors)")
      #expect(predicted.output.split(separator: "\n").count == 41)
    }
  }

  @Test func setsOfHuggingFaceArePacked() throws {
    try TemporaryFolder.with { folder in
      let written = try run(
        """
        import datasets, PIL.Image
        def pixel(i): return (i * 9, i, 200)
        kinds = datasets.ClassLabel(names=["cat", "dog"])
        images = datasets.Dataset.from_dict(
            {"image": [PIL.Image.new("RGB", (4 + i % 2, 3), pixel(i)) for i in range(6)],
             "label": [i % 2 for i in range(6)]},
            datasets.Features({"image": datasets.Image(), "label": kinds}))
        datasets.DatasetDict({"train": images, "test": images.select([1, 2])}).save_to_disk("images")
        numbers = {"features": [[i, i + 0.5] for i in range(5)], "kind": list("bacab")}
        datasets.Dataset.from_dict(numbers).save_to_disk("numbers")
        texts = {"text": ["a b", "b\\nc", "c"], "label": [1, 0, 1]}
        datasets.Dataset.from_dict(texts, datasets.Features(
            {"text": datasets.Value("string"), "label": kinds})).save_to_disk("texts")
        """, needs: "datasets, PIL, safetensors", in: folder)
      guard let written else { return }
      #expect(written.status == 0, "\(written.errors)")
      for arguments in [
        ["images", "--size", "3x4", "-o", "packed"],
        ["numbers", "--input", "features", "--label", "kind", "-o", "rows"],
        ["texts", "--input", "text", "-o", "lines"],
      ] {
        let packed = try pack("pack_huggingface", arguments, in: folder)
        #expect(packed.status == 0, "\(packed.errors)")
      }
      let train = try SafetensorsFile(path: folder + "/packed/train.safetensors")
      #expect(try train.info("x").shape == [6, 3, 4, 3] && train.info("x").dtype == .uint8)
      #expect(train.metadata["class_names"] == "[\"cat\", \"dog\"]")
      let pixels = try train.bytes("x")
      for row in 0..<6 {
        let first: [UInt8] = [UInt8(row * 9), UInt8(row), 200]
        #expect(Array(pixels[row * 36..<row * 36 + 3]) == first, "\(row)")
      }
      let test = try SafetensorsFile(path: folder + "/packed/test.safetensors")
      #expect(try test.bytes("y") == [1, 0, 0, 0, 0, 0, 0, 0])
      let rows = try SafetensorsFile(path: folder + "/rows/train.safetensors")
      #expect(try rows.info("x").shape == [5, 2] && rows.info("x").dtype == .float32)
      #expect(
        rows.metadata["class_names"] == "[\"a\", \"b\", \"c\"]" && rows.metadata["classes"] == "3")
      let lines = try String(contentsOfFile: folder + "/lines/train.tsv", encoding: .utf8)
      #expect(lines == "dog\ta b\ncat\tb c\ndog\tc\n")
      for (name, layers) in [
        ("packed", "[flatten, {linear: {out: 2}}]"), ("rows", "[{linear: {out: 3}}]"),
      ] {
        try
          "data: {train: \(name)/train.safetensors}\nmodel: {layers: \(layers)}\nsteps: 1\nbatch_size: 2\n"
          .write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
        let trained = try Program.run(
          ["train", "job.yaml", "--ranks", "1", "--out", "run-\(name)"], in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
        let described = try Program.run(
          ["data", "describe", "\(name)/train.safetensors"], in: folder)
        #expect(described.status == 0, "\(described.errors)")
      }
    }
  }
}
