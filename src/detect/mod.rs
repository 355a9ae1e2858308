//! Candidates on a dendrite's straightened residual -> spines of one session.
//!
//! 1. Each dendrite's image is laid out straight and its shaft taken away ([`crate::straight`]); samples nearer to another dendrite belong to
//!    that one (`territory`).
//! 2. Candidates are maxima of z sharpened along the shaft (`candidates`).
//! 3. Each is scored: its signal-to-noise ratio, less what speaks for a crossing neurite (`evidence`).
//! 4. Of candidates on one protrusion the surest stays (`unique`); its head and tip are found along its ridge (`head`).
//! 5. What no method of this kind can judge is marked on the dendrite (`scorable`).

mod candidates;
mod evidence;
mod head;
mod learned;
mod proposal;
mod scorable;
mod territory;
mod unique;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::model::{Dendrite, Spine, Unscorable};
use crate::params::params;
use crate::straight::Straight;
use crate::volume::Grid;

use crate::detect::territory::Territory;
pub use learned::{Features, LearnedParams};
pub use proposal::Proposal;

params! {
    /// How spines are found beside a centreline.
    ///
    /// ```
    /// use gemmule::detect::DetectParams;
    /// let stricter = DetectParams::default().score_min(3.0)?;
    /// assert!(stricter.score_min > DetectParams::default().score_min);
    /// assert!(stricter.beyond_max_um(0.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct DetectParams in "detect" {
        /// Least score of a spine: signal-to-noise ratio less penalties.
        score_min: f64 = 2.1, "standard deviations", 0.5..=1000.0, "phantoms and in-vivo stacks agree on 2.0 to 2.3; the noise it is measured in holds the error of the template";
        /// Least residual of a candidate over the shaft's axis brightness.
        contrast_min: f64 = 0.06, "", 0.0..=1.0, "human marks begin at about .1; broad halos beside bare shafts read .03 to .05";
        /// Share of the mean along the shaft that is taken from z, which sharpens heads against swellings.
        sharpen: f64 = 0.5, "", 0.0..=1.0, "prototype";
        /// Standard deviation of that mean.
        sharpen_um: f64 = 0.6, "µm", 0.1..=10.0, "about a head and a half";
        /// Half length of the box in which a candidate is the maximum, along the shaft.
        box_s_um: f64 = 0.45, "µm", 0.05..=5.0, "heads nearer to each other are not resolved";
        /// Half width of the box, across.
        box_u_um: f64 = 0.4, "µm", 0.05..=10.0, "the lateral focus";
        /// Half height of the box, along the optical axis.
        box_z_um: f64 = 3.0, "µm", 0.0..=20.0, "the axial spread of focus";
        /// Of two candidates nearer than this along the shaft (and in the other two directions) the less sure one goes.
        apart_s_um: f64 = 0.7, "µm", 0.05..=5.0, "the same spine: within .7 µm of the expected place, as the field counts";
        /// The same across.
        apart_u_um: f64 = 1.0, "µm", 0.05..=10.0, "a spine is one ridge across";
        /// The same along the optical axis.
        apart_z_um: f64 = 3.0, "µm", 0.1..=20.0, "the axial spread of focus";
        /// Least distance of a candidate beyond the shaft's edge.
        beyond_min_um: f64 = 0.25, "µm", 0.0..=5.0, "prototype";
        /// Largest distance of a candidate beyond the shaft's edge.
        beyond_max_um: f64 = 3.2, "µm", 0.5..=20.0, "prototype; longer protrusions are rare";
        /// Share of the residual's maximum at which a spine ends.
        head_falloff: f64 = 0.35, "", 0.05..=0.95, "above the noise of dim heads, below the dips between neck and head";
        /// Distance from that end to the centre of the head.
        head_edge_um: f64 = 0.4, "µm", 0.0..=2.0, "a head imaged .65 µm wide falls to .35 within .40 µm";
        /// Weight of signal .8 µm beyond the candidate: a neurite that goes on.
        penalty_beyond: f64 = 0.6, "", 0.0..=10.0, "rounded ratio to log SNR in a logistic model, left-out dendrites in vivo; phantoms agree in sign and order";
        /// Weight of signal on the brighter flank: a neurite alongside, or another spine's edge.
        penalty_flank: f64 = 0.5, "", 0.0..=10.0, "as penalty_beyond";
        /// Weight of the distance beyond 1.6 µm from the shaft.
        penalty_far: f64 = 0.6, "1/µm", 0.0..=10.0, "as penalty_beyond";
        /// Weight of the depth beyond 1 µm above or below the shaft.
        penalty_deep: f64 = 0.3, "1/µm", 0.0..=10.0, "as penalty_beyond";
        /// Contrast of a typical spine: where it would not reach the least score, the shaft is too dim to be judged.
        typical_contrast: f64 = 0.2, "", 0.01..=2.0, "median of human marks in vivo is .2 to .25";
        /// Angle of a dendrite to the image plane beyond which its sides cannot be judged.
        steep_deg: f64 = 60.0, "degrees", 10.0..=90.0, "prototype";
    }
}

