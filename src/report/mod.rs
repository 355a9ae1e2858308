//! Figures: what was found, drawn over the image it was found in.

mod canvas;
mod crops;
mod grey;
mod labels;
pub mod overlay;
mod projection;
mod strips;
mod style;

pub use overlay::{OverlayOptions, overlay};
pub use strips::Strips;
