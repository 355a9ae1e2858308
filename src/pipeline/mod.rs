//! The only place that knows the order of stages.

pub mod bench;
mod blind;
mod calibrate;
mod calls;
mod cohort;
mod curation;
mod demo;
mod detect;
pub mod file_set;
mod intake;
mod learn;
mod learn_files;
mod lesson;
mod link;
mod logistic;
mod pair;
pub mod params;
mod place;
mod profile;
mod results;
mod route;
mod run_file;
mod scenario;
mod series;
mod sites;
mod stats_files;
mod track_files;

pub use crate::cohort::{Effect, Effects, Repeats, animal_sd, power};
pub use crate::dynamics::{Audit, DendriteLength};
pub use crate::score::DetectDetail;
pub use blind::{BLIND_FILES, BLIND_KEY, LOCKED, blind, blind_key, check_blind, check_open, unblind};
pub use calibrate::{CALIBRATION_FILES, CalibrationParams, calibrate, write_calibration};
pub use cohort::{
    COHORT_FILES, CohortOutcome, CohortParams, CohortRun, CohortTables, Collected, CollectedSeries, DendriteValue,
    Exclusion, NewSpine, Pictures, Quality, SERIES_FILES, SeriesRecord, Shard, SurvivalRow, cohort_tables, collect,
    run_cohort, write_cohort,
};
pub use curation::{Curation, CurationParams};
pub use demo::{
    Demo, PHANTOM_FILES, demo, score_detail, score_detect, score_links, score_tracks, write_phantom,
    write_phantom_series,
};
pub use detect::{Found, candidates, detect};
pub use file_set::FileSet;
pub use intake::Intake;
pub use learn::{Figures, GroupFigures, Learned, learn};
pub use learn_files::{LEARN_FILES, write_learn};
pub use lesson::{Group, Seen};
pub use link::{LINK_FILES, Linked, link, link_summary, write_link};
pub use pair::{Observed, PairLinks, Same, link_pair};
pub use params::Params;
pub use place::SitePlace;
pub use results::{DETECT_FILES, Origin, summary, write_detect};
pub use route::LeftOut;
pub use scenario::{SCENARIO_FILES, Scenario, write_scenario};
pub use series::{SeenSession, Tracked, see, track, track_curated};
pub use sites::{Sites, sites};
pub use stats_files::{STATS_FILES, write_stats};
pub use track_files::{
    AUDIT_FILE, CURATION_FILE, TRACK_FILES, check_template, lengths, track_summary, write_audit, write_track,
};
