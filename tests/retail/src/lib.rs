//! A real shop's order lines: how they are read, how they are dealt to nodes as stock movements, and how they are
//! played over a fleet of nodes, each a process.
//!
//! The collection is *Online Retail* of the UCI Machine Learning Repository (Chen, Sain, Guo 2012): every order line of
//! a British shop for gifts. It is no part of this tree; `TILLMESH_FIXTURES` names the folder above it. `sample` has
//! its format, and lines that were written by hand.

pub mod books;
pub mod collection;
pub mod deal;
pub mod fleet;
pub mod journal;
pub mod play;
pub mod row;
