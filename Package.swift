// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "dltrain",
  products: [
    .library(name: "DLTrain", targets: ["DLTrain"]),
    .executable(name: "dltrain", targets: ["dltrain"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    // Floor 8: the command line.
    .executableTarget(
      name: "dltrain", dependencies: ["DLCommands", "CStart"], path: "Sources/Main"),
    .target(
      name: "DLCommands",
      dependencies: [
        "DLReports", "DLJobs", "DLInference", "DLRecipes", "DLTraining", "DLModels", "DLLayers",
        "DLOptimizers", "DLData", "DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    // What a user's own program imports.
    .target(
      name: "DLTrain",
      dependencies: [
        "DLCommands", "DLJobs", "DLInference", "DLTraining", "DLModels", "DLLayers", "DLOptimizers",
        "DLData", "DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore",
      ]),
    // Floor 7: what is done with a job: reports and benchmarks; processes, signals and restarts; use of
    // trained networks; named jobs.
    .target(
      name: "DLReports",
      dependencies: [
        "DLJobs", "DLTraining", "DLModels", "DLLayers", "DLOptimizers", "DLData", "DLConfiguration",
        "DLTensor", "DLCluster", "DLFormats", "DLCore",
      ]),
    .target(
      name: "DLJobs",
      dependencies: [
        "DLTraining", "DLData", "DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore",
        "CSystem", .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "DLInference",
      dependencies: [
        "DLTraining", "DLModels", "DLLayers", "DLData", "DLConfiguration", "DLTensor", "DLCluster",
        "DLFormats", "DLCore",
      ]),
    .target(
      name: "DLRecipes",
      dependencies: ["DLJobs", "DLTraining", "DLConfiguration", "DLFormats", "DLCore"]),
    // Floors 6 and 5: the trainer, the models.
    .target(
      name: "DLTraining",
      dependencies: [
        "DLModels", "DLConfiguration", "DLLayers", "DLOptimizers", "DLData", "DLTensor",
        "DLCluster", "DLFormats", "DLCore",
        "CKernels", "CSystem", .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "DLModels", dependencies: ["DLLayers", "DLConfiguration", "DLTensor", "DLCore"]),
    // Floor 4: layers and losses; update rules and schedules; datasets and samplers.
    .target(
      name: "DLLayers",
      dependencies: ["DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore"]),
    .target(
      name: "DLOptimizers",
      dependencies: ["DLConfiguration", "DLTensor", "DLCore", "CKernels"]),
    .target(
      name: "DLData", dependencies: ["DLFormats", "DLTensor", "DLCluster", "DLCore", "CKernels"],
      resources: [.copy("Resources")]),
    // Floor 3: tensors, autograd, ops; sections of a configuration.
    .target(name: "DLTensor", dependencies: ["DLCluster", "DLCore", "CKernels", "COpenBLAS"]),
    .target(
      name: "DLConfiguration",
      dependencies: ["DLFormats", "DLCore", .product(name: "Yams", package: "Yams")]),
    // Floor 2: communicators; file formats.
    .target(name: "DLCluster", dependencies: ["DLCore", "CMPI", "CKernels", "CSystem"]),
    .target(name: "DLFormats", dependencies: ["DLCore", "CZlib", "CTurboJPEG", "CPNG", "CImage"]),
    // Floor 1: errors, files, texts, threads and clocks.
    .target(name: "DLCore", dependencies: ["CSystem"]),
    // The ground floor: C.
    .target(name: "CKernels", cSettings: [.headerSearchPath("."), .headerSearchPath("shared")]),
    .target(name: "CSystem"),
    .target(name: "CStart"),
    .target(name: "CMPI", dependencies: ["COpenMPI"]),
    .target(name: "CImage", dependencies: ["CPNG"]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    // Tests: a target for each target, one for what they share, and those across all floors.
    .target(
      name: "DLTestSupport", dependencies: ["DLTensor", "DLFormats", "DLCore"],
      path: "Tests/DLTestSupport"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels", "CSystem", "DLTestSupport"]),
    .testTarget(name: "DLClusterTests", dependencies: ["DLCluster", "DLCore", "DLTestSupport"]),
    .testTarget(
      name: "DLFormatsTests", dependencies: ["DLFormats", "DLCore", "DLTestSupport"],
      exclude: ["Golden"]),
    .testTarget(
      name: "DLTensorTests", dependencies: ["DLTensor", "DLCluster", "DLCore", "DLTestSupport"]),
    .testTarget(
      name: "DLConfigurationTests",
      dependencies: ["DLConfiguration", "DLFormats", "DLCore", "DLTestSupport"]),
    .testTarget(
      name: "DLLayersTests",
      dependencies: ["DLLayers", "DLTensor", "DLCluster", "DLCore", "DLTestSupport"]),
    .testTarget(
      name: "DLOptimizersTests",
      dependencies: [
        "DLOptimizers", "DLConfiguration", "DLTensor", "DLFormats", "DLCore", "DLTestSupport",
      ]),
    .testTarget(
      name: "DLDataTests",
      dependencies: [
        "DLData", "DLTensor", "DLFormats", "DLCluster", "DLCore", "CKernels", "DLTestSupport",
      ],
      exclude: ["Golden"]),
    .testTarget(
      name: "DLModelsTests",
      dependencies: [
        "DLModels", "DLLayers", "DLConfiguration", "DLTensor", "DLCore", "DLTestSupport",
      ]),
    .testTarget(
      name: "DLTrainingTests",
      dependencies: [
        "DLReports", "DLJobs", "DLInference", "DLTraining", "DLModels", "DLLayers", "DLOptimizers",
        "DLData", "DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore", "CKernels",
        "DLTestSupport",
      ],
      exclude: ["Golden"]),
    .testTarget(
      name: "DLRecipesTests",
      dependencies: [
        "DLRecipes", "DLReports", "DLTraining", "DLConfiguration", "DLCore", "DLTestSupport",
      ]),
    .testTarget(
      name: "GoldenTests",
      dependencies: [
        "DLReports", "DLJobs", "DLInference", "DLTraining", "DLModels", "DLLayers",
        "DLConfiguration", "DLTensor", "DLCluster", "DLFormats", "DLCore", "DLTestSupport",
      ],
      exclude: ["Golden"]),
    .testTarget(
      name: "ProcessTests",
      dependencies: [
        "DLConfiguration", "DLFormats", "DLJobs", "DLTraining", "DLModels", "DLLayers",
        "DLOptimizers", "DLCore", "DLTestSupport",
      ],
      exclude: ["Golden"]),
    .executableTarget(
      name: "dltrain-model", dependencies: ["DLTrain"], path: "Tests/ModelProgram"),
    .executableTarget(
      name: "ClusterCheck", dependencies: ["DLCluster", "DLCore", "CMPI"],
      path: "Tests/ClusterCheck"),
  ],
  swiftLanguageModes: [.v6]
)

// Tests are compiled in half the time without optimization; those of kernels and tensors, whose references are loops over
// elements, would run for longer than that saves.
for target in package.targets where target.type == .test {
  guard !["CKernelsTests", "DLTensorTests"].contains(target.name) else { continue }
  target.swiftSettings = [.unsafeFlags(["-Onone"], .when(configuration: .release))]
}
