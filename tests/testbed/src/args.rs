//! Arguments that several commands have.

use std::path::PathBuf;
use std::time::Duration;

/// The value of `name`; the error is the usage, with what is wrong above it.
pub(crate) fn minutes(name: &str, value: Option<&str>, usage: &str) -> Result<Duration, String> {
    let wrong = || format!("{name} wants minutes from 1 to 1440, such as `{name} 10`\n\n{usage}");
    let number: u64 = value.and_then(|v| v.parse().ok()).ok_or_else(wrong)?;
    if (1..=1440).contains(&number) { Ok(Duration::from_mins(number)) } else { Err(wrong()) }
}

/// The daemon that `cargo build` made.
pub(crate) fn beside_us() -> PathBuf {
    let us = std::env::current_exe().unwrap_or_default();
    us.with_file_name("floorcast")
}
