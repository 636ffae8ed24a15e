/// What the library is to have, with its counterparts and what shows that it is right: the source
/// of docs/operations.md.
enum Checklist {
  /// One line: what it is, our names, PyTorch's, and the evidence.
  struct Item {
    let name, ours, pyTorch: String
    /// `family/NAME`: golden cases of that op, or whose names begin so.
    let golden: [String]
    /// `FOLDER/FILE.function`: further tests.
    let tests: [String]
    /// Why it has no golden case; nil for what has.
    let exemption: String?
  }

  static var sections: [(title: String, items: [Item])] {
    [
      ("Convolution", items(convolution)), ("Pooling and resizing", items(pooling)),
      ("Normalization", items(normalization)), ("Activations", items(activations)),
      ("Recurrent networks", items(recurrent)), ("Attention", items(attention)),
      ("Embedding, spatial transformer, graphs, dropout", items(others)),
      ("Moving and combining elements", items(structure)), ("Losses", items(losses)),
      ("Initializers", items(initializers)),
      ("Optimizers and what wraps a step", items(optimizers)),
      ("Schedules", items(schedules)), ("Gradients of gradients", items(second)),
      ("Networks", items(networks)),
    ]
  }

  private static func items(_ table: String) -> [Item] {
    table.split(separator: "\n").map { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
      let evidence = cells[3].split(separator: " ").map(String.init)
      return Item(
        name: cells[0], ours: cells[1], pyTorch: cells[2],
        golden: evidence.filter { !$0.contains(".") },
        tests: evidence.filter { $0.contains(".") }, exemption: cells.count > 4 ? cells[4] : nil)
    }
  }

  private static let convolution = """
    linear | Linear, linear | nn.Linear | matmul/linear
    conv1d | Conv1d, conv1d | nn.Conv1d | convolution/conv1d
    conv2d | Conv2d, conv2d | nn.Conv2d | conv2d/conv2d convolution/conv2d
    padding per side and same | padding | padding="same", F.pad | convolution/conv2d_sides convolution/conv2d_same convolution/conv1d_same sampling/zero_pad2d
    dilation | dilation | dilation | convolution/conv2d_d2 convolution/conv1d_k3_d4_causal
    groups and depthwise | groups | groups | convolution/conv2d_g2 convolution/conv2d_depthwise convolution/conv1d_depthwise_d2
    1x1 as a product | Conv2d | nn.Conv2d | conv2d/conv2d_k1
    transposed, 1d | ConvTranspose1d, conv_transpose1d | nn.ConvTranspose1d | convolution/conv_transpose1d
    transposed, 2d | ConvTranspose2d, conv_transpose2d | nn.ConvTranspose2d | convolution/conv_transpose2d
    output size, parameters, multiply-adds, receptive field | dltrain inspect | utils.flop_counter | inspect/inspect DLTrainingTests/InspectTests.resNet20 DLTrainingTests/InspectTests.leNet5 DLTrainingTests/InspectTests.vgg16
    """

  private static let pooling = """
    max, 1d and 2d | MaxPool1d, MaxPool2d, max_pool1d, max_pool2d | nn.MaxPool1d, nn.MaxPool2d | sampling/max_pool1d pooling/max_pool2d
    average, 1d and 2d | AvgPool1d, AvgPool2d, avg_pool1d, avg_pool2d | nn.AvgPool1d, nn.AvgPool2d | sampling/avg_pool1d pooling/avg_pool2d
    windows that overhang the end | ceilMode, ceil_mode | ceil_mode | pooling/max_pool2d_ceil pooling/avg_pool2d_ceil sampling/max_pool1d_ceil sampling/avg_pool1d_ceil
    adaptive average | AdaptiveAvgPool1d, AdaptiveAvgPool2d | nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d | sampling/adaptive_avg_pool1d sampling/adaptive_avg_pool2d
    adaptive max | AdaptiveMaxPool1d, AdaptiveMaxPool2d | nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d | sampling/adaptive_max_pool1d sampling/adaptive_max_pool2d
    adaptive, of rows that are filled up | AdaptiveAvgPool1d, AdaptiveMaxPool1d | nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d | padded/adaptive_avg_pool1d padded/adaptive_max_pool1d
    global | GlobalAvgPool1d, GlobalAvgPool2d, GlobalMaxPool1d, GlobalMaxPool2d | mean, amax | sampling/global_avg_pool1d pooling/global_avg_pool2d sampling/global_max_pool1d sampling/global_max_pool2d
    upsampling, nearest and bilinear | Upsample, upsample | nn.Upsample | sampling/upsample sampling/upsample1d
    pixel shuffle | PixelShuffle, PixelUnshuffle | nn.PixelShuffle, nn.PixelUnshuffle | sampling/pixel_shuffle sampling/pixel_unshuffle
    flatten | Flatten, flatten | nn.Flatten | shape/flatten chain/flatten
    """

