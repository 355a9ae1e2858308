//! Nested linear mixed models.

mod design;
mod fit;
mod optimise;
mod rows;

pub use design::MixedDesign;
pub use fit::{Coefficient, MixedFit, fit_mixed};
pub use rows::Model;
pub(super) use rows::model_rows;
