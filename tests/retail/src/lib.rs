//! A real shop's order lines: how they are read, and how they are dealt to nodes as stock movements. Pure, so that the
//! rules can be tested line by line; `tests/it` plays them over nodes.
//!
//! The collection is *Online Retail* of the UCI Machine Learning Repository (Chen, Sain, Guo 2012): every order line of
//! a British shop for gifts. It is no part of this tree; `TILLMESH_FIXTURES` names the folder above it. `sample` has
//! its format, and lines that were written by hand.

pub mod collection;
pub mod deal;
pub mod row;
