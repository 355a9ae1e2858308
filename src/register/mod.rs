//! From one session to another: a rigid transform, which dendrite is which, and what is left along each dendrite.
//!
//! [`rigid`] fits centrelines to centrelines; it needs no image and no identities. [`overlaps`] says which line runs along
//! which. Where the lines run too straight to fix a shift along them, [`Drift::slid`] says what the image says of it and [`slid`] moves the session. [`Drift`] weighs how far each place has moved along its line, by what marks and [`Profile`]s say; [`elastic`] makes a smooth displacement along each line from pairs of places that are the same.
//! Within a session, [`motion()`] says how far each plane is displaced.

mod along;
mod cloud;
mod drift;
mod elastic;
mod fit;
mod motion;
mod overlap;
mod profile;
mod solve;
mod vote;

pub use crate::register::along::Slid;
pub use crate::register::drift::{Drift, Drifted};
pub use crate::register::elastic::{Pair, elastic};
pub use crate::register::fit::{Marks, RigidFit, rigid, slid};
pub use crate::register::motion::{MotionParams, motion};
pub use crate::register::overlap::{Overlap, overlaps};
pub use crate::register::profile::Profile;

use crate::params::params;

params! {
    /// From one session to another.
    ///
    /// ```
    /// use gemmule::register::RegisterParams;
    /// let params = RegisterParams::default().max_shift_xy_um(20.0)?.max_turn_deg(8.0)?;
    /// assert_eq!((params.max_shift_xy_um, params.max_turn_deg), (20.0, 8.0));
    /// assert!(params.min_inlier_share(1.5).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct RegisterParams in "register" {
        /// Largest shift sought in the image plane, after the turn.
        max_shift_xy_um: f64 = 10.0, "µm", 0.0..=100.0, "twice the 5 µm to be withstood; real sessions differ by 1 to 6 µm";
        /// Largest shift sought along z.
        max_shift_z_um: f64 = 10.0, "µm", 0.0..=100.0, "real sessions differ by up to 4.4 µm (SCIENCE.md section 7)";
        /// Largest turn sought in the image plane.
        max_turn_deg: f64 = 5.0, "degrees", 0.0..=30.0, "chronic windows are turned by 1 to 3 degrees between sessions";
        /// A centreline point this close to the other session's lines agrees with them.
        inlier_um: f64 = 2.0, "µm", 0.1..=20.0, "below the distance between neighbouring dendrites, above the bending left by a rigid fit";
        /// Least share of the centrelines that must agree.
        min_inlier_share: f64 = 0.5, "", 0.0..=1.0, "30 % lost from each of two sessions leaves .7; unrelated fields of 3 to 50 dendrites reach .08 to .31";
        /// Largest median distance, in the image plane, of the centreline points that agree.
        max_median_um: f64 = 0.9, "µm", 0.01..=20.0, "real sessions: .2 to .5; lines that cross by chance: 1";
        /// Least length over which two lines must run together to be the same dendrite; of short lines, half.
        min_overlap_um: f64 = 7.0, "µm", 0.1..=100.0, "a crossing at 37 degrees stays within inlier_um for 6.7 µm";
        /// Reach of the regression of displacement along a dendrite.
        elastic_um: f64 = 6.0, "µm", 0.5..=100.0, "leave-one-out error on linked human points is flat from 4 to 12";
        /// Standard deviation of the displacement along a dendrite that a rigid fit leaves.
        drift_um: f64 = 0.5, "µm", 0.05..=10.0, "linked human points differ by .75 along the dendrite, of which .5 to .6 is their own scatter; at .7 phantoms' new spines were linked to gone ones 2 µm away";
        /// Distance over which that displacement is forgotten.
        drift_length_um: f64 = 12.0, "µm", 1.0..=1000.0, "6 to 25 µm give the same links within 2 of 219";
        /// Largest such displacement.
        drift_reach_um: f64 = 6.0, "µm", 0.5..=50.0, "more than twice what local distortion was seen to be";
        /// Weight of the image beside a dendrite, per half µm of it.
        profile_weight: f64 = 1.0, "", 0.0..=100.0, "1 to 4 give the same median error on linked human points; neighbouring rows share noise and spines change, so the least";
        /// How sure it must be how far a session has slid along dendrites that run one way, where the image has to say it.
        slide_sure: f64 = 0.5, "", 0.0..=1.0, "as likely as not: a session slid by 4 µm turns over all its spines; phantoms of one dendrite are right from .4";
        /// Weight of the whole session's displacement against one linked place.
        elastic_prior: f64 = 1.0, "", 0.0..=100.0, "one neighbour's worth: keeps empty stretches where their session is";
    }
}
