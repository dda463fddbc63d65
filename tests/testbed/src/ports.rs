//! Loopback ports that are free and stay ours.
//!
//! The kernel's "any free port" comes from the range that outgoing connections use too, so a server stopped for a while
//! could find its port taken. These come from below that range, and a lock file keeps other test processes off them.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use tokio::net::TcpSocket;

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
    /// Finds and claims a free port, for a process that is to listen there.
    ///
    /// It is tried by a socket that does not listen. A process just forked by another thread has a copy of it until it executes
    /// its program, and only a copy that listens would keep the port from whom it is for (`SO_REUSEADDR`, which Rust and Go set).
    pub fn claim() -> Result<Self, Error> {
        Ok(Self::first(tried)?.0)
    }

    /// Claims this port, or any other where it is taken: for addresses that people type.
    pub fn prefer(number: u16) -> Result<Self, Error> {
        match Self::only(number, tried)? {
            Some((port, ())) => Ok(port),
            None => Self::claim(),
        }
    }

    /// Finds and claims a free port and listens there, for servers of this process.
    pub fn listen() -> Result<(Self, TcpListener), Error> {
        Self::first(TcpListener::bind)
    }

    fn first<T>(bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> Result<(Self, T), Error> {
        let count = LAST - FIRST + 1;
        let start = u16::try_from(RandomState::new().build_hasher().finish() % u64::from(count)).unwrap_or(0);
        for offset in 0..count {
            let number = FIRST + (start + offset) % count;
            if let Some(port) = Self::only(number, &bind)? {
                return Ok(port);
            }
        }
        Err(Error::NoPort { from: FIRST, to: LAST })
    }

    /// This one, if nobody else has it.
    fn only<T>(number: u16, bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> Result<Option<(Self, T)>, Error> {
        let directory = std::env::temp_dir().join("floorcast-testbed-ports");
        std::fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        let path = directory.join(number.to_string());
        let claim = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::file("open", &path))?;
        if claim.try_lock().is_err() {
            return Ok(None);
        }
        let bound = bind((Ipv4Addr::LOCALHOST, number).into()).ok();
        Ok(bound.map(|bound| (Self { number, _claim: claim }, bound)))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Bound to and given back without ever listening.
fn tried(at: SocketAddr) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn claimed_ports_differ_and_a_port_in_use_is_nobodys() {
        let ports: Vec<(Port, TcpListener)> = (0..50).map(|_| Port::listen().unwrap()).collect();
        let claimed: Vec<Port> = (0..50).map(|_| Port::claim().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|(port, _)| port).chain(&claimed).map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 100);
    }

    #[test]
    fn a_preferred_port_is_given_once_and_then_another() {
        // One that nobody has just now; whoever takes it meanwhile only makes both another.
        let number = Port::claim().unwrap().number();
        let first = Port::prefer(number).unwrap();
        let second = Port::prefer(number).unwrap();
        assert_ne!(first.number(), second.number());
    }

    #[test]
    fn a_claimed_port_can_be_listened_on_while_copies_of_the_trial_live() {
        let bound = |at| {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(at)?;
            Ok(socket)
        };
        let (port, _copy) = Port::first(bound).unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
    }
}
