//! floorcast.
