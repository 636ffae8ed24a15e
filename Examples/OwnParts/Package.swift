// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "OwnParts",
  dependencies: [.package(name: "dltrain", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnParts", dependencies: [.product(name: "DLTrain", package: "dltrain")])
  ],
  swiftLanguageModes: [.v6]
)
