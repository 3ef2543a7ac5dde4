//! The program `stockout`: starts the command line, prints what went wrong, sets the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    stockout::cli::main()
}
