"""clang-tidy as build actions, one a source file, so that Bazel caches each.

clang's thread-safety annotations (proto/base/mutex.h) are checked on the way.

    bazel build --aspects=//deploy/bazel:tidy.bzl%clang_tidy \\
        --output_groups=clang_tidy //...

A file is looked at again when it, a header that it may include, its flags or
.clang-tidy has changed. Generated sources are left out. Findings are errors.
"""

# system_libs.bzl: the version of a Debian package, for cache keys alone.
_VERSION = "SYSTEM_"

def _flags(ctx, compilation):
    flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts
    flags = flags + getattr(ctx.rule.attr, "copts", [])
    defines = compilation.defines.to_list() + compilation.local_defines.to_list()
    flags = flags + ["-D" + d for d in defines if not d.startswith(_VERSION)]
    flags.append("-Wthread-safety")
    for option, paths in [
        ("-I", compilation.includes),
        ("-iquote", compilation.quote_includes),
        ("-isystem", compilation.system_includes),
    ]:
        for path in paths.to_list():
            flags += [option, path]
    return flags

def _check(ctx, target, source):
    compilation = target[CcInfo].compilation_context
    versions = [d for d in compilation.defines.to_list() if d.startswith(_VERSION)]
    report = ctx.actions.declare_file("%s.%s.tidy" % (target.label.name, source.basename))
    ctx.actions.run_shell(
        inputs = depset([source, ctx.file._config], transitive = [compilation.headers]),
        outputs = [report],
        command = """
report=$1; shift 2
clang-tidy-14 --quiet "$@" >"$report" 2>"$report.err" && exit 0
sed "s,$PWD/,,g" "$report"
grep -v -E 'warnings? (generated|treated)' "$report.err"
exit 1
""",
        arguments = [report.path, " ".join(versions), "--config-file=" + ctx.file._config.path, source.path, "--"] +
                    _flags(ctx, compilation),
        mnemonic = "ClangTidy",
        progress_message = "clang-tidy %s" % source.short_path,
        use_default_shell_env = True,
    )
    return report

def _clang_tidy_impl(target, ctx):
    if CcInfo not in target or ctx.rule.kind not in ["cc_library", "cc_binary", "cc_test"]:
        return []
    reports = [
        _check(ctx, target, source)
        for source in ctx.rule.files.srcs
        if source.extension == "cc" and source.is_source
    ]
    return [OutputGroupInfo(clang_tidy = depset(reports))]

clang_tidy = aspect(
    implementation = _clang_tidy_impl,
    attrs = {
        "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
    },
    fragments = ["cpp"],
)
