//! Loopback ports that are free and stay ours.
//!
//! The kernel's "any free port" comes from the range that outgoing connections use too, so a server stopped for a while
//! could find its port taken. These come from below that range, and a lock file keeps other test processes off them.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use crate::Error;

const FIRST: u16 = 20_000;
const LAST: u16 = 29_999;

/// A port on 127.0.0.1, claimed until dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: File,
}

impl Port {
    /// Finds and claims a free port.
    pub fn claim() -> Result<Self, Error> {
        let directory = std::env::temp_dir().join("floorcast-testbed-ports");
        std::fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        let count = LAST - FIRST + 1;
        let start = u16::try_from(RandomState::new().build_hasher().finish() % u64::from(count)).unwrap_or(0);
        for offset in 0..count {
            let number = FIRST + (start + offset) % count;
            let path = directory.join(number.to_string());
            let claim = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
            if claim.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _claim: claim });
            }
        }
        Err(Error::NoPort { from: FIRST, to: LAST })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn claimed_ports_differ_and_can_be_bound() {
        let ports: Vec<Port> = (0..50).map(|_| Port::claim().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        for number in numbers {
            TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        }
    }
}
