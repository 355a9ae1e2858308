//! Which spine is which: costs, assignment, probabilities, tracks.
//!
//! [`Near::all`] finds the pairs of spines of two sessions that could be the same; [`assign`] chooses among them;
//! [`p_same`] says how sure each is; [`chain`] joins links to tracks. Nothing here depends on the order of spines or lines in
//! a file beyond the order they are given in, nor on threads.

mod assign;
mod belief;
mod chain;
mod near;
mod presence;

pub use crate::track::assign::{Match, assign};
pub use crate::track::belief::p_same;
pub use crate::track::chain::{Member, chain};
pub use crate::track::near::{Laid, Near};
pub use crate::track::presence::{Evidence, FittedSeries, Presence, PresenceParams, SeriesPresence, presence};

use crate::params::params;

params! {
    /// Which spine is which in another session.
    pub struct TrackParams in "track" {
        /// Standard deviation along the dendrite between two sessions of one spine.
        sigma_s_um: f64 = 0.5, "µm", 0.01..=10.0, "SCIENCE.md section 4; linked human points: .3 to .7 after elastic registration";
        /// Standard deviation of the distance from the centreline.
        sigma_u_um: f64 = 0.6, "µm", 0.01..=10.0, "SCIENCE.md section 4; linked human points: .26 to .4";
        /// Standard deviation along z.
        sigma_w_um: f64 = 1.5, "µm", 0.01..=20.0, "SCIENCE.md section 4; linked human points: .9 to 1.3";
        /// Most that a change of length, or of depth, can cost: spines grow, and planes are misjudged.
        cap: f64 = 4.0, "", 0.1..=1000.0, "a deviation of 2.8 sigma";
        /// Added for opposite sides of the dendrite.
        opposite: f64 = 50.0, "", 0.0..=1000.0, "linked human spines are always on one side";
        /// Cost of a spine that has no partner, in either session.
        unpaired: f64 = 4.5, "", 0.0..=100.0, "SCIENCE.md section 4: 4.5 to 7 are equal";
        /// Share of links that are wrong however sure the costs are.
        doubt: f64 = 0.02, "", 0.0..=1.0, "of links surer than .99 by their costs 9 of 199 were wrong on rr30a, 1 of 254 on a5n";
        /// Largest displacement left after registration, in the image plane.
        reach_um: f64 = 8.0, "µm", 0.1..=100.0, "more than twice what local distortion was seen to be";
        /// Largest displacement left after registration, along z.
        reach_z_um: f64 = 6.0, "µm", 0.1..=100.0, "4 sigma_w_um: beyond it another dendrite is met";
        /// Factors of the sigmas in the first rounds, in which the displacement along the dendrites is still unknown.
        widen: Vec<f64> = vec![2.0, 1.5, 1.0], "", 0.1..=10.0, "a rigid fit leaves 1.0 µm in the median: 2 sigma";
        /// Largest number of rounds of weighing pairs and refitting the displacement.
        rounds: usize = 20, "", 1..=200, "it settles after about 10";
        /// Sessions that a spine may be missed in and still be the same one.
        max_missed: usize = 1, "sessions", 0..=100, "new spines often appear where one was lost: longer gaps are not the same spine";
        /// Farthest a spine may be from every centreline.
        max_distance_um: f64 = 10.0, "µm", 1.0..=1000.0, "twice the longest spines: beyond it a unit was mistaken";
    }
}
