"""A fuzz target, once as a test and once for libFuzzer."""

def fuzz_target(name, deps):
    """NAME_target.cc as NAME_fuzz (a test) and NAME_libfuzzer (--config=fuzz).

    Args:
      name: the target's.
      deps: of its source.
    """
    native.cc_library(
        name = name + "_target",
        srcs = [name + "_target.cc"],
        alwayslink = True,
        deps = deps + [":target"],
    )
    native.cc_test(
        name = name + "_fuzz",
        size = "medium",
        deps = [
            ":driver",
            ":" + name + "_target",
        ],
    )
    native.cc_binary(
        name = name + "_libfuzzer",
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_target"],
    )
