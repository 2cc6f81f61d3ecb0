// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "unfold-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "unfold", path: "..")],
  targets: [
    .executableTarget(name: "bench", dependencies: [.product(name: "Unfold", package: "unfold")])
  ],
  swiftLanguageModes: [.v6]
)
