//! What this build is.

/// Version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Git revision, or `unknown`.
pub const REVISION: &str = env!("FLOORCAST_REVISION");
/// Compiler, or `unknown`.
pub const RUSTC: &str = env!("FLOORCAST_RUSTC");
/// What `--version` prints after the name.
pub const LONG: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("FLOORCAST_REVISION"), ", ", env!("FLOORCAST_RUSTC"), ")");
