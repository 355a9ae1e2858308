//! What the stages hand on: dendrites and spines, in µm and in the field's own terms.

use serde::{Deserialize, Serialize};

use crate::units::PointUm;

/// How noisy a stack is: variance = `gain` * (value - `offset`) + `read_variance`, all in the file's grey levels.
///
/// Photons are (value - `offset`) / `gain`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseModel {
    /// Grey levels per detected photon.
    pub gain: f64,
    /// Grey level without light.
    pub offset: f64,
    /// Variance without light, grey levels squared.
    pub read_variance: f64,
}

impl NoiseModel {
    /// Variance of a voxel of mean `value`, grey levels squared.
    pub fn variance(&self, value: f64) -> f64 {
        (self.gain * (value - self.offset)).max(0.0) + self.read_variance
    }
}

/// A stretch of one side of a dendrite on which spines cannot be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unscorable {
    /// Start, arc length in µm.
    pub from_um: f64,
    /// End, arc length in µm.
    pub to_um: f64,
    /// On which side.
    pub side: Side,
    /// Why.
    pub reason: UnscorableReason,
}

/// Why a stretch or a site cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnscorableReason {
    /// Runs too steeply along z: the sides are not in one plane.
    Steep,
    /// Outside the volume, or within the margin that the filters need.
    OutOfVolume,
    /// The detector saturates.
    Saturated,
    /// Another neurite crosses.
    Crossed,
    /// Too dim: a spine of typical brightness would not be seen.
    Dim,
    /// In this session no dendrite was traced there.
    NotTraced,
    /// A person says so.
    Curated,
}

/// The centreline of one dendrite segment.
///
/// `points`, `s_um` and `radius_um` have the same length, at least 2; the spacing is about .1 µm.
#[derive(Clone, Debug, PartialEq)]
pub struct Dendrite {
    /// Number of the dendrite, from 1, ordered by length (longest first).
    pub dendrite_id: u32,
    /// Centreline.
    pub points: Vec<PointUm>,
    /// Arc length at each point, µm, from 0.
    pub s_um: Vec<f64>,
    /// Half-maximum radius of the shaft at each point, µm.
    pub radius_um: Vec<f64>,
    /// Where it joins another dendrite: that dendrite's number and the position in its `points`.
    pub parent: Option<(u32, usize)>,
    /// Stretches on which spines cannot be judged, sorted by start.
    pub unscorable: Vec<Unscorable>,
}

impl Dendrite {
    /// Length of the centreline, µm.
    pub fn length_um(&self) -> f64 {
        self.s_um.last().copied().unwrap_or(0.0)
    }

    /// Length of the centreline that can be judged, µm: the mean of what can be on either side.
    pub fn scorable_length_um(&self) -> f64 {
        let covered = |side: Side| {
            let (mut covered, mut end) = (0.0, 0.0_f64);
            for stretch in self.unscorable.iter().filter(|u| u.side == side) {
                covered += (stretch.to_um - stretch.from_um.max(end)).max(0.0);
                end = end.max(stretch.to_um);
            }
            covered
        };
        (self.length_um() - 0.5 * (covered(Side::Left) + covered(Side::Right))).max(0.0)
    }

    /// Why spines cannot be judged on one side at arc length `s_um`; none if they can.
    pub fn unscorable_at(&self, s_um: f64, side: Side) -> Option<UnscorableReason> {
        let here = |u: &&Unscorable| u.side == side && (u.from_um..=u.to_um).contains(&s_um);
        self.unscorable.iter().find(here).map(|u| u.reason)
    }

