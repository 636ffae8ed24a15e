@_exported import DLCluster
@_exported import DLData
@_exported import DLFormats
@_exported import DLLayers
@_exported import DLModels
@_exported import DLOptimizers
@_exported import DLTensor
@_exported import DLTraining
