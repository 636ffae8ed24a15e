extension Recipe {
  /// A one-stage detector of digits on a canvas (Lin and others 2017, at one level and without shared heads).
  static let detectorDigits = Recipe(
    name: "detector-digits",
    summary:
      "one-stage object detector: which digits lie where on a canvas",
    dataHelp:
      "strew the digits that come with the program by `dltrain data pack strewn "
      + "embedded:digits-train embedded:digits-validation -o strewn`, or those of MNIST by `dltrain data "
      + "pack strewn mnist/train.safetensors mnist/test.safetensors --canvas 48 --scale 0.4-0.7 "
      + "-o strewn`, then add --set data.train=strewn/train.safetensors "
      + "--set data.validation=strewn/validation.safetensors",
    notes:
      "dltrain predict writes a line for each object: its class, probability and box in pixels.",
    yaml: """
      name: detector-digits
      data:
        normalize: {mean: [0.1], std: [0.25]}
      model:
        blocks:
          unit:
            parameters: {out: null, stride: 1}
            layers:
              - {conv2d: {out: $out, kernel: 3, stride: $stride, padding: 1, bias: false}}
              - batch_norm
              - relu
        layers:
          - {unit: {out: 16}}
          - {unit: {out: 32, stride: 2}}
          - {unit: {out: 32}}
          - {unit: {out: 64, stride: 2}}
          - {unit: {out: 64}}
          - {unit: {out: 64}}
          - concat:
              branches:
                classes:                # 3 anchors of 10 classes; at first a probability of 0.01 each
                  - conv2d:
                      out: 30
                      kernel: 3
                      padding: 1
                      init: {weight: {normal: {std: 0.01}}, bias: {constant: {val: -4.6}}}
                boxes:
                  - conv2d: {out: 12, kernel: 3, padding: 1, init: {weight: {normal: {std: 0.01}}, bias: zeros}}
          - detect: {classes: 10, sizes: [7, 10, 14]}
      optimizer: {name: adam, lr: 0.002, clip_norm: 5}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 32
      epochs: 15
      """)

  /// The class of each pixel by dilated convolutions (Yu and Koltun 2016; Wang and others 2018).
  static let dilatedDigits = Recipe(
    name: "dilated-digits",
    summary:
      "segmentation: the digit that each pixel belongs to, by dilated convolutions",
    dataHelp:
      "strew the digits that come with the program by `dltrain data pack strewn "
      + "embedded:digits-train embedded:digits-validation --labels pixels --rows 1000,200 "
      + "-o strewn-pixels`, then add --set data.train=strewn-pixels/train.safetensors "
      + "--set data.validation=strewn-pixels/validation.safetensors",
    notes:
      "Dilations that break the rule, which inspect tells: --set "
      + "model.blocks.stack.parameters={first: 2, second: 2, third: 2}; the study hybrid-dilation "
      + "compares them",
    yaml: """
      name: dilated-digits
      data:
        normalize: {mean: [0.1], std: [0.25]}
      model:
        blocks:
          dilated:
            parameters: {dilation: 1, out: 16}
            layers:
              - conv2d: {out: $out, kernel: 3, padding: $dilation, dilation: $dilation, bias: false}
              - batch_norm
              - relu
          stack:
            parameters: {first: 1, second: 2, third: 5}
            layers:
              - {dilated: {dilation: $first}}
              - {dilated: {dilation: $second}}
              - {dilated: {dilation: $third}}
        layers:
          - repeat: {times: 2, layers: [stack]}
          - {conv2d: {out: 11, kernel: 1}}
      # Nearly all pixels are background.
      loss: {cross_entropy: {weight: [0.1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}
      optimizer: {name: adam, lr: 0.01}
      schedule: {name: cosine, warmup_epochs: 1}
      validate: {metrics: [mean_iou], monitor: mean_iou}
      batch_size: 16
      epochs: 10
      """)
}