  private static let normalization = """
    batch, 1d | BatchNorm, batch_norm | nn.BatchNorm1d | normalization/batch_norm_1d_train normalization/batch_norm_1d_eval
    batch, 2d | BatchNorm, batch_norm | nn.BatchNorm2d | normalization/batch_norm_2d_train normalization/batch_norm_2d_eval
    batch, cumulative | BatchNorm(momentum: nil) | momentum=None | normalization/batch_norm_2d_train_cumulative
    batch, synchronised | BatchNorm | nn.SyncBatchNorm | normalization/batch_norm DLLayersTests/SyncBatchNormTests.ranksAreOne
    batch, of rows that are filled up | BatchNorm, batch_norm | nn.BatchNorm1d | padded/batch_norm
    layer | LayerNorm, layer_norm | nn.LayerNorm | normalization/layer_norm
    layer, over several axes | LayerNorm(normalizedShape:) | nn.LayerNorm | normalization/layer_norm_two_axes normalization/layer_norm_image
    group | GroupNorm, group_norm | nn.GroupNorm | normalization/group_norm
    instance | InstanceNorm, instance_norm | nn.InstanceNorm2d | normalization/instance_norm
    RMS | RMSNorm, rms_norm | nn.RMSNorm | normalization/rms_norm
    residual block | Residual, residual | | residual/residual
    branches, concatenated | Concat, concat | torch.cat, nn.ModuleDict, nn.ModuleList | network/concat network/flatten_in_branches
    branches, added | BranchSum, sum | nn.ModuleList | network/sum GoldenTests/TrajectoryTests.float64LossesAndStateArePyTorchs
    branches, multiplied | BranchProduct, multiply | nn.ModuleList | network/multiply
    chain in a chain, repeated layers | Sequential, sequential, repeat | nn.Sequential | network/repeat
    dense block | DenseBlock, dense_block | torchvision | network/dense_block
    """

  private static let activations = """
    sigmoid | Sigmoid, sigmoid | nn.Sigmoid | activation/sigmoid
    hard sigmoid | HardSigmoid, hardsigmoid | nn.Hardsigmoid | activation/hard_sigmoid
    tanh | Tanh, tanh | nn.Tanh | activation/tanh
    ReLU | ReLU, relu | nn.ReLU | activation/relu
    ReLU6 | ReLU6, relu6 | nn.ReLU6 | activation/relu6
    leaky ReLU | LeakyReLU, leaky_relu | nn.LeakyReLU | activation/leaky_relu
    PReLU | PReLU, prelu | nn.PReLU | activation/prelu
    ELU | ELU, elu | nn.ELU | activation/elu
    SELU | SELU, selu | nn.SELU | activation/selu
    GELU, exact | GELU, gelu | nn.GELU | activation/gelu
    GELU, by tanh | GELU(approximation: .tanh) | approximate="tanh" | activation/gelu_tanh
    SiLU | SiLU, silu | nn.SiLU | activation/silu
    hard swish | HardSwish, hardswish | nn.Hardswish | activation/hard_swish
    softplus | Softplus, softplus | nn.Softplus | activation/softplus
    maxout | Maxout, maxout | max over pieces | activation/maxout
    softmax | Softmax, softmax | nn.Softmax | activation/softmax
    log-softmax | LogSoftmax, log_softmax | nn.LogSoftmax | activation/log_softmax
    """

