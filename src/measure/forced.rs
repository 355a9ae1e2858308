//! What is seen at a given place, whether or not a spine was found there.

use crate::params::params;
use crate::straight::{Sample, Spot, Strip};

params! {
    /// How a place is measured in a session in which no spine was found there.
    ///
    /// ```
    /// use gemmule::measure::ForcedParams;
    /// assert!(ForcedParams::default().validate().is_ok());
    /// assert!(ForcedParams::describe().iter().any(|p| p.unit == "µm"));
    /// ```
    pub struct ForcedParams in "forced" {
        /// Half length of the window around the expected place, along the shaft.
        window_s_um: f64 = 0.4, "µm", 0.0..=5.0, "what elastic registration leaves (SCIENCE.md section 4)";
        /// Half width of the window, across.
        window_u_um: f64 = 0.5, "µm", 0.0..=5.0, "as window_s_um; spines also grow and turn";
        /// Half height of the window, along the optical axis.
        window_w_um: f64 = 1.0, "µm", 0.0..=20.0, "one plane";
        /// Distance along the shaft between the empty places that tell what is seen where nothing is.
        empty_step_um: f64 = 0.6, "µm", 0.1..=10.0, "the blur of a head: closer ones say the same";
        /// Nearer than this along the shaft, on the same side, a spine fills a window.
        clear_um: f64 = 1.0, "µm", 0.0..=10.0, "the window and a head's blur";
        /// Fewer empty places than this say too little: the session's others stand in.
        empty_min: usize = 12, "", 1..=1000, "their quartiles are then known to a third of their distance";
    }
}

/// The strongest signal in a window. See the example of [`reading`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Where.
    pub spot: Spot,
    /// Residual over the axis brightness.
    pub contrast: f64,
    /// The same in its standard deviations.
    pub z: f64,
    /// Standard deviation of contrast at the expected place, in the middle of the window.
    pub tau: f64,
}

/// What windows without a spine read, in standard deviations. See the example of [`Empty::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Empty {
    /// Median.
    pub median: f64,
    /// Spread of noise alone: 1.2 times the distance from the median down to the 16 % quantile. The upper half also holds what is there and
    /// stays from session to session (crossing neurites, spines not found), which is no noise; a largest value of noise spreads 1.2 to 1.4 times as far
    /// upwards as downwards.
    pub spread: f64,
    /// 95 % quantile of noise alone: median + 1.645 spread.
    pub high: f64,
}

impl Empty {
    /// From what single windows read; none without any.
    ///
    /// ```
    /// use gemmule::measure::Empty;
    /// let read: Vec<f64> = (0..=100).map(f64::from).collect();
    /// let empty = Empty::new(read).unwrap();
    /// assert_eq!(empty.median, 50.0);
    /// assert!((empty.spread - 1.2 * 34.0).abs() < 1e-9);
    /// assert_eq!(Empty::new(Vec::new()), None);
    /// ```
    pub fn new(mut read: Vec<f64>) -> Option<Self> {
        read.sort_by(f64::total_cmp);
        let last = read.len().checked_sub(1)?;
        let at = |share: f64| read[(share * last as f64).round() as usize];
        // Equal readings still have the noise of one.
        let spread = (1.2 * (at(0.5) - at(0.16))).max(0.1);
        Some(Self { median: at(0.5), spread, high: at(0.5) + 1.645 * spread })
    }
}

/// The sample of largest z in the window around `spot`, among those nearer to it than to any of `rivals`; the first of equals. None where part of the window is
/// outside the volume, or rivals leave nothing of it.
///
/// ```
/// use gemmule::measure::{Empty, ForcedParams, empty, reading};
/// use gemmule::straight::{Spot, Straight, StraightInput, StraightParams, Strip};
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
/// let strip = Strip::new(&Straight::new(input, &dendrite, &StraightParams::default())?);
/// let (head, params) = (Spot { s_um: 8.0, u_um: -1.2, w_um: 0.0 }, ForcedParams::default());
/// let seen = reading(&strip, head, &[], &params).expect("the window lies in the volume");
/// assert!((seen.spot.s_um - 8.0).abs() < 0.3 && (seen.contrast - 0.4).abs() < 0.1);
/// let elsewhere = Empty::new(empty(&strip, head, &[head], &params)).expect("there are windows without it");
/// assert!(seen.z > elsewhere.high);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn reading(strip: &Strip, spot: Spot, rivals: &[Spot], params: &ForcedParams) -> Option<Reading> {
    let distance = |a: Spot, b: Spot| {
        ((a.s_um - b.s_um) / params.window_s_um.max(0.1)).powi(2)
            + ((a.u_um - b.u_um) / params.window_u_um.max(0.1)).powi(2)
            + ((a.w_um - b.w_um) / params.window_w_um.max(0.1)).powi(2)
    };
    let near: Vec<Spot> = rivals
        .iter()
        .copied()
        .filter(|r| (r.s_um - spot.s_um).abs() <= 2.0 * params.window_s_um + params.clear_um)
        .collect();
    let (mut best, mut middle): (Option<Sample>, Option<Sample>) = (None, None);
    // Inner iteration: many times faster than a loop over nested iterators.
    let whole = strip.around(spot, reach(params)).try_for_each(|sample| {
        if !sample.tau.is_finite() {
            return None;
        }
        let own = distance(sample.spot, spot);
        if middle.is_none_or(|m| own < distance(m.spot, spot)) {
            middle = Some(sample);
        }
        let is_mine = near.iter().all(|&r| own <= distance(sample.spot, r));
        // The window does not reach over the shaft to the other side.
        let is_beside = sample.spot.u_um * spot.u_um > 0.0;
        if is_mine && is_beside && best.is_none_or(|b| sample.contrast / sample.tau > b.contrast / b.tau) {
            best = Some(sample);
        }
        Some(())
    });
    whole?;
    let (best, middle) = (best?, middle?);
    Some(Reading { spot: best.spot, contrast: best.contrast, z: best.contrast / best.tau, tau: middle.tau })
}

fn reach(params: &ForcedParams) -> [f64; 3] {
    [params.window_s_um, params.window_u_um, params.window_w_um]
}

/// What windows like the one around `spot` read elsewhere on the dendrite, on either side, clear of everything in `occupied`; in the order of arc length.
/// See the example of [`reading`].
pub fn empty(strip: &Strip, spot: Spot, occupied: &[Spot], params: &ForcedParams) -> Vec<f64> {
    let length_um = strip.frame.points.last().map_or(0.0, |p| p.s_um);
    let steps = (length_um / params.empty_step_um.max(0.1)) as usize;
    let mut read = Vec::new();
    for n in 0..=steps {
        for side in [-1.0, 1.0] {
            let there = Spot { s_um: n as f64 * params.empty_step_um, u_um: side * spot.u_um.abs(), w_um: spot.w_um };
            let taken = |o: &Spot| o.u_um * side > 0.0 && (o.s_um - there.s_um).abs() < params.clear_um;
            if !occupied.iter().any(taken) {
                // As [`reading`] without rivals.
                read.extend(strip.largest_z(there, reach(params)));
            }
        }
    }
    read
}
