//! The command line of `cargo run -p floorcast-testbed`. In the library, so that the tests can hold the documentation against it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Where `up --with-daemon` lets the daemon tell its metrics, and answer commands and show its page: what the pages say. Another port each
/// where one is taken, and told.
pub const LISTEN: u16 = 8080;
/// See [`LISTEN`].
pub const API: u16 = 8081;

/// A real control plane on this machine, to look at and to put under load.
#[derive(Debug, Parser)]
#[command(name = "floorcast-testbed", bin_name = "cargo run -p floorcast-testbed --", subcommand_required = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Local control plane with a workload whose peak is minutes away
    ///
    /// Brings up a local control plane (etcd, kube-apiserver, kube-controller-manager, kwok, Prometheus) with a workload that is opted in
    /// and whose daily peak begins in a few minutes, and leaves it running until Ctrl-C.
    Up(Up),
    /// The same load on two services, one with the HPA alone and one with floorcast beside it
    ///
    /// Brings up a local control plane with two Deployments, each with an HPA and a real HTTP service whose capacity is its ready
    /// replicas, one of them opted in to floorcast; sends the same load to both and prints what became of it.
    LoadTest(LoadTest),
}

/// The arguments of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// When the load begins to rise
    #[arg(long, value_name = "MINUTES", default_value = "8", value_parser = minutes)]
    pub peak_in: Duration,
    /// Ends by itself after so long
    #[arg(long = "for", value_name = "MINUTES", default_value = "240", value_parser = minutes)]
    pub lasts: Duration,
    /// Start the daemon too: this program, or the floorcast beside this one, from `cargo build`
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1)]
    with_daemon: Option<Vec<PathBuf>>,
}

/// The arguments of `load-test`.
#[derive(Debug, Args)]
pub struct LoadTest {
    /// How long the load lasts; the rise comes after 3 minutes
    #[arg(long = "minutes", value_name = "MINUTES", default_value = "10", value_parser = minutes)]
    pub lasts: Duration,
    /// The daemon; without it the floorcast beside this program, from `cargo build`
    #[arg(long, value_name = "PROGRAM")]
    daemon: Option<PathBuf>,
    /// Send nothing: the requests are yours, see tests/testbed/locust/locustfile.py
    #[arg(long)]
    pub load_from_elsewhere: bool,
}

impl Up {
    /// The daemon's program, if it is to be started.
    pub fn daemon(&self) -> Option<PathBuf> {
        self.with_daemon.as_ref().map(|program| program.first().cloned().unwrap_or_else(beside_us))
    }
}

impl LoadTest {
    /// The daemon's program.
    pub fn daemon(&self) -> PathBuf {
        self.daemon.clone().unwrap_or_else(beside_us)
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().filter(|number| (1..=1440).contains(number));
    number.map(Duration::from_mins).ok_or_else(|| "minutes are whole and from 1 to 1440, such as 10".to_owned())
}

/// The daemon that `cargo build` made.
fn beside_us() -> PathBuf {
    let us = std::env::current_exe().unwrap_or_default();
    us.with_file_name("floorcast")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        let words = std::iter::once("floorcast-testbed").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| arguments.command).map_err(|wrong| wrong.to_string())
    }

    fn up(line: &str) -> Up {
        match read(line).unwrap() {
            Command::Up(up) => up,
            other @ Command::LoadTest(_) => panic!("{other:?}"),
        }
    }

    fn load_test(line: &str) -> LoadTest {
        match read(line).unwrap() {
            Command::LoadTest(load_test) => load_test,
            other @ Command::Up(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn arguments_are_read() {
        let wanted = up("up --peak-in 3 --with-daemon /bin/floorcast --for 20");
        assert_eq!((wanted.peak_in, wanted.lasts), (Duration::from_mins(3), Duration::from_mins(20)));
        assert_eq!(wanted.daemon(), Some(PathBuf::from("/bin/floorcast")));
        assert_eq!(up("up").daemon(), None);
        assert!(up("up --with-daemon --for 20").daemon().unwrap().ends_with("floorcast"));
        let wanted = load_test("load-test --minutes 5 --daemon /bin/floorcast --load-from-elsewhere");
        assert_eq!((wanted.lasts, wanted.load_from_elsewhere), (Duration::from_mins(5), true));
        assert_eq!(wanted.daemon(), PathBuf::from("/bin/floorcast"));
        assert!(load_test("load-test").daemon().ends_with("floorcast"));
    }

    #[test]
    fn wrong_arguments_are_told() {
        for (line, told) in [
            ("", "Usage"),
            ("down", "unrecognized subcommand 'down'"),
            ("up --peek-in 3", "a similar argument exists: '--peak-in'"),
            ("up --for", "a value is required for '--for <MINUTES>'"),
            ("up --for 0", "from 1 to 1440"),
            ("up --peak-in soon", "minutes are whole"),
            ("load-test --minutes", "a value is required"),
            ("load-test --daemon", "a value is required"),
            ("load-test --fast", "unexpected argument '--fast'"),
        ] {
            let said = read(line).unwrap_err();
            assert!(said.contains(told), "{line}: {said}");
        }
    }
}
