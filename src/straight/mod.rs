//! A stretch of image laid out along a dendrite: coordinates (s, u, w), and what is left when the shaft is taken away.
//!
//! s is arc length, u the distance along the normal in the image plane (positive on the left side), w optical depth relative to the
//! centreline; all µm. Not a Frenet frame: the blur of the microscope is far longer along z, so w stays the optical axis. Volumes are
//! smoothed before they are sampled here; smoothing interpolated values would inflate the signal-to-noise ratio.

mod frame;
mod local;
mod strip;
mod template;

pub use frame::{Frame, FramePoint};
pub use strip::{Sample, Spot, Strip};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::{Dendrite, Motion};
use crate::params::params;
use crate::units::PointUm;
use crate::volume::{Bricks, Grid, Mix};

params! {
    /// How the image is laid out along a dendrite and its shaft taken away.
    ///
    /// ```
    /// use gemmule::straight::StraightParams;
    /// let params = StraightParams::default().reach_um(3.0)?.step_um(0.2)?;
    /// assert_eq!((params.reach_um, params.step_um), (3.0, 0.2));
    /// assert!(params.percentile(100.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct StraightParams in "straight" {
        /// Reach to either side of the centreline.
        reach_um: f64 = 4.6, "µm", 1.0..=20.0, "spines up to 3.2 µm beyond the shaft's edge, and what lies beyond them";
        /// Reach along the optical axis, up and down.
        reach_z_um: f64 = 2.5, "µm", 0.0..=20.0, "the axial spread of focus";
        /// Spacing across the dendrite.
        step_um: f64 = 0.1, "µm", 0.02..=1.0, "one lateral voxel";
        /// Spacing along the optical axis.
        step_z_um: f64 = 0.5, "µm", 0.05..=5.0, "half a plane";
        /// The shaft's template is this percentile along the shaft.
        percentile: f64 = 45.0, "%", 5.0..=95.0, "35 to 55 make no difference (prototype)";
        /// Half length of the running percentile.
        window_um: f64 = 4.0, "µm", 0.5..=100.0, "3 to 6 make no difference (prototype)";
        /// Length along the shaft (standard deviation) over which the template is fitted to the shaft as it is there; 0: not at all.
        local_um: f64 = 0.7, "µm", 0.0..=10.0, "wider than a spine's base (.3), which would be fitted away, shorter than the bends and swellings of a shaft; .5 to 1 differ little in vivo and on phantoms";
        /// How far the shaft may lie beside its centreline: standard deviation of what is fitted.
        local_offset_um: f64 = 0.1, "µm", 0.0..=10.0, "one lateral voxel: what a centreline is off by";
        /// The same in depth.
        local_offset_z_um: f64 = 0.5, "µm", 0.0..=10.0, "half a plane";
        /// How much wider or narrower it may be, as a share.
        local_width: f64 = 0.08, "", 0.0..=10.0, "how much the radius of a shaft varies (SCIENCE.md section 7)";
        /// How much brighter or dimmer, as a share.
        local_brightness: f64 = 0.15, "", 0.0..=10.0, "a cross-section varies twice as much as a radius";
        /// Error of the template as a share of it, which counts as noise.
        template_error: f64 = 0.25, "", 0.0..=1.0, "shaft radius and brightness vary by about 8 %, the blur around them more; at .2 to .3 phantoms and in-vivo stacks agree on the threshold";
    }
}

/// What is laid out. See the example of [`Straight`].
#[derive(Clone, Copy, Debug)]
pub struct StraightInput<'a> {
    /// The stack smoothed at the detection scale, grey levels, and its variance from the noise model for voxels independent of each other; held at least
    /// where [`near`] says.
    pub smooth: &'a Bricks<[f32; 2]>,
    /// How many times larger the variance is, because neighbours share noise.
    pub correlation: f64,
    /// Grid of the stack.
    pub grid: Grid,
    /// Grey level without light.
    pub offset: f64,
    /// Motion of the planes; where it is not known, the default.
    pub motion: &'a Motion,
}