    /// The shaft's edge beside centreline point `i`: its half-maximum radius along the normal of that side.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn edge(&self, i: usize, side: Side) -> PointUm {
        let p = self.points[i];
        let (a, b) = (self.points[i.saturating_sub(1)], self.points[(i + 1).min(self.points.len() - 1)]);
        let (dy, dx) = (b.y - a.y, b.x - a.x);
        let out_um = if side == Side::Left { self.radius_um[i] } else { -self.radius_um[i] };
        // Where the curve runs along z there is no side.
        let per_um = out_um / dy.hypot(dx).max(1e-9);
        PointUm::new(p.z, p.y - dx * per_um, p.x + dy * per_um)
    }

    /// The centreline point at arc length `s_um` (clamped to the ends).
    pub fn point_at(&self, s_um: f64) -> PointUm {
        let after = self.s_um.partition_point(|&s| s < s_um).clamp(1, self.points.len() - 1);
        let (s0, s1) = (self.s_um[after - 1], self.s_um[after]);
        let fraction = if s1 > s0 { ((s_um - s0) / (s1 - s0)).clamp(0.0, 1.0) } else { 0.0 };
        self.points[after - 1].lerp(self.points[after], fraction)
    }
}

/// Side of the dendrite a spine is on, looking along increasing arc length with z towards the viewer's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Along the normal (-t_x, t_y) of the tangent (t_y, t_x) in the order (y, x).
    Left,
    /// The other one.
    Right,
}

/// Shape class, in the field's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpineClass {
    /// No neck that could be seen.
    Stubby,
    /// A small head on a neck.
    Thin,
    /// A large head.
    Mushroom,
    /// Long, without a head.
    Filopodium,
    /// The optics do not allow a class; the spine's flags say why.
    Unclassified,
}

/// One protrusion in one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Spine {
    /// Number, from 1, ordered by dendrite and arc length.
    pub spine_id: u32,
    /// The dendrite it sits on.
    pub dendrite_id: u32,
    /// Centre of the head.
    pub head: PointUm,
    /// Outer tip.
    pub tip: PointUm,
    /// Where it hangs from, on the centreline.
    pub base: PointUm,
    /// Arc length of the base, µm.
    pub s_um: f64,
    /// Side of the dendrite.
    pub side: Side,
    /// From the shaft's edge to the tip, µm.
    pub length_um: f64,
    /// Full width at half maximum of the head, µm; none where the profile could not be fitted.
    pub head_width_um: Option<f64>,
    /// Share of the variance of the line profile through the head that the fitted peak explains, 0 to 1; none where no peak fits at all.
    pub head_width_fit: Option<f64>,
    /// Residual peak over the shaft's axis brightness: the primary measure of size.
    pub brightness: f64,
    /// Apparent volume of the head, µm³: follows true volume in rank, but heads larger than the focus read too small.
    pub volume_um3: f64,
    /// Residual peak in standard deviations of its noise.
    pub snr: f64,
    /// How sure the detector is, higher is surer; the threshold is in the detection parameters.
    pub score: f64,
    /// Shape class.
    pub class: SpineClass,
    /// What a reader should know about this row, sorted.
    pub flags: Vec<SpineFlag>,
}

/// Remarks on a spine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpineFlag {
    /// The head is narrower than the optics resolve: its width is an upper bound.
    HeadAtOpticalFloor,
    /// The line profile across the head does not look like one peak.
    PoorWidthFit,
    /// No separate maximum: the head merges with the blur of the shaft.
    Shoulder,
    /// Planes too far apart, or the spread of focus too long, for shape classes.
    ClassNotResolvable,
    /// Signal goes on beyond the head: a neurite may pass here.
    SignalBeyondHead,
    /// Signal on the opposite side too: a neurite may cross here.
    OppositeSignal,
    /// On a stretch that cannot be judged.
    OnUnscorableStretch,
    /// At the border of the volume.
    AtBorder,
    /// Some of its voxels are saturated.
    Saturated,
}

/// One imaging session of a field of view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its name: the index in the order given (0, 1, ...) unless the user names it.
    pub name: String,
    /// Days since whatever the user counts from, where known.
    pub day: Option<f64>,
}

/// Whether a spine is at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is.
    Present,
    /// It is not, and would have been seen.
    Absent,
    /// It cannot be told: the site counts neither for nor against.
    Unscorable,
}

