//! What the kernel knows of time and memory: it counts CPU time also where the machine is busy with others.

use std::fs::read_to_string;
use std::time::Duration;

/// CPU time of the calling thread since it began. The kernel brings it up to date at its own ticks of a few milliseconds:
/// good for sums over many calls, not for one.
pub(crate) fn thread_cpu() -> Duration {
    let text = read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(first_number(&text))
}

/// Resident memory of a process in MiB: now, and the most it ever had.
pub(crate) fn resident(pid: u32) -> (f64, f64) {
    let text = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let of = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map_or(0, first_number) as f64 / 1024.0;
    (of("VmRSS:"), of("VmHWM:"))
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The middle of several runs.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
