// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "MyModel",
  dependencies: [.package(name: "dltrain", path: "../..")],
  targets: [
    .executableTarget(
      name: "MyModel", dependencies: [.product(name: "DLTrain", package: "dltrain")])
  ],
  swiftLanguageModes: [.v6]
)