/// What is known about a site in one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The decision.
    pub status: Status,
    /// Probability that a spine is there; none where it cannot be told.
    pub p_present: Option<f64>,
    /// Probability that one is there in this and in the session before; none where that is not known.
    pub p_both: Option<f64>,
    /// Share of spines of this size that are found in that session by themselves; none where that is not known.
    pub p_found: Option<f64>,
    /// Where, in that session's own µm: the spine's place, or where it would be; none where not even that is known.
    pub place: Option<PointUm>,
    /// Number of the spine in that session's table (`spine_id`, or `spine_row` of marks), if one was found there.
    pub spine: Option<i64>,
    /// Full width at half maximum of the head, µm.
    pub head_width_um: Option<f64>,
    /// Residual peak over the shaft's axis brightness, measured at this place whether or not a spine was found.
    pub brightness: Option<f64>,
    /// The same over the smallest that would have been seen there.
    pub contrast: Option<f64>,
    /// Why it cannot be told, for [`Status::Unscorable`].
    pub reason: Option<UnscorableReason>,
    /// Who made the call, if a person did.
    pub curated: Option<String>,
}

impl Call {
    /// A call about a site of which nothing has been measured.
    pub fn bare(status: Status, place: Option<PointUm>) -> Self {
        Self {
            status,
            p_present: None,
            p_both: None,
            p_found: None,
            place,
            spine: None,
            head_width_um: None,
            brightness: None,
            contrast: None,
            reason: None,
            curated: None,
        }
    }

    /// How near the call is to even odds: 0 (certain, made by a person, or none) to .5.
    pub fn doubt(&self) -> f64 {
        let p = self.p_present.filter(|_| self.curated.is_none());
        p.map_or(0.0, |p| 0.5 - (p - 0.5).abs())
    }
}

/// A site, and what became of it in every session.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Number, from 1, ordered by first session, dendrite and arc length.
    pub track_id: u32,
    /// The dendrite, by the number common to all sessions, from 1.
    pub dendrite_id: u32,
    /// Arc length along the dendrite as traced in the first session that has the site, µm.
    pub s_um: f64,
    /// One call per session, in the order of the sessions.
    pub calls: Vec<Call>,
}

impl Track {
    /// The doubt of its least certain call.
    pub fn doubt(&self) -> f64 {
        self.calls.iter().map(Call::doubt).fold(0.0, f64::max)
    }
}

/// What a person says of a site in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A spine is there.
    Present,
    /// None is there.
    Absent,
    /// It cannot be told.
    Unscorable,
    /// What is there is no spine, in this and in every session.
    NotASpine,
}

/// Codes that stand for field, sessions and crops while raters must not know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// Of the field of view.
    pub field: String,
    /// Of every session's picture.
    pub sessions: Vec<String>,
    /// Number of every site, from 1, in no order: that of tracks tells which session a site was first seen in.
    pub numbers: Vec<u32>,
    /// Of every crop, by site and session.
    pub codes: Vec<Vec<String>>,
}

impl Blind {
    /// The sessions in the order in which site `site` shows them: that of its codes.
    pub fn order(&self, site: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.codes[site].len()).collect();
        order.sort_by_key(|&k| &self.codes[site][k]);
        order
    }
}

/// Two spines of different sessions that are the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Position of the earlier session among the sessions.
    pub session_a: usize,
    /// Number of the spine there.
    pub spine_a: i64,
    /// Position of the later session.
    pub session_b: usize,
    /// Number of the spine there.
    pub spine_b: i64,
    /// The track that holds both.
    pub track_id: u32,
    /// Probability that they are the same spine, given the alternatives.
    pub p_same: f64,
}

/// One figure of a calibration, with its 95 % interval where one can be given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRow {
    /// Photons on the axis of the brightest shaft.
    pub photons: f64,
    /// What is given: `recall`, `bias`, ...
    pub figure: String,
    /// Of which spines or of which measure.
    pub of: String,
    /// The bin of `of`, lower edge; none for all spines.
    pub from: Option<f64>,
    /// Upper edge of the bin; none if it is open.
    pub to: Option<f64>,
    /// Spines counted.
    pub n: usize,
    /// The figure; none without spines.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}
