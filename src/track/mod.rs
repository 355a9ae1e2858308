//! Which spine is which: costs, assignment, probabilities, tracks.
//!
//! [`Near::all`] finds the pairs of spines of two sessions that could be the same, [`Likeness`] says how alike they are;
//! [`assign`] chooses among them; [`beliefs`] says how sure each is; [`chain`] joins links to tracks. Nothing here depends on the order of spines or lines in
//! a file beyond the order they are given in, nor on threads.

mod assign;
mod belief;
mod chain;
mod emission;
mod likeness;
mod near;
mod presence;
mod scales;
mod states;

pub use crate::track::assign::{Match, assign};
pub use crate::track::belief::{Beliefs, beliefs};
pub use crate::track::chain::{Member, chain};
pub use crate::track::emission::{Evidence, FoundSpine};
pub use crate::track::likeness::Likeness;
pub use crate::track::near::{Laid, Near};
pub use crate::track::presence::{FittedSeries, Presence, PresenceParams, SeriesPresence, presence, presence_given};
pub use crate::track::scales::Scales;

use crate::params::params;

params! {
    /// Which spine is which in another session.
    ///
    /// ```
    /// use gemmule::track::TrackParams;
    /// let params = TrackParams::default().max_missed(0)?.persists(0.7)?;
    /// assert_eq!((params.max_missed, params.persists), (0, 0.7));
    /// assert!(params.persists(1.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct TrackParams in "track" {
        /// Standard deviation along the dendrite between two sessions of one spine.
        sigma_s_um: f64 = 0.5, "µm", 0.01..=10.0, "SCIENCE.md section 4; linked human points: .3 to .7 after elastic registration";
        /// Standard deviation of the distance from the centreline.
        sigma_u_um: f64 = 0.45, "µm", 0.01..=10.0, "linked human points: .35 to .55, each measured from its own session's centreline";
        /// Standard deviation along z.
        sigma_w_um: f64 = 1.2, "µm", 0.01..=20.0, "linked human points: .95 to 1.3, each measured from its own session's centreline";
        /// Links that a default counts for while the standard deviations are fitted to a pair of sessions.
        prior_links: f64 = 8.0, "links", 0.1..=10000.0, "a third of a small field's";
        /// Share of spines whose length, or whose depth, says nothing about who they are: spines grow, and planes are misjudged.
        stray: f64 = 0.1, "", 0.0..=1.0, "linked human points: 5 to 10 % beyond 2.5 sigma; .03 to .2 give the same links within 2 of 219";
        /// Added to the cost for opposite sides of the dendrite.
        opposite: f64 = 50.0, "", 0.0..=1000.0, "linked human spines are always on one side";
        /// Share of a session's spines that are found again in the next.
        persists: f64 = 0.85, "", 0.5..=0.999, "8 % turnover in 2 days (SCIENCE.md section 5), and one in ten is not found; .85 to .96 give the same links of human points within 3 of 219";
        /// Share of links that are wrong however sure the costs are.
        doubt: f64 = 0.02, "", 0.0..=1.0, "human links on rr30a: above .97 166 of 173 are right; a5n: 247 of 247";
        /// Largest displacement left after registration, in the image plane.
        reach_um: f64 = 8.0, "µm", 0.1..=100.0, "more than twice what local distortion was seen to be";
        /// Largest displacement left after registration, along z.
        reach_z_um: f64 = 6.0, "µm", 0.1..=100.0, "4 sigma_w_um: beyond it another dendrite is met";
        /// Largest number of rounds of weighing pairs and refitting the displacement.
        rounds: usize = 20, "", 1..=200, "it settles after about 10";
        /// Sessions that a spine may be missed in and still be the same one.
        max_missed: usize = 1, "sessions", 0..=100, "new spines often appear where one was lost: longer gaps are not the same spine";
        /// Farthest a spine may be from every centreline.
        max_distance_um: f64 = 10.0, "µm", 1.0..=1000.0, "twice the longest spines: beyond it a unit was mistaken";
    }
}
