//! Cohorts: from the values of many dendrites in many animals to effects of a treatment.
//!
//! [`read_long_csv`] reads the long table of anyone, [`stats()`] turns it into [`Effects`]. Animals are the unit of the default test: a treatment is given to an
//! animal, and its dendrites are not independent of each other.

mod adjusted;
mod animals;
mod arms;
mod bootstrap;
mod compare;
mod effects;
mod lives;
mod log_rank;
mod long;
mod long_read;
mod mixed;
mod params;
mod permutation;
mod power;
mod series;
mod splits;
mod stats;
mod survival_rows;
mod turnbull;
mod two_sample;

pub use adjusted::{Adjusted, adjusted};
pub use bootstrap::bootstrap_t;
pub use effects::{AnimalMean, Effect, Effects, effects_table, write_effects_csv};
pub use lives::{Life, read_lives_csv};
pub use log_rank::{LogRank, log_rank, log_rank_permutation};
pub use long::{LONG_COLUMNS, LongRow, LongTable, write_long_csv};
pub use long_read::read_long_csv;
pub use mixed::{Coefficient, MixedDesign, MixedFit, Model, fit_mixed};
pub use params::{AnimalValue, Arm, ModelDf, Repeats, StatsParams};
pub use permutation::{Permutation, permutation};
pub use power::{Power, PowerParams, animal_sd, power};
pub use series::Scale;
pub use stats::stats;
pub use survival_rows::survival_effects;
pub use turnbull::{TurnbullStep, turnbull};
pub use two_sample::{Hedges, Welch, hedges, holm, welch};
