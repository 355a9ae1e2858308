//! gemmule finds dendritic spines in 3D two-photon and confocal stacks, on any GPU or on the CPU, and follows them over
//! imaging sessions.
//!
//! Data flows one way: `io -> filter -> trace -> detect -> measure -> ... -> report`. Stages share the types of
//! [`model`], [`volume`] and [`units`] and never import each other; [`pipeline`] alone knows their order.

/// The README's examples are run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod assignment;
pub mod columns;
pub mod error;
pub mod geometry;
pub mod interventions;
pub mod model;
pub mod params;
pub mod progress;
pub mod statistics;
pub mod straight;
mod table;
pub mod units;
pub mod volume;

#[cfg(feature = "cli")]
pub mod cli;
pub mod cohort;
pub mod detect;
pub mod dynamics;
pub mod engine;
pub mod filter;
pub mod io;
pub mod kernel;
pub mod measure;
pub mod phantom;
pub mod pipeline;
pub mod register;
pub mod report;
pub mod score;
pub mod trace;
pub mod track;
