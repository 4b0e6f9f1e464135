use std::process::ExitCode;

fn main() -> ExitCode {
    omnipack::cli::main()
}
