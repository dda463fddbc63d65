//! The whole daemon, twice: by seeds on simulated time, and as a process on a real control plane.
//!
//! Both are one program, so that seeds are computed while scenarios wait for the real clock. Tests begin in the order of their names,
//! a dozen at a time: the simulation begins first, and yields to whatever else is ready to run.

mod simulation;
mod system;
