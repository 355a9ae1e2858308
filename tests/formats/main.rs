//! Recordings as microscopes and other libraries write them: frozen files of `fixtures/microscopes.py`, whose voxels are a formula.

mod bombs;
mod faults;
mod files;
mod labels;
mod large;
