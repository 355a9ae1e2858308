//! What became of a site over a whole series.

use crate::model::{Status, Track};

/// Fate of a site, from the sessions in which it can be judged. See the example of [`Fate::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// There in every one.
    Persistent,
    /// Not there at first, there from some session on.
    Formed,
    /// There at first, gone from some session on.
    Eliminated,
    /// It came and went, or went and came.
    Transient,
    /// Judged in fewer than two sessions, or never there.
    Unscorable,
}

impl Fate {
    /// Every fate, in the order of a legend.
    pub const ALL: [Self; 5] = [Self::Persistent, Self::Formed, Self::Eliminated, Self::Transient, Self::Unscorable];

    /// The fate of a track; sessions in which it cannot be judged are passed over.
    ///
    /// ```
    /// use gemmule::dynamics::Fate;
    /// use gemmule::model::{Call, Status::{Absent, Present, Unscorable}, Track};
    /// let fate = |calls: &[_]| {
    ///     let calls = calls.iter().map(|&status| Call::bare(status, None)).collect();
    ///     Fate::of(&Track { track_id: 1, dendrite_id: 1, s_um: 0.0, calls })
    /// };
    /// assert_eq!(fate(&[Present, Unscorable, Present]), Fate::Persistent);
    /// assert_eq!(fate(&[Absent, Present, Present]), Fate::Formed);
    /// assert_eq!(fate(&[Present, Absent, Unscorable]), Fate::Eliminated);
    /// assert_eq!(fate(&[Present, Absent, Present]), Fate::Transient);
    /// assert_eq!(fate(&[Unscorable, Present]), Fate::Unscorable);
    /// ```
    pub fn of(track: &Track) -> Self {
        let judged: Vec<bool> = track
            .calls
            .iter()
            .filter(|c| c.status != Status::Unscorable)
            .map(|c| c.status == Status::Present)
            .collect();
        let changes = judged.windows(2).filter(|w| w[0] != w[1]).count();
        match (judged.first(), changes) {
            (Some(true), 0) if judged.len() > 1 => Self::Persistent,
            (_, 0) | (None, _) => Self::Unscorable,
            (Some(false), 1) => Self::Formed,
            (Some(true), 1) => Self::Eliminated,
            _ => Self::Transient,
        }
    }
}
