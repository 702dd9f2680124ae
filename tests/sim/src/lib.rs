//! A fleet in one process: the core's engines under virtual time, over a network that loses, repeats, delays and
//! reorders, on disks that fail. Everything follows from one seed.
//!
//! ```text
//! Traffic ──► World ──► Node (engine, clock, link) ──► Disk
//!                │  ◄──► Network
//!                ▼
//!            Reference: every acknowledged outcome        check: equal to it, to each other, to a replay
//! ```
//!
//! [`World::settle`] gives the fleet a perfect network for long enough; then [`check::everything`] compares.

pub mod check;
mod clashes;
pub mod dice;
pub mod disk;
pub mod dump;
pub mod network;
pub mod node;
pub mod omniscient;
pub mod reference;
pub mod seeds;
pub mod story;
pub mod traffic;
pub mod world;

pub use dice::Dice;
pub use disk::{Disk, Failure};
pub use node::Node;
pub use world::World;
