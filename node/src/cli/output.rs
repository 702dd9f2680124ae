//! What the command line prints. Whoever reads it may stop reading, as `head` does: then there is nobody to tell
//! anything, and the command ends. The macros stand in for those of the same name, which panic then.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::process;

/// Prints to the standard output, or ends the process where that is impossible.
pub(super) fn write(text: Arguments<'_>) {
    let mut output = io::stdout().lock();
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            eprintln!("error: the standard output: {error}");
            process::exit(1)
        }
    }
}

macro_rules! print {
    ($($argument:tt)*) => { $crate::cli::output::write(format_args!($($argument)*)) };
}

macro_rules! println {
    () => { $crate::cli::output::write(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::cli::output::write(format_args!("{}\n", format_args!($($argument)*))) };
}
