//! What the kernel knows of time and memory: it counts CPU time also where the machine is busy with others.

use crate::refuse;
use std::fs::read_to_string;
use std::time::Duration;

/// CPU time of the calling thread since it began, to the nanosecond.
///
/// `schedstat` alone shows what the scheduler booked last, up to milliseconds ago. Reading our own `stat` first makes the kernel
/// book the time of the running thread (`thread_group_cputime` in kernel/sched/cputime.c), as `CLOCK_THREAD_CPUTIME_ID` does.
pub(crate) fn thread_cpu() -> Duration {
    let _booked = read_to_string("/proc/self/stat");
    let told = read_to_string("/proc/thread-self/schedstat").ok().and_then(|text| first_number(&text));
    Duration::from_nanos(told.unwrap_or_else(|| refuse("/proc/thread-self/schedstat: this kernel tells no CPU time")))
}

/// CPU time of another process, user and system, in hundredths of a second; `None` where there is no such process.
pub(crate) fn process_cpu(pid: u32) -> Option<Duration> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold blanks; behind it utime and stime are the 12th and 13th field.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

/// Resident memory of a process in MiB: now, and the most it ever had; NaN where there is no such process.
pub(crate) fn resident(pid: u32) -> (f64, f64) {
    let text = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let told = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).and_then(first_number);
    let of = |name: &str| told(name).map_or(f64::NAN, |kib| kib as f64 / 1024.0);
    (of("VmRSS:"), of("VmHWM:"))
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The middle of several runs.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