  private static let recurrent = """
    RNN, tanh and ReLU | RNN, rnn | nn.RNN | recurrent/rnn
    LSTM | LSTM, lstm | nn.LSTM | recurrent/lstm
    GRU | GRU, gru | nn.GRU | recurrent/gru
    several layers, time or batch first | layers, batch_first | num_layers, batch_first | recurrent/lstm_two_layers_time_first recurrent/gru_two_layers_time_first recurrent/rnn_tanh_two_layers_time_first
    bidirectional | bidirectional | bidirectional | recurrent/lstm_bidirectional recurrent/gru_bidirectional recurrent/rnn_relu_bidirectional
    packed lengths | lengths | pack_padded_sequence | recurrent/lstm_lengths recurrent/gru_lengths recurrent/rnn_tanh_lengths DLLayersTests/RecurrentTests.rowsOfNoLength
    initial and final state | RecurrentState | h_0, c_0, h_n, c_n | recurrent/lstm_state recurrent/gru_state recurrent/rnn_tanh_state
    dropout between layers | dropout | dropout | dropout/rnn_dropout dropout/lstm_dropout dropout/gru_dropout DLLayersTests/RecurrentTests.dropoutDoesNotDependOnTheSplit
    """

  private static let attention = """
    scaled dot-product, masks and lengths | attention | F.scaled_dot_product_attention | attention/attention
    boolean, additive and causal masks, lengths | AttentionMask | attn_mask, is_causal | attention/attention_allowed attention/attention_bias attention/attention_causal attention/attention_lengths attention/attention_none_allowed
    local window | window | | attention/attention_window transformer/mha_self_window
    additive | AdditiveAttention | Bahdanau et al. 2015 | transformer/additive
    multi-head, self and cross | MultiHeadAttention, multi_head_attention | nn.MultiheadAttention | transformer/mha
    sinusoidal positions | SinusoidalPositions, positional | Vaswani et al. 2017 | attention/sinusoidal
    tokens of a map, class token, one position | Tokens, ClassToken, Select, tokens, class_token, select | flatten, torch.cat, select | network/vision_transformer network/repeat
    learned positions | LearnedPositions, positional | nn.Embedding | attention/learned
    rotary positions | RotaryPositions | Su et al. 2021 | attention/rotary
    Transformer encoder, pre- and post-norm | TransformerEncoderLayer, TransformerEncoder | nn.TransformerEncoderLayer | transformer/encoder
    Transformer decoder, pre- and post-norm | TransformerDecoderLayer, TransformerDecoder | nn.TransformerDecoderLayer | transformer/decoder
    key-value cache | KeyValueCache, TransformerCache | the full causal pass | cache/mha cache/encoder cache/decoder DLLayersTests/AttentionLayerTests.cachedAttentionEqualsTheFullPass DLLayersTests/AttentionLayerTests.cachedStacksEqualTheFullPass
    """

  private static let others = """
    embedding | Embedding, embedding | nn.Embedding | embedding/embedding
    padding index, max norm, frozen | paddingIndex, maxNorm, isFrozen | padding_idx, max_norm, from_pretrained | embedding/embedding_padding embedding/embedding_all_padding embedding/embedding_max_norm DLLayersTests/AttentionLayerTests.frozenTablesGetNoGradient
    embedding, sparse gradient | Embedding: added to the rows in use alone, in a dense table | nn.Embedding(sparse=True) | embedding/embedding_sparse GoldenTests/GoldenAttentionLayerTests.sparseGradients
    tied weights | Linear(tiedTo:) | the same nn.Parameter twice | transformer/gpt_tied GoldenTests/StateDictTests.everyLayerLoadsAndSavesBitForBit
    embedding bag | EmbeddingBag, embedding_bag | nn.EmbeddingBag | embedding/embedding_bag
    one-hot vectors | OneHot, one_hot | F.one_hot | DLLayersTests/BranchTests.integersBecomeOneHot | zeros and ones need no file
    affine grid | affineGrid | F.affine_grid | sampling/affine_grid
    bilinear grid sample | gridSample | F.grid_sample | sampling/grid_sample
    spatial transformer | SpatialTransformer, spatial_transformer | Jaderberg et al. 2015 | sampling/spatial_transformer
    squeeze and excitation | SqueezeExcitation, squeeze_excitation | torchvision SqueezeExcitation | squeeze/squeeze_excitation GoldenTests/GoldenSqueezeExcitationTests.optionsAndNames
    sparse-dense product (CSR) | SparseMatrix | torch.sparse.mm | graph/sparse_matmul
    graph convolution | GraphConvolution | Kipf and Welling 2017 | graph/graph_convolution graph/normalized_adjacency graph/gcn
    graph attention | GraphAttention | torch_geometric GATConv | graph/graph_attention DLLayersTests/GraphLayerTests.attentionTakesSparseFeatures
    graph isomorphism | GIN, GraphBatch | Xu et al. 2019, dense products in PyTorch | GoldenTests/CourseTrajectoryTests.lossesAndStateArePyTorchs | twenty steps of the whole network
    graph of neighbors' means | GraphSAGE | the same sums over dense matrices | DLLayersTests/GraphLayerTests.graphSAGEIsAMeanBesideTheNode | the mean and two linear layers have theirs
    dropout | Dropout, dropout | nn.Dropout | dropout/dropout DLLayersTests/DropoutTests.scalesWhatItKeeps DLLayersTests/DropoutTests.rowsKeepTheirMaskWhereverTheyLie
    dropout of channels | ChannelDropout | nn.Dropout1d, nn.Dropout2d | dropout/channel_dropout DLLayersTests/PartDropoutTests.channelsGoAsWholes
    dropout of paths | DropPath | torchvision StochasticDepth | dropout/drop_path DLLayersTests/PartDropoutTests.pathsGoAsWholes
    """

