//! The executable `tillmesh`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tillmesh::cli::main()
}