impl StraightInput<'_> {
    /// Smoothed image and variance at a place free of motion: each of the two planes beside it where the place is seen in it.
    fn sample(&self, still: PointUm) -> Option<[f32; 2]> {
        let (z, y, x) = self.grid.to_voxel(still);
        if self.motion.displacement_um.is_empty() {
            return self.smooth.sample(z, y, x);
        }
        let last = self.grid.shape.z - 1;
        let z = z.clamp(0.0, last as f64);
        let below = z as usize;
        let size = self.grid.voxel_size;
        let plane = |k: usize| {
            let (dy, dx) = self.motion.displacement_um.get(k).copied().unwrap_or_default();
            self.smooth.sample_plane(k, y + dy / size.y_um, x + dx / size.x_um)
        };
        Some(Mix::mix(plane(below)?, plane((below + 1).min(last))?, (z - below as f64) as f32))
    }
}

/// Holds, of a stack on `grid`, what laying out `dendrites` reads and `margin_um` (z, lateral) more.
///
/// ```
/// use gemmule::model::Dendrite;
/// use gemmule::straight::{StraightParams, near};
/// use gemmule::units::{PointUm, VoxelSize};
/// use gemmule::volume::{Bricks, Grid, Shape};
/// let grid = Grid::of_stack(Shape::new(9, 400, 400)?, VoxelSize::new(1.0, 0.1, 0.1)?);
/// let points = vec![PointUm::new(4.0, 5.0, 2.0), PointUm::new(4.0, 5.0, 2.1)];
/// let dendrite = Dendrite { dendrite_id: 1, points, s_um: vec![0.0, 0.1], radius_um: vec![0.4; 2], parent: None, unscorable: vec![] };
/// let held: Bricks<f32> = near(&[dendrite], grid, &StraightParams::default(), [0.0, 0.0]);
/// assert_eq!(held.get(4, 60, 20), Some(0.0)); // 1 µm beside it
/// assert_eq!(held.get(4, 300, 300), None); // far away
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn near<T: Copy + Default>(
    dendrites: &[Dendrite],
    grid: Grid,
    params: &StraightParams,
    [z_um, lateral_um]: [f64; 2],
) -> Bricks<T> {
    let mut bricks = Bricks::new(grid.shape);
    let size = grid.voxel_size;
    // One voxel more for the interpolation.
    let reach = [
        (params.reach_z_um + z_um) / size.z_um + 1.0,
        (params.reach_um + lateral_um) / size.y_um + 1.0,
        (params.reach_um + lateral_um) / size.x_um + 1.0,
    ];
    let span = |at: f64, reach: f64, n: usize| {
        // What lies outside is read at the border.
        let last = (n - 1) as f64;
        (at - reach).clamp(0.0, last) as usize..(at + reach).clamp(0.0, last) as usize + 2
    };
    for point in dendrites.iter().flat_map(|d| &d.points) {
        let (z, y, x) = grid.to_voxel(*point);
        let shape = grid.shape;
        bricks.hold([span(z, reach[0], shape.z), span(y, reach[1], shape.y), span(x, reach[2], shape.x)]);
    }
    bricks
}

/// One dendrite laid out straight. Arrays are in the order (s, w, u), u fastest.
///
/// ```
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
/// let frame = &straight.frame;
/// let brightest = (0..frame.len()).max_by(|&a, &b| straight.residual(a).total_cmp(&straight.residual(b))).expect("samples");
/// let (s, w, u) = (brightest / (frame.nw() * frame.nu()), brightest / frame.nu() % frame.nw(), brightest % frame.nu());
/// assert!((frame.u_um(u as f64) + 1.2).abs() < 0.2 && straight.z[brightest] > 3.0);
/// let place = straight.place(s as f64, w as f64, u as f64);
/// assert!(place.distance_xy_um(PointUm::new(4.0, 6.2, 10.0)) < 0.3);
/// assert_eq!(straight.sample(&straight.value, s as f64, w as f64, u as f64), f64::from(straight.value[brightest]));
/// let point = Dendrite { points: vec![place], s_um: vec![0.0], radius_um: vec![0.4], ..dendrite };
/// assert!(Straight::new(input, &point, &StraightParams::default()).is_err()); // without length
/// # Ok::<(), gemmule::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Straight {
    /// Where the samples lie in the stack.
    pub frame: Frame,
    /// Brightness of the shaft's axis over the offset, smoothed along the shaft; one per frame point.
    pub axis: Vec<f32>,
    /// Brightness over the offset.
    pub value: Vec<f32>,
    /// What the shaft, its blur and the background contribute.
    pub template: Vec<f32>,
    /// Standard deviation of (value - template): noise and the template's error; infinite outside the volume.
    pub sigma: Vec<f32>,
    /// (value - template) / sigma; 0 outside the volume.
    pub z: Vec<f32>,
}

