//! The `ringfence` command: reads arguments, calls the library, prints the answer, sets the exit code.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
