//! What the stages hand on: dendrites and spines, in µm and in the field's own terms.

mod motion;
mod series;

use serde::{Deserialize, Serialize};

pub use crate::model::motion::Motion;
pub use crate::model::series::{Blind, Call, Link, Session, Status, Track, Verdict};
use crate::units::PointUm;

/// How noisy a stack is: variance = `gain` * (value - `offset`) + `read_variance`, all in the file's grey levels.
///
/// Photons are (value - `offset`) / `gain`.
///
/// ```
/// use gemmule::model::NoiseModel;
/// let noise = NoiseModel { gain: 4.0, offset: 10.0, read_variance: 1.0 };
/// assert_eq!(noise.variance(50.0), 161.0); // 10 photons
/// assert_eq!(noise.variance(0.0), 1.0); // below the offset there is no light
/// ```
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
    /// Variance of a voxel of mean `value`, grey levels squared. See the example of [`NoiseModel`].
    pub fn variance(&self, value: f64) -> f64 {
        (self.gain * (value - self.offset)).max(0.0) + self.read_variance
    }
}

/// A stretch of one side of a dendrite on which spines cannot be judged. See the example of [`Dendrite`].
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

/// Why a stretch or a site cannot be judged. See the example of [`Dendrite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnscorableReason {
    /// An axon: it is traced, but has no spines.
    Axon,
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
    /// The plane is lost to motion, or displaced too far.
    Motion,
    /// In this session no dendrite was traced there.
    NotTraced,
    /// The session cannot be brought to the others.
    NotRegistered,
    /// A person says so.
    Curated,
}

/// The centreline of one dendrite segment.
///
/// `points`, `s_um` and `radius_um` have the same length, at least 2; the spacing is about .1 µm.
///
/// ```
/// use gemmule::model::{Dendrite, Side, Unscorable, UnscorableReason};
/// use gemmule::units::PointUm;
/// let steep = |from_um, to_um, side| Unscorable { from_um, to_um, side, reason: UnscorableReason::Steep };
/// let dendrite = Dendrite {
///     dendrite_id: 1,
///     points: vec![PointUm::new(5.0, 10.0, 0.0), PointUm::new(5.0, 10.0, 8.0)],
///     s_um: vec![0.0, 8.0],
///     radius_um: vec![0.4, 0.4],
///     parent: None,
///     unscorable: vec![steep(0.0, 2.0, Side::Left), steep(0.0, 2.0, Side::Right), steep(6.0, 8.0, Side::Left)],
/// };
/// assert_eq!((dendrite.length_um(), dendrite.scorable_length_um()), (8.0, 5.0));
/// assert_eq!(dendrite.unscorable_length_um(UnscorableReason::Steep), 3.0);
/// assert_eq!(dendrite.unscorable_at(7.0, Side::Left), Some(UnscorableReason::Steep));
/// assert_eq!(dendrite.unscorable_at(7.0, Side::Right), None);
/// assert_eq!(dendrite.point_at(2.0), PointUm::new(5.0, 10.0, 2.0));
/// assert_eq!(dendrite.edge(1, Side::Left), PointUm::new(5.0, 9.6, 8.0)); // left is towards smaller y here
/// ```
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
    /// Length on which a side is unscorable for a reason, half of it for one side, µm. See the example of [`Dendrite`].
    pub fn unscorable_length_um(&self, reason: UnscorableReason) -> f64 {
        self.unscorable.iter().filter(|u| u.reason == reason).map(|u| 0.5 * (u.to_um - u.from_um)).sum()
    }

    /// Length of the centreline, µm. See the example of [`Dendrite`].
    pub fn length_um(&self) -> f64 {
        self.s_um.last().copied().unwrap_or(0.0)
    }

    /// Length of the centreline that can be judged, µm: the mean of what can be on either side. See the example of [`Dendrite`].
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

    /// Why spines cannot be judged on one side at arc length `s_um`; none if they can. See the example of [`Dendrite`].
    pub fn unscorable_at(&self, s_um: f64, side: Side) -> Option<UnscorableReason> {
        let here = |u: &&Unscorable| u.side == side && (u.from_um..=u.to_um).contains(&s_um);
        self.unscorable.iter().find(here).map(|u| u.reason)
    }

    /// The shaft's edge beside centreline point `i`: its half-maximum radius along the normal of that side. See the example of [`Dendrite`].
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

    /// The centreline point at arc length `s_um` (clamped to the ends). See the example of [`Dendrite`].
    pub fn point_at(&self, s_um: f64) -> PointUm {
        let after = self.s_um.partition_point(|&s| s < s_um).clamp(1, self.points.len() - 1);
        let (s0, s1) = (self.s_um[after - 1], self.s_um[after]);
        let fraction = if s1 > s0 { ((s_um - s0) / (s1 - s0)).clamp(0.0, 1.0) } else { 0.0 };
        self.points[after - 1].lerp(self.points[after], fraction)
    }
}

/// Side of the dendrite a spine is on, looking along increasing arc length with z towards the viewer's back. See the example of [`crate::io::spines_table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Along the normal (-t_x, t_y) of the tangent (t_y, t_x) in the order (y, x).
    Left,
    /// The other one.
    Right,
}

/// Shape class, in the field's terms. See the example of [`crate::io::spines_table`].
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

/// One protrusion in one session. See the example of [`crate::io::spines_table`].
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

/// Remarks on a spine. See the example of [`crate::io::spines_table`].
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

/// One figure of a calibration, with its 95 % interval where one can be given. See the example of [`crate::io::write_calibration_csv`].
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