  private static let structure = """
    concatenation | concat, stack | torch.cat, torch.stack | structure/concat structure/stack
    split | split, chunk, narrow, slice, select | torch.split, torch.chunk, narrow, select | structure/split structure/chunk structure/narrow structure/slice structure/select
    gather | gather | torch.gather | structure/gather
    scatter-add | scatterAdd, indexAdd | scatter_add, index_add | structure/scatter_add structure/index_add
    index select | indexSelect | torch.index_select | structure/index_select
    where | select, maskedFill | torch.where, masked_fill | structure/where structure/masked_fill
    matrix product | matmul | torch.matmul | matmul/matmul
    einsum-like product | einsum | torch.einsum | pointwise/einsum
    reductions | sum, mean, maximum, minimum, variance, norm, product | sum, mean, amax, amin, var, norm, prod | reduction/sum reduction/mean pointwise/amax pointwise/amin pointwise/variance pointwise/deviation pointwise/norm pointwise/prod pointwise/logsumexp
    cumulative sum | cumulativeSum | torch.cumsum | structure/cumsum
    top-k | topK | torch.topk | structure/topk
    sort | sort | torch.sort | structure/sort
    broadcasting arithmetic | + - * /, maximum, minimum, pow | + - * /, torch.maximum, torch.pow | arithmetic/add arithmetic/sub arithmetic/mul arithmetic/div pointwise/maximum_of pointwise/minimum_of pointwise/pow structure/broadcast
    functions of one element | exp, log, sqrt, rsqrt, abs, square, reciprocal, pow, clamp | torch.exp and so on | pointwise/exp pointwise/log pointwise/sqrt pointwise/rsqrt pointwise/abs pointwise/square pointwise/reciprocal pointwise/power pointwise/clamp
    reshape, permute | reshape, permute | reshape, permute | shape/reshape convolution/conv2d
    """

  private static let losses = """
    mean squared error | MeanSquaredError, mse | nn.MSELoss | loss/mse
    mean absolute error | MeanAbsoluteError, mae | nn.L1Loss | criterion/mae
    Huber | Huber, huber, SmoothL1, smooth_l1 | nn.HuberLoss, nn.SmoothL1Loss | criterion/huber criterion/smooth_l1
    cross-entropy | CrossEntropy, cross_entropy | nn.CrossEntropyLoss | loss/cross_entropy
    class weights, smoothing, ignored index, soft targets | CrossEntropy | weight, label_smoothing, ignore_index | criterion/cross_entropy_options
    negative log-likelihood | NegativeLogLikelihood, nll | nn.NLLLoss | criterion/nll
    binary cross-entropy | BinaryCrossEntropy, bce | nn.BCELoss | criterion/bce
    binary cross-entropy of logits | BCEWithLogits, bce_with_logits | nn.BCEWithLogitsLoss | loss/bce_with_logits criterion/bce_with_positive_weights
    multi-label | MultiLabelSoftMargin, multi_label_soft_margin | nn.MultiLabelSoftMarginLoss | criterion/multi_label_soft_margin
    KL divergence | KLDivergence, kl_div | nn.KLDivLoss | criterion/kl_divergence
    cosine embedding | CosineEmbedding | nn.CosineEmbeddingLoss | criterion/cosine_embedding
    triplet | TripletMargin | nn.TripletMarginLoss | criterion/triplet_margin
    CTC | CTC, ctc | nn.CTCLoss | ctc/ctc
    linear-chain conditional random field | CRF, crf | torchcrf.CRF | DLLayersTests/CRFTests.lossAndGradientsAreThoseOfAllPaths DLLayersTests/CRFTests.theBestPathIsTheBestOfAll DLLayersTests/CRFTests.marginalsAreSharesOfPaths | PyTorch has none
    one-stage detector: anchors, matches, focal loss and offsets | DetectionHead, detect | torchvision's Matcher, BoxCoder, sigmoid_focal_loss | GoldenTests/GoldenDetectionTests.anchorsHaveTheirPlacesAndObjects GoldenTests/GoldenDetectionTests.lossAndGradient | the parts of several ops, in a file of their own
    non-maximum suppression | withoutRepeats | torchvision.ops.batched_nms | GoldenTests/GoldenDetectionTests.whatIsToldHasNoRepeats | has no gradient
    focal | Focal, focal | Lin et al. 2017 | criterion/focal
    soft Dice | Dice, dice | Milletari et al. 2016 | criterion/dice
    hinge | Hinge, hinge | scikit-learn's LinearSVC | DLTrainingTests/LossTrainingTests.trainsAndPredicts | PyTorch has none of each class against the rest
    squared error of probabilities | Brier, brier | Brier 1950 | DLTrainingTests/LossTrainingTests.trainsAndPredicts | PyTorch has none
    """

