//! Figures: what was found, drawn over the image it was found in.

mod calibration;
mod canvas;
mod cohort;
mod crops;
mod grey;
pub(crate) mod html;
mod labels;
pub mod overlay;
mod plot;
mod projection;
mod roofline;
mod series;
mod stats;
mod strips;
mod style;
mod time_course;

pub use calibration::calibration_svg;
pub use cohort::{CohortReport, NewSpineControl, SurvivalCurve, TextTable, cohort_report};
pub use overlay::{OverlayOptions, overlay};
pub use roofline::{RooflinePanel, RooflinePoint, roofline};
pub use series::{Origin, Registration, SeriesReport, SeriesReportData};
pub use stats::stats_html;
pub use strips::Strips;