impl Straight {
    /// Lays out the image along a dendrite.
    ///
    /// With F the brightness over the offset and A(s) the axis brightness, the template is T(s, u, w) = A(s) * percentile of F / A over
    /// |s' - s| <= window, then moved, widened and dimmed as the shaft is at s (`local_um` and what follows it), and
    /// z = (F - T) / sqrt(V + (template_error * T)²). See the example of [`Straight`].
    ///
    /// # Errors
    /// [`crate::error::Error::Parameter`] for parameters out of range, or a dendrite without length.
    pub fn new(input: StraightInput<'_>, dendrite: &Dendrite, params: &StraightParams) -> Result<Self> {
        params.validate()?;
        let frame = Frame::new(dendrite, input.motion, params);
        let has_length = frame.step_s_um > 0.0; // not if it is no number
        if !has_length {
            return Err(Error::parameter(
                &format!("length of dendrite {}", dendrite.dendrite_id),
                format!("{} µm of {} points", dendrite.length_um(), dendrite.points.len()),
                "more than 0",
                "give at least two points apart from each other, with their arc lengths in s_um",
            ));
        }
        let row = frame.nw() * frame.nu();
        let mut value = vec![0.0_f32; frame.len()];
        let mut variance = vec![f32::INFINITY; frame.len()];
        value.par_chunks_mut(row).zip(variance.par_chunks_mut(row)).enumerate().for_each(|(i, (value, variance))| {
            for (k, (value, variance)) in value.iter_mut().zip(variance).enumerate() {
                let still = frame.still(i, k / frame.nu(), k % frame.nu());
                // What is not held has no value and, as what lies outside the volume, no bound to its variance.
                let [smooth, of_noise] = input.sample(still).unwrap_or([input.offset as f32, f32::INFINITY]);
                *value = smooth - input.offset as f32;
                if input.grid.contains(input.motion.seen(still)) {
                    *variance = input.correlation as f32 * of_noise;
                }
            }
        });
        let axis = template::axis(&frame, &value);
        let mut template = template::running_percentile(&frame, &value, &axis, params);
        if params.local_um > 0.0 {
            template = local::fitted(&frame, &value, &variance, &template, params);
        }
        let error = params.template_error as f32;
        let mut sigma = variance;
        for (v, t) in sigma.iter_mut().zip(&template) {
            *v = (*v + (error * t).powi(2)).max(1e-12).sqrt();
        }
        let z = value.iter().zip(&template).zip(&sigma).map(|((f, t), sigma)| (f - t) / sigma).collect();
        Ok(Self { frame, axis, value, template, sigma, z })
    }

    /// The residual, grey levels: what is there beyond shaft and background. See the example of [`Straight`].
    pub fn residual(&self, index: usize) -> f32 {
        self.value[index] - self.template[index]
    }

    /// Value at fractional coordinates of the sampling grid, trilinear, clamped to it. See the example of [`Straight`].
    pub fn sample(&self, array: &[f32], s: f64, w: f64, u: f64) -> f64 {
        let axis = |v: f64, n: usize| {
            let v = v.clamp(0.0, (n - 1) as f64);
            let i = (v as usize).min(n.saturating_sub(2));
            (i, (i + 1).min(n - 1), v - i as f64)
        };
        let (s0, s1, fs) = axis(s, self.frame.ns());
        let (w0, w1, fw) = axis(w, self.frame.nw());
        let (u0, u1, fu) = axis(u, self.frame.nu());
        let at = |s: usize, w: usize, u: usize| f64::from(array[self.frame.index(s, w, u)]);
        let mix = |a: f64, b: f64, f: f64| a + (b - a) * f;
        let row = |s: usize, w: usize| mix(at(s, w, u0), at(s, w, u1), fu);
        mix(mix(row(s0, w0), row(s0, w1), fw), mix(row(s1, w0), row(s1, w1), fw), fs)
    }

    /// Place in the stack of fractional coordinates of the sampling grid. See the example of [`Straight`].
    pub fn place(&self, s: f64, w: f64, u: f64) -> PointUm {
        self.frame.place_at(s, w, u)
    }
}
