//! Long random histories of one HPA under the whole chain: propose → allocate → finish → next → after, against the model API.

mod checks;
mod properties;
mod world;
