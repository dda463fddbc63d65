//! The command line of `up`.

use std::path::PathBuf;
use std::time::Duration;

use crate::args;

pub(crate) const USAGE: &str = "\
Usage: cargo run -p floorcast-testbed -- up [--peak-in MINUTES] [--for MINUTES] [--with-daemon [PROGRAM]]

Brings up a local control plane (etcd, kube-apiserver, kube-controller-manager, kwok, Prometheus) with a workload that
is opted in and whose daily peak begins in a few minutes, and leaves it running until Ctrl-C.

  --peak-in MINUTES        when the load begins to rise (default 8)
  --for MINUTES            ends by itself after so long (default 240)
  --with-daemon [PROGRAM]  starts the daemon too (default: floorcast beside this program, from `cargo build`)";

/// What `up` is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// From now to the beginning of the peak.
    pub(crate) peak_in: Duration,
    /// How long it runs at most.
    pub(crate) lasts: Duration,
    /// The daemon's program, if it is to be started.
    pub(crate) daemon: Option<PathBuf>,
}

impl Wanted {
    /// Parses the arguments after `up`; the error is the usage, with what is wrong above it.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut rest = arguments.iter().map(String::as_str).peekable();
        let mut wanted = Self { peak_in: Duration::from_mins(8), lasts: Duration::from_hours(4), daemon: None };
        while let Some(arg) = rest.next() {
            match arg {
                "--peak-in" => wanted.peak_in = args::minutes(arg, rest.next(), USAGE)?,
                "--for" => wanted.lasts = args::minutes(arg, rest.next(), USAGE)?,
                "--with-daemon" => {
                    let program = rest.next_if(|next| !next.starts_with("--"));
                    wanted.daemon = Some(program.map_or_else(args::beside_us, PathBuf::from));
                }
                other => return Err(format!("unknown argument `{other}`\n\n{USAGE}")),
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(line: &str) -> Result<Wanted, String> {
        Wanted::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read() {
        let wanted = parse("--peak-in 3 --with-daemon /bin/floorcast --for 20").unwrap();
        assert_eq!(wanted.peak_in, Duration::from_mins(3));
        assert_eq!(wanted.lasts, Duration::from_mins(20));
        assert_eq!(wanted.daemon, Some(PathBuf::from("/bin/floorcast")));
        assert_eq!(parse("").unwrap().daemon, None);
        assert!(parse("--with-daemon --for 20").unwrap().daemon.unwrap().ends_with("floorcast"));
    }

    #[test]
    fn wrong_arguments_get_the_usage() {
        for (line, told) in [
            ("--peek-in 3", "unknown argument `--peek-in`"),
            ("--for", "--for wants minutes"),
            ("--for 0", "from 1 to 1440"),
            ("--peak-in soon", "--peak-in wants minutes"),
        ] {
            let usage = parse(line).unwrap_err();
            assert!(usage.contains(told) && usage.contains("Usage"), "{line}: {usage}");
        }
    }
}
