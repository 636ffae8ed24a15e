import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Weights that others have trained, by the names of their files, to predictions: through the real
/// program.
@Suite(.serialized)
struct PretrainedTests {
  /// The language model of Hugging Face's transformers (scripts/golden/make_hub.py): probabilities are
  /// those of its logits.
  @Test func weightsOfTheHubPredictAsThere() throws {
    try TemporaryFolder.with { folder in
      let hub = try SafetensorsFile(path: golden("hub.safetensors", of: "GoldenTests"))
      let tokens = try hub.bytes("x")
      let words = { (name: String) in
        SafetensorsTensor(name: name, dtype: .int32, shape: [2, 6]) { sink in
          try tokens.withUnsafeBytes { try sink($0) }
        }
      }
      try SafetensorsWriter.write(
        [words("x"), words("y")], metadata: ["classes": "11"],
        to: folder + "/tokens.safetensors")
      try """
      data: {train: tokens.safetensors}
      model: {name: gpt2, layers: 2, width: 8, heads: 2, vocabulary: 11, positions: 6}
      init: {from: gpt2.safetensors}
      optimizer: {name: sgd, lr: 0}
      batch_size: 2
      steps: 1

      """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
      try FileManager.default.copyItem(
        atPath: golden("weights-hub-gpt2.safetensors", of: "GoldenTests"),
        toPath: folder + "/gpt2.safetensors")
      let trained = try Program.run(
        ["train", "job.yaml", "--ranks", "2", "--out", "run"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(trained.errors.contains("behind \"transformer.\""), "\(trained.errors)")
      let predicted = try Program.run(["predict", "run", "tokens.safetensors"], in: folder)
      let lines = predicted.output.split(separator: "\n").dropFirst()
      let logits = values(try hub.bytes("gpt2"), as: Float.self).map { Double($0) }
      #expect(lines.count == 12 && logits.count == 132, "\(predicted.output)")
      for (place, line) in lines.enumerated() {
        let cells = line.split(separator: ",")
        let position = logits[place * 11..<(place + 1) * 11]
        let best = try #require(position.indices.max { position[$0] < position[$1] })
        let sum = position.reduce(0) { $0 + exp($1 - position[best]) }
        #expect(Int(cells[cells.count - 2]) == best - place * 11, "\(line)")
        let probability = try #require(Double(cells[cells.count - 1]))
        #expect(abs(probability - 1 / sum) < 1e-5, "\(line)")
      }
    }
  }

  /// torchvision's ResNet-18 with a head for other classes, and back in torchvision; where Python has it.
  @Test func torchvisionTakesItsNetworkBack() throws {
    let python = ProcessInfo.processInfo.environment["DLTRAIN_PYTHON"] ?? "python3"
    let needs = "import torch, torchvision, safetensors"
    guard try Program.startCommand([python, "-c", needs], in: nil).wait().status == 0 else {
      print("skipped: no Python with torch, torchvision and safetensors; give DLTRAIN_PYTHON")
      return
    }
    try TemporaryFolder.with { folder in
      func run(_ code: String) throws -> Outcome {
        let outcome = try Program.startCommand([python, "-c", code], in: folder).wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome
      }
      _ = try run(
        """
        import torch, torchvision
        torch.manual_seed(3)
        torch.save(torchvision.models.resnet18().state_dict(), "resnet18.pth")
        """)
      try """
      data:
        train: shapes-packed/train.safetensors
        normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
      model: {name: resnet, depth: 18}
      init: {from: resnet18.pth, except: ["fc.*"]}
      optimizer: {name: sgd, lr: 0.01, groups: [{match: "conv1.*|layer1.*", frozen: true}]}
      batch_size: 8
      steps: 2

      """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
      let drawn = try Program.startCommand(
        [python, Program.repository + "/scripts/examples/make_shapes.py", "shapes"], in: folder
      ).wait()
      #expect(drawn.status == 0, "\(drawn.errors)")
      for arguments in [
        [
          "data", "pack", "images", "shapes", "--size", "32", "--channels", "3", "--split",
          "0.5,0.5", "--stratify", "-o", "shapes-packed",
        ],
        ["train", "job.yaml", "--ranks", "2", "--out", "run"],
        ["predict", "run", "shapes-packed/validation.safetensors", "-o", "predicted.csv"],
        ["export", "run", "-o", "back.safetensors"],
      ] {
        let outcome = try Program.run(arguments, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        if arguments[0] == "train" {
          #expect(outcome.errors.contains("fc.weight, fc.bias start anew"), "\(outcome.errors)")
        }
      }
      let worst = try run(
        """
        import csv, torch, torchvision
        from safetensors.torch import load_file
        model = torchvision.models.resnet18(num_classes=3)
        first = torch.load("resnet18.pth")
        model.load_state_dict(load_file("back.safetensors"))
        assert torch.equal(model.conv1.weight, first["conv1.weight"])
        assert not torch.equal(model.layer4[1].conv2.weight, first["layer4.1.conv2.weight"])
        x = load_file("shapes-packed/validation.safetensors")["x"].permute(0, 3, 1, 2) / 255
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
        with torch.no_grad():
            shares = model.eval()((x - mean) / std).softmax(1)
        rows = list(csv.DictReader(open("predicted.csv")))
        assert len(rows) == len(x)
        assert [int(row["class"]) for row in rows] == shares.argmax(1).tolist()
        print(max(abs(float(row["probability"]) - share) for row, share in zip(rows, shares.amax(1).tolist())))
        """)
      let deviation = try #require(
        Double(worst.output.trimmingCharacters(in: .whitespacesAndNewlines)))
      #expect(deviation < 1e-5, "\(worst.output)")
    }
  }
}