/// Finds spines on one dendrite after the other, all dendrites of the stack in view: a straightened dendrite takes much memory and need not be kept.
///
/// ```
/// use gemmule::detect::{DetectParams, Finder, LearnedParams, choose, settle};
/// use gemmule::model::{Side, UnscorableReason};
/// use gemmule::straight::{Straight, StraightInput, StraightParams};
/// # use gemmule::model::{Dendrite, Motion};
/// # use gemmule::units::{PointUm, VoxelSize};
/// # use gemmule::volume::{Grid, Shape};
/// # let grid = Grid::of_stack(Shape::new(9, 100, 200)?, VoxelSize::new(1.0, 0.1, 0.1)?);
/// # let light = |i: usize| {
/// #     let v = grid.shape.voxel(i);
/// #     let p = grid.to_um(v.z as f64, v.y as f64, v.x as f64);
/// #     let (deep, aside) = ((p.z - 4.0).powi(2) / 1.6, (p.y - 5.0).powi(2) / 0.18);
/// #     let beside = ((p.y - 6.2).powi(2) + (p.x - 10.0).powi(2)) / 0.1;
/// #     (10.0 + 400.0 * (-aside - deep).exp() + 160.0 * (-beside - deep).exp()) as f32
/// # };
/// # let course = |n: u32| 0.1 * f64::from(n);
/// # let points = (0..160).map(|n| PointUm::new(4.0, 5.0, 2.0 + course(n))).collect();
/// # let (s_um, radius_um) = ((0..160).map(course).collect(), vec![0.4; 160]);
/// # let dendrite = Dendrite { dendrite_id: 1, points, s_um, radius_um, parent: None, unscorable: vec![] };
/// # let mut smooth = gemmule::straight::near(&[dendrite.clone()], grid, &StraightParams::default(), [1.5, 1.1]);
/// # (0..9).for_each(|z| smooth.fill_plane_with(z, |i| [light(20_000 * z + i), 25.0]));
/// // A dendrite along x at y = 5 µm, with a head 1.2 µm to its right, 8 µm along.
/// let input = StraightInput { smooth: &smooth, correlation: 1.0, grid, offset: 10.0, motion: &Motion::default() };
/// let straight = Straight::new(input, &dendrite, &StraightParams::default())?;
/// let (dendrites, params, learned) = ([dendrite], DetectParams::default(), LearnedParams::default());
/// let finder = Finder::new(&dendrites, &params, &learned)?;
/// let spines = settle(finder.spines(&straight), &params);
/// assert_eq!((spines.len(), spines[0].spine_id, spines[0].side), (1, 1, Side::Right));
/// assert!((spines[0].s_um - 8.0).abs() < 0.3 && spines[0].head.distance_xy_um(PointUm::new(4.0, 6.2, 10.0)) < 0.3);
///
/// // The same in two steps: every candidate with its features, then the choice.
/// let proposals = finder.propose(&straight);
/// assert!(proposals.len() >= spines.len());
/// assert_eq!(choose(&proposals, &params, &learned), spines);
/// let stretches = finder.unscorable(&straight, grid, None);
/// assert!(stretches.iter().all(|stretch| stretch.to_um < 8.0 || stretch.from_um > 8.0)); // there it can be judged
/// // Were the plane that the dendrite runs in lost to motion, nothing could be judged.
/// let lost = finder.bad_planes(&[4]).unscorable(&straight, grid, None);
/// assert!(lost.iter().any(|stretch| stretch.reason == UnscorableReason::Motion && stretch.to_um - stretch.from_um > 10.0));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Finder<'a> {
    territory: Territory,
    bad_planes: Vec<usize>,
    /// What was known of the dendrites before, by their numbers.
    known: BTreeMap<u32, Vec<Unscorable>>,
    params: &'a DetectParams,
    learned: &'a LearnedParams,
}