  private static let initializers = """
    PyTorch's defaults | every layer | reset_parameters | initializers/defaults
    Xavier | xavierUniform, xavierNormal | nn.init.xavier_uniform_, xavier_normal_ | initializers/xavier_uniform initializers/xavier_normal DLLayersTests/InitializerTests.deviations
    He, fan in and fan out, gain | heUniform, heNormal | nn.init.kaiming_uniform_, kaiming_normal_, calculate_gain | initializers/he_uniform_linear_fan_in initializers/he_uniform_linear_fan_out initializers/he_normal_conv2d DLLayersTests/InitializerTests.deviations
    orthogonal | orthogonal | nn.init.orthogonal_ | initializers/orthogonal DLLayersTests/InitializerTests.orthogonal
    truncated normal | truncatedNormal | nn.init.trunc_normal_ | initializers/truncated_normal DLLayersTests/InitializerTests.truncatedNormal
    uniform, normal, constants | uniform, normal, constant, zeros, ones | nn.init.uniform_, normal_, constant_ | initializers/uniform initializers/normal initializers/constant initializers/zeros initializers/ones
    init of a layer, in YAML | init | nn.init | DLTrainingTests/ParameterStartTests.rulesAreThoseOfInitializer | the rules above, by name
    zeros for the last norm of a block | zeroInitialResidual, zero_init_residual | torchvision zero_init_residual | initializers/residual_zeros
    """

  private static let optimizers = """
    SGD, momentum, Nesterov | SGD | optim.SGD | optimizers/sgd
    Adagrad | Adagrad | optim.Adagrad | optimizers/adagrad
    RMSProp, centred, momentum | RMSProp | optim.RMSprop | optimizers/rmsprop
    Adadelta | Adadelta | optim.Adadelta | optimizers/adadelta
    Adam, AMSGrad | Adam | optim.Adam | optimizers/adam optimizers/adam_amsgrad
    AdamW | Adam(decoupledWeightDecay:) | optim.AdamW | optimizers/adamw
    NAdam, RAdam | NAdam, RAdam | optim.NAdam, optim.RAdam | optimizers/nadam optimizers/radam
    Lion | Lion | Chen et al. 2023 | optimizers/lion
    Muon | Muon | optim.Muon | matrices/muon
    LARS | LARS | You et al. 2017 | groups/lars
    LAMB | LAMB | You et al. 2020 | groups/lamb
    Adafactor | Adafactor | optim.Adafactor | adafactor/adafactor
    L-BFGS | LBFGS | optim.LBFGS | lbfgs/lbfgs
    Newton's method | Newton | scikit-learn's newton-cholesky | GoldenTests/GoldenFittedTests.newtonComesToLogisticRegression | weights that are known, not steps
    constraints on parameters | Constraint | SciPy's nnls, closed forms | GoldenTests/GoldenFittedTests.constraintsComeToTheirAnswer | weights that are known, not steps
    parameter groups, frozen groups | ParameterPattern | param_groups | groups/adamw_groups groups/sgd_no_decay groups/sgd_frozen groups/adam_frozen
    learning rate by depth | LayerDepths | timm param_groups_layer_decay | GoldenTests/TrajectoryTests.float64LossesAndStateArePyTorchs DLTrainingTests/LayerDepthTests.layersCountFromTheInput | a whole run beside PyTorch's by param_groups
    clipping by norm and by value | GradientClipping | clip_grad_norm_, clip_grad_value_ | clipping/clip groups/sgd_clip_value
    exponential moving average | WeightAverage | swa_utils.AveragedModel | averages/ema
    exponential moving average with a ramp | RampedAverage | diffusers use_ema_warmup | DLOptimizersTests/RampedAverageTests.decaysAreThoseOfDiffusers | another package's, whose decays are exact fractions
    stochastic weight averaging | WeightAverage, AveragingSchedule | swa_utils | averages/swa averaging_schedules/swalr
    lookahead | Lookahead | Zhang et al. 2019 | averages/lookahead
    sharpness-aware minimization | SharpnessAwareness | Foret et al. 2021 | sam/sam
    """

