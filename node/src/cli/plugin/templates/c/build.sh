#!/bin/sh
# Makes core.wasm, of which `tillmesh plugin build` makes the component. It takes wit-bindgen and the compiler zig from
# PATH; what is not there it installs from crates.io and PyPI, into .tools, or into PLUGIN_TOOLS for many plugins.
set -eu
cd "$(dirname "$0")"

wit=wit
world=inbound-channel
tools=${PLUGIN_TOOLS:-$PWD/.tools}
PATH=$tools/bin:$PATH

if ! command -v wit-bindgen >/dev/null; then
    echo "installing wit-bindgen into $tools, which takes minutes, once"
    cargo install --quiet --locked --root "$tools" --no-default-features --features c,go --version 0.63.0 wit-bindgen-cli
fi
if ! command -v zig >/dev/null && ! [ -x "$tools/zig/bin/python" ]; then
    python3 -m venv "$tools/zig"
    "$tools/zig/bin/pip" install --quiet --disable-pip-version-check ziglang==0.17.1
fi

compile() {
    if command -v zig >/dev/null; then zig cc "$@"; else "$tools/zig/bin/python" -m ziglang cc "$@"; fi
}

wit-bindgen c "$wit" --world "$world" --out-dir bindings
# The C library is there for memory and bytes; nothing of it that would import WASI may be used. A stack of 64 KiB is
# plenty; the usual one is as large as all the memory that a call may have.
compile --target=wasm32-wasi -mexec-model=reactor -Wl,--no-entry,-z,stack-size=65536 \
    -std=c17 -Os -s -Wall -Wextra -Werror -Ibindings {{source}} bindings/*.c bindings/*.o -o core.wasm
