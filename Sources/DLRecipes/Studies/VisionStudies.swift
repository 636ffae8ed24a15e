// Comparisons of networks for images.
extension StudyRecipe {
  /// A comparison of what is known beforehand of images with what is learned of them.
  static let attentionOrConvolution = StudyRecipe(
    name: "attention-or-convolution",
    summary: "self-attention over pixels against convolutions, on 1,437 digits and on 100",
    yaml: """
      name: attention-or-convolution
      job: digits
      set: {steps: 600, optimizer: {name: adamw, lr: 0.003}, schedule: {name: cosine}}
      runs:
        - name: convolution
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - global_avg_pool2d
                - {linear: {out: 10}}
        - name: attention
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 1}}
                - tokens
                - {positional: {kind: learned}}
                - repeat:
                    times: 2
                    layers:
                      - transformer_encoder_layer:
                          {heads: 4, feed_forward: 48, dropout: 0.0, norm_first: true}
                - global_avg_pool1d
                - {linear: {out: 10}}
        - name: attention without places
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 1}}
                - tokens
                - repeat:
                    times: 2
                    layers:
                      - transformer_encoder_layer:
                          {heads: 4, feed_forward: 48, dropout: 0.0, norm_first: true}
                - global_avg_pool1d
                - {linear: {out: 10}}
      grid: {data.train: ["embedded:digits-train", "embedded:digits-100"]}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, parameters]
      plot: {x: step, y: train.loss, log_y: true}
      """)

  /// Dilations whose windows meet all pixels, against those that leave some out.
  static let hybridDilation = StudyRecipe(
    name: "hybrid-dilation",
    summary:
      "segmentation by dilations 1, 2, 5 against 2, 2, 2, which leave pixels out, and 1, 1, 1",
    yaml: """
      name: hybrid-dilation
      # Data: dltrain data pack strewn embedded:digits-train embedded:digits-validation \\
      #         --labels pixels --rows 1000,200 -o strewn-pixels
      job: dilated-digits
      set:
        data.train: strewn-pixels/train.safetensors
        data.validation: strewn-pixels/validation.safetensors
      runs:
        - {name: "1, 2, 5", set: {model.blocks.stack.parameters: {first: 1, second: 2, third: 5}}}
        - {name: "2, 2, 2", set: {model.blocks.stack.parameters: {first: 2, second: 2, third: 2}}}
        - {name: "1, 1, 1", set: {model.blocks.stack.parameters: {first: 1, second: 1, third: 1}}}
      seeds: [1, 2, 3]
      table: [validation.mean_iou, validation.accuracy, validation.loss, parameters]
      plot: {x: epoch, y: validation.mean_iou}
      """)

  /// A transfer: what was learned on five classes helps to tell five others apart, of which few
  /// images are known.
  static let transfer = StudyRecipe(
    name: "transfer",
    summary:
      "50 images of each of five classes: from scratch, or from a network trained on five others",
    yaml: """
      name: transfer
      # Data: dltrain data pack subset cifar10/train.safetensors --per-class 50 \\
      #         --classes dog,frog,horse,ship,truck -o transfer/few.safetensors
      #       dltrain data pack subset cifar10/test.safetensors \\
      #         --classes dog,frog,horse,ship,truck -o transfer/test.safetensors
      # Weights: dltrain recipes transfer-cifar10 tells how to train it, then
      #       dltrain export RUN -o transfer/pretrained.safetensors
      job: transfer-cifar10
      set:
        data.train: transfer/few.safetensors
        data.validation: transfer/test.safetensors
        steps: 400
        validate: {every_steps: 200}
        batch_size: 50
        optimizer: {name: sgd, lr: 0.02, momentum: 0.9, weight_decay: 5.0e-4}
      runs:
        - {name: from scratch}
        - {name: all fine-tuned, set: {init: {from: transfer/pretrained.safetensors, except: ["9.*"]}}}
        - name: slow but for the head
          set:
            init: {from: transfer/pretrained.safetensors, except: ["9.*"]}
            optimizer.groups: [{match: "0.*|1.*|3.*|4.*|6.*|7.*", lr: 0.002}]
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss]
      plot: {x: step, y: train.loss}
      """)
}