  private static let schedules = """
    constant | ConstantSchedule | | schedules/constant
    step | StepSchedule | lr_scheduler.StepLR | schedules/step
    multi-step | MultiStepSchedule | lr_scheduler.MultiStepLR | schedules/multi_step
    exponential | ExponentialSchedule | lr_scheduler.ExponentialLR | schedules/exponential
    polynomial | PolynomialSchedule | lr_scheduler.PolynomialLR | schedules/polynomial
    cosine | CosineSchedule | lr_scheduler.CosineAnnealingLR | schedules/cosine_warmup_0
    cosine with restarts | CosineRestartSchedule | lr_scheduler.CosineAnnealingWarmRestarts | schedules/cosine_restarts
    one-cycle | OneCycleSchedule | lr_scheduler.OneCycleLR | schedules/one_cycle
    inverse square root (Noam) | InverseSquareRootSchedule | Vaswani et al. 2017 | schedules/inverse_sqrt
    warm-up | WarmupSchedule | lr_scheduler.LinearLR, SequentialLR | schedules/cosine_warmup_5
    warm-up, stable, decay | WSDSchedule | Hu et al. 2024 | DLOptimizersTests/WSDScheduleTests.decaysAreThoseOfOtherSchedules DLOptimizersTests/WSDScheduleTests.theRootFallsFast | lines and cosines of the schedules above
    reduce on plateau | PlateauReduction | lr_scheduler.ReduceLROnPlateau | plateau/plateau
    the curve drawn | dltrain inspect --schedule | | DLTrainingTests/InspectTests.theCurveIsDrawn DLTrainingTests/InspectTests.theCurveIsWritten | a picture of the rates above
    """

  private static let second = """
    gradients as tensors to differentiate | gradients(of:with:createGraph:) | autograd.grad(create_graph=True) | second/network penalty/r1
    Hessian times a vector | gradients twice | autograd.functional.hvp | second/mlp second/convnet
    recurrent layers and attention, unrolled | gradients twice | | DLTensorTests/SecondDifferenceTests.recurrent DLTensorTests/SecondDifferenceTests.attention DLTensorTests/SecondDifferenceTests.decompositionsAreEqual | compared with differences
    gradient penalties | differentiably | | penalty/wgan_gp penalty/r1
    """

  private static let networks = """
    ResNet | resnet | torchvision.models.resnet18, resnet34, resnet50, resnet101, resnet152 | zoo/resnet18 zoo/resnet18-cifar zoo/resnet50 GoldenTests/GoldenZooTests.namesAndShapesAreTheirs
    VGG | vgg | torchvision.models.vgg11, vgg13, vgg16, vgg19, vgg11_bn | zoo/vgg11 zoo/vgg11_bn
    AlexNet | alexnet | torchvision.models.alexnet | zoo/alexnet
    vision Transformer | vit | torchvision.models.VisionTransformer, vit_b_16 | zoo/vit
    MobileNetV2 | mobilenet_v2 | torchvision.models.mobilenet_v2 | zoo/mobilenet_v2
    DenseNet | densenet | torchvision.models.densenet121, densenet161, densenet169, densenet201 | zoo/densenet121
    GPT-2 | gpt2 | transformers.GPT2LMHeadModel | zoo/gpt2 GoldenTests/GoldenZooTests.transposedWeightsAreSavedAsTheyAreNamed
    BERT | bert_base | transformers.BertForSequenceClassification, BertForTokenClassification, BertForMaskedLM | zoo/bert-classify zoo/bert-padded zoo/bert-tag zoo/bert-masked
    """
}
