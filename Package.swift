// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of the house, and the tests that say what it promises.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], tested: Bool = true) -> [Target] {
  let library = Target.target(name: name, dependencies: dependencies, swiftSettings: settings)
  guard tested else { return [library] }
  let tests = Target.testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name)] + dependencies,
    resources: [.copy("Fixtures")],
    swiftSettings: settings)
  return [library, tests]
}

let package = Package(
  name: "unfold",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Unfold", targets: ["Unfold"]),
    .executable(name: "unfold", targets: ["UnfoldTool"]),
  ],
  traits: [
    .trait(name: "OneDNN", description: "Multiply with oneDNN where it is the faster library, and in bfloat16."),
    .default(enabledTraits: ["OneDNN"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "COneDNN", providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "CKernels"),
  ]
    + module("Diagnostics")
    + module("StrictJSON", ["Diagnostics"])
    + module(
      "LinearAlgebra",
      ["Diagnostics", "CKernels", "COpenBLAS", .target(name: "COneDNN", condition: .when(traits: ["OneDNN"]))])
    + module("Digests", ["CKernels"])
    + module("HDF5", ["Diagnostics", "CHDF5", "CKernels"])
    + module("Checkpoints", ["Diagnostics", "StrictJSON", "Digests"])
    + module("Tokenization", ["Diagnostics", "StrictJSON"])
    + module("Transformer", ["Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints"])
    + module(
      "Activations",
      [
        "Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Tokenization", "Transformer", "HDF5", "Digests",
        "CZlib",
      ])
    + module(
      "Probes", ["Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Transformer", "Activations"])
    + module(
      "Neurons", ["Diagnostics", "LinearAlgebra", "Tokenization", "Transformer", "Activations", "Probes"])
    + module("Reports", ["Diagnostics", "Tokenization", "Transformer", "Activations", "Probes", "Neurons"])
    + module(
      "Unfold",
      [
        "Diagnostics", "LinearAlgebra", "Checkpoints", "Tokenization", "Transformer", "HDF5", "Activations", "Probes",
        "Neurons", "Reports",
      ], tested: false)
    + [
      .executableTarget(
        name: "UnfoldTool",
        dependencies: ["Unfold", .product(name: "ArgumentParser", package: "swift-argument-parser")],
        swiftSettings: settings),
      .testTarget(
        name: "UnfoldToolTests", dependencies: ["Unfold"], resources: [.copy("Fixtures")], swiftSettings: settings),
    ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
