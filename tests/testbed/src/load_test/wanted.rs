//! The command line of `load-test`.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
Usage: cargo run -p floorcast-testbed -- load-test [--minutes MINUTES] [--daemon PROGRAM] [--load-from-elsewhere]

Brings up a local control plane with two Deployments, each with an HPA and a real HTTP service whose capacity is its ready
replicas, one of them opted in to floorcast; sends the same load to both and prints what became of it.

  --minutes MINUTES       how long the load lasts (default 10; the rise comes after 3)
  --daemon PROGRAM        the daemon (default: floorcast beside this program, from `cargo build`)
  --load-from-elsewhere   sends nothing: the requests are yours, see tests/testbed/locust/locustfile.py";

/// What `load-test` is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// How long the load lasts.
    pub(crate) lasts: Duration,
    /// The daemon's program.
    pub(crate) daemon: PathBuf,
    /// Somebody else sends the requests.
    pub(crate) elsewhere: bool,
}

impl Wanted {
    /// Parses the arguments after `load-test`; the error is the usage, with what is wrong above it.
    pub(crate) fn parse(args: &[String]) -> Result<Self, String> {
        let mut args = args.iter().map(String::as_str);
        let mut wanted = Self { lasts: Duration::from_mins(10), daemon: crate::args::beside_us(), elsewhere: false };
        while let Some(arg) = args.next() {
            match arg {
                "--minutes" => wanted.lasts = crate::args::minutes(arg, args.next(), USAGE)?,
                "--daemon" => {
                    let program = args.next().ok_or_else(|| format!("--daemon wants a program\n\n{USAGE}"))?;
                    wanted.daemon = PathBuf::from(program);
                }
                "--load-from-elsewhere" => wanted.elsewhere = true,
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
        let wanted = parse("--minutes 5 --daemon /bin/floorcast --load-from-elsewhere").unwrap();
        assert_eq!(wanted.lasts, Duration::from_mins(5));
        assert_eq!((wanted.daemon, wanted.elsewhere), (PathBuf::from("/bin/floorcast"), true));
        assert!(parse("").unwrap().daemon.ends_with("floorcast"));
        for (line, told) in [("--minutes", "wants minutes"), ("--daemon", "wants a program"), ("--fast", "unknown")] {
            let usage = parse(line).unwrap_err();
            assert!(usage.contains(told) && usage.contains("Usage"), "{line}: {usage}");
        }
    }
}