impl<'a> Finder<'a> {
    /// For the dendrites of one stack. See the example of [`Finder`].
    ///
    /// # Errors
    /// [`crate::error::Error::Parameter`] for parameters out of range.
    pub fn new(dendrites: &[Dendrite], params: &'a DetectParams, learned: &'a LearnedParams) -> Result<Self> {
        params.validate()?;
        learned.validate()?;
        let known = dendrites.iter().map(|d| (d.dendrite_id, d.unscorable.clone())).collect();
        Ok(Self { territory: Territory::new(dendrites), bad_planes: Vec::new(), known, params, learned })
    }

    /// The same, where planes (from 0) are bad: what lies in them cannot be judged. See the example of [`Finder`].
    pub fn bad_planes(self, planes: &[usize]) -> Self {
        Self { bad_planes: planes.to_vec(), ..self }
    }

    /// Every candidate of a dendrite with its features, whatever its score, in the order of the samples. See the example of [`Finder`].
    pub fn propose(&self, straight: &Straight) -> Vec<Proposal> {
        proposal::on_dendrite(straight, &self.territory, self.params)
    }

    /// The spines of a dendrite, one per protrusion, without numbers. [`settle`] puts those of all dendrites together.
    ///
    /// Length is from the shaft's edge to the tip, where the residual has fallen to `head_falloff` of its maximum. Width, class and brightness are left
    /// for [`crate::measure`]. The score is the signal-to-noise ratio less penalties or, where `learned` is enabled, a probability. See the example of [`Finder`].
    pub fn spines(&self, straight: &Straight) -> Vec<Spine> {
        proposal::choose_on_dendrite(&self.propose(straight), self.params, self.learned)
    }

    /// What of a dendrite cannot be judged, sorted by start: see [`crate::model::UnscorableReason`]. What the dendrites of [`Finder::new`] say of
    /// themselves (axons) comes first.
    ///
    /// `saturation` is the largest value the stack can hold, grey levels over the offset; none if it has no such value. Where several reasons hold, the first
    /// of steep, out of volume, motion, crossed, saturated, dim is given. See the example of [`Finder`].
    pub fn unscorable(&self, straight: &Straight, grid: Grid, saturation: Option<f64>) -> Vec<Unscorable> {
        let known = self.known.get(&straight.frame.dendrite_id).map_or(&[][..], Vec::as_slice);
        scorable::unscorable(straight, &self.territory, grid, saturation, (self.params, &self.bad_planes), known)
    }
}

/// The spines of all dendrites: those that two dendrites claim go to one; by dendrite and arc length, numbered from 1. See the example of [`Finder`].
pub fn settle(mut spines: Vec<Spine>, params: &DetectParams) -> Vec<Spine> {
    unique::over_dendrites(&mut spines, params);
    spines.sort_by(|a, b| a.dendrite_id.cmp(&b.dendrite_id).then(a.s_um.total_cmp(&b.s_um)).then(a.side.cmp(&b.side)));
    for (n, spine) in spines.iter_mut().enumerate() {
        spine.spine_id = n as u32 + 1;
    }
    spines
}

/// The candidates that pass by their score and are on one protrusion each, as [`Finder::spines`] and [`settle`] return them. See the example of [`Finder`].
pub fn choose(proposals: &[Proposal], params: &DetectParams, learned: &LearnedParams) -> Vec<Spine> {
    let spines = proposals
        .chunk_by(|a, b| a.spine.dendrite_id == b.spine.dendrite_id)
        .flat_map(|on_one| proposal::choose_on_dendrite(on_one, params, learned))
        .collect();
    settle(spines, params)
}
