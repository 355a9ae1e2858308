//! Noise model of a stack from its own high-pass residuals.
//!
//! The mixed second difference h = (a kernel of rows 1 -2 1, -2 4 -2, 1 -2 1) / 6 has unit noise gain and cancels planes, parabolas and straight
//! edges along either axis (Immerkær 1996, doi:10.1006/cviu.1996.0060). Its nine voxels are taken 3 apart: detectors slower than the pixel
//! clock, and resampled images, have noise that neighbours share, which a difference of neighbours would miss (in the open in-vivo set 5 of 6
//! parts of the variance). Pairs (mean of the nine voxels, h²) are grouped by mean into
//! bins; the variance of a bin is the mean of h² below its own cut, so that structure does not count as noise. A line
//! variance = gain * mean + c is fitted with weights n / variance², a few times over.
//!
//! Shared noise does not average out as fast either: [`correlation`] says how much of it is left after smoothing.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::NoiseModel;
use crate::progress::Progress;
use crate::units::VoxelSize;
use crate::volume::{Shape, Source, Volume, VoxelsView};

/// Distance between the voxels of the difference: noise is correlated over one or two voxels (open in-vivo set: .54 at 1, .05 at 2).
const SPACING: usize = 3;
/// Distance, in standard deviations of the smoothing, at which smoothed white noise is no longer correlated (e^-4).
const DECORRELATED: f64 = 4.0;
/// Median of the square of a standard normal variable.
const MEDIAN_OF_SQUARE: f64 = 0.454_94;
/// Bins of local mean.
const BINS: usize = 64;
/// Fewest samples for a bin to count.
const MIN_SAMPLES: usize = 200;
/// Samples taken at most; more do not make the line any better.
const MAX_SAMPLES: usize = 4_000_000;
/// Bytes read at a time.
const READ_BYTES: usize = 64 << 20;
/// Residuals beyond this many standard deviations of their bin are structure.
const CUT: f64 = 3.0;
/// Share of a normal variable's variance that is left below the cut of 3.
const KEPT: f64 = 0.973_3;

/// Estimates the noise model of a stack.
///
/// Voxels at the type's ends (0 and the detector's saturation) have no noise of their own; patches that touch saturation are left out.
///
/// ```
/// use gemmule::filter::noise;
/// use gemmule::volume::{Shape, Volume, Voxels};
/// let flat = Voxels::U8(Volume::filled(Shape::new(2, 9, 9)?, 7));
/// assert!(noise::estimate(&flat).is_err()); // nothing varies: there is no noise to measure
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] if all voxels are equal or the planes are too small to measure noise on.
pub fn estimate<'a>(voxels: impl Into<VoxelsView<'a>>) -> Result<NoiseModel> {
    let voxels = voxels.into();
    model(&collect_view(voxels, voxels.shape(), 0), voxels.shape(), voxels.type_name())
}

/// [`estimate`] of a stack wherever it lies, some planes at a time: the same model.
///
/// ```
/// use gemmule::filter::noise::{estimate, estimate_in};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.seed(7)?;
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let model = estimate_in(&stack, &mut Silent)?;
/// assert_eq!(model, estimate(&stack.voxels)?);
/// assert!((model.gain / small.gain - 1.0).abs() < 0.5);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`estimate`]; what reading the planes says; cancellation.
pub fn estimate_in<'a>(stack: impl Into<Source<'a>>, progress: &mut dyn Progress) -> Result<NoiseModel> {
    let stack = stack.into();
    let shape = stack.shape();
    let mut samples = Vec::new();
    for range in stack.ranges(READ_BYTES) {
        progress.step("noise", range.start as u64, shape.z as u64)?;
        let first_row = range.start * shape.y;
        samples.extend(collect_view(stack.planes(range)?.view(), shape, first_row));
    }
    progress.step("noise", shape.z as u64, shape.z as u64)?;
    model(&samples, shape, stack.type_name())
}

fn model(planes: &[Vec<Sample>], shape: Shape, type_name: &str) -> Result<NoiseModel> {
    let bins = bin(planes);
    let darkest = bins.first().map_or(0.0, |b| b.mean);
    let Some((gain, c)) = fit(&bins) else {
        return Err(Error::parameter(
            "stack",
            format!("{shape} {type_name} voxels without measurable noise"),
            "a raw image: at least 32 x 32 voxels that are not all equal",
            "give the stack as it was acquired, neither masked nor thresholded",
        ));
    };
    // A line through (offset, read variance): which of the two takes the intercept cannot be told from the noise alone.
    let offset = if c < 0.0 { (-c / gain).min(darkest) } else { darkest.min(0.0) };
    Ok(NoiseModel { gain, offset, read_variance: (c + gain * offset).max(0.0) })
}

/// How many times larger the variance of a smoothed stack is than a model of independent voxels says; at least 1.
///
/// The same difference h, its voxels 4 standard deviations (`sigma_um`, in the plane) of the smoothing apart, is taken of `smooth`; the factor is
/// median(h² / variance) / .455 over the darker half of the volume, where structure is rare. Fine texture of the background that no filter of this
/// scale can tell from noise counts as noise. 1 for planes too small to measure it on.
///
/// ```
/// use gemmule::engine::{Backend, Engine};
/// use gemmule::filter::noise;
/// use gemmule::filter::smooth::{SigmaUm, smooth_with_variance};
/// use gemmule::phantom::{self, PhantomParams};
/// use gemmule::progress::Silent;
/// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.neuropil_share(0.0)?.seed(7)?;
/// let stack = phantom::stack(&small, &mut Silent)?.stack;
/// let model = noise::estimate(&stack.voxels)?;
/// let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
/// let (smooth, variance) = smooth_with_variance(&Engine::new(Backend::Cpu)?, &stack, sigma, &model, &mut Silent)?;
/// let factor = noise::correlation(&smooth, &variance, sigma.x_um, stack.voxel_size)?;
/// assert!((1.0..2.0).contains(&factor)); // the voxels of a phantom share no noise
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] if the two volumes differ in shape.
pub fn correlation(smooth: &Volume<f32>, variance: &Volume<f32>, sigma_um: f64, voxel_size: VoxelSize) -> Result<f64> {
    let shape = smooth.shape();
    if variance.shape() != shape {
        return Err(Error::parameter(
            "variance",
            variance.shape(),
            &format!("the shape of the smoothed stack, {shape}"),
            "give both from one call of smooth_with_variance",
        ));
    }
    let mut correlation = Correlation::new(shape, sigma_um, voxel_size);
    for z in 0..shape.z {
        correlation.plane(z, smooth.plane(z), variance.plane(z));
    }
    Ok(correlation.factor())
}

/// What [`correlation`] measures, from one plane after the other.
pub(crate) struct Correlation {
    shape: Shape,
    apart: (usize, usize),
    stride: usize,
    samples: Vec<(f32, f32)>,
}

impl Correlation {
    pub(crate) fn new(shape: Shape, sigma_um: f64, voxel_size: VoxelSize) -> Self {
        let apart = |um: f64| ((DECORRELATED * sigma_um / um).round() as usize).max(1);
        let stride = shape.len().div_ceil(MAX_SAMPLES).max(1);
        Self { shape, apart: (apart(voxel_size.y_um), apart(voxel_size.x_um)), stride, samples: Vec::new() }
    }

    /// Samples a plane.
    pub(crate) fn plane(&mut self, z: usize, smooth: &[f32], variance: &[f32]) {
        let (Shape { y: ny, x: nx, .. }, (ry, rx), stride) = (self.shape, self.apart, self.stride);
        let rows = (ry..ny.saturating_sub(ry)).into_par_iter();
        self.samples.par_extend(rows.flat_map_iter(|y| {
            let start = rx + ((z * ny + y) * 7) % stride;
            (start..nx.saturating_sub(rx)).step_by(stride).filter_map(move |x| {
                let at = move |dy: usize, dx: usize| (y + dy * ry - ry) * nx + x + dx * rx - rx;
                let (mean, squared) = patch(|dy, dx| smooth[at(dy, dx)], None)?;
                // The voxel's own variance follows its own noise; that of all nine hardly does.
                let (expected, _) = patch(|dy, dx| variance[at(dy, dx)], None)?;
                (expected > 0.0).then(|| (mean, squared / expected))
            })
        }));
    }

    /// The factor; 1 where there are too few samples.
    pub(crate) fn factor(mut self) -> f64 {
        let samples = &mut self.samples;
        if samples.len() < MIN_SAMPLES {
            return 1.0;
        }
        let middle = samples.len() / 2;
        let (darker, _, _) =
            samples.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let half = darker.len() / 2;
        let (_, median, _) = darker.select_nth_unstable_by(half, |a, b| a.1.total_cmp(&b.1));
        (f64::from(median.1) / MEDIAN_OF_SQUARE).max(1.0)
    }
}

/// Local mean and squared residual of a patch.
type Sample = (f32, f32);

fn collect_view(voxels: VoxelsView<'_>, whole: Shape, first_row: usize) -> Vec<Vec<Sample>> {
    match voxels {
        VoxelsView::U8(v) => collect(whole, first_row, v.as_slice(), voxels.type_maximum()),
        VoxelsView::U16(v) => collect(whole, first_row, v.as_slice(), voxels.type_maximum()),
        VoxelsView::I16(v) => collect(whole, first_row, v.as_slice(), voxels.type_maximum()),
        VoxelsView::F32(v) => collect(whole, first_row, v.as_slice(), voxels.type_maximum()),
    }
}

/// Patches spread evenly over a volume, plane by plane, from the planes whose first row is `first_row` of the whole.
fn collect<T: Copy + Into<f32> + Sync>(
    whole: Shape,
    first_row: usize,
    voxels: &[T],
    saturation: Option<f32>,
) -> Vec<Vec<Sample>> {
    let stride = whole.len().div_ceil(MAX_SAMPLES).max(1);
    let row = |r: usize| {
        let at = move |y: usize, x: usize| -> f32 { voxels[(r + y * SPACING - SPACING) * whole.x + x].into() };
        // Starts differ from row to row, or a stride that divides the width would sample columns.
        let start = SPACING + ((first_row + r) * 7) % stride;
        (start..whole.x.saturating_sub(SPACING))
            .step_by(stride)
            .filter_map(move |x| patch(|dy, dx| at(dy, x + dx * SPACING - SPACING), saturation))
    };
    let plane = |z: usize| {
        let mut samples = Vec::with_capacity(whole.y * whole.x.div_ceil(stride));
        (SPACING..whole.y.saturating_sub(SPACING)).for_each(|y| samples.extend(row(z * whole.y + y)));
        samples
    };
    (0..voxels.len() / (whole.y * whole.x)).into_par_iter().map(plane).collect()
}

/// Mean and squared difference of nine voxels, `at` their row and column of 3; none if one is saturated.
fn patch(at: impl Fn(usize, usize) -> f32, saturation: Option<f32>) -> Option<(f32, f32)> {
    const H: [[f32; 3]; 3] = [[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]];
    let (mut sum, mut high, mut top) = (0.0, 0.0, f32::NEG_INFINITY);
    for (dy, row) in H.iter().enumerate() {
        for (dx, weight) in row.iter().enumerate() {
            let v = at(dy, dx);
            sum += v;
            high += weight * v;
            top = top.max(v);
        }
    }
    let usable = saturation.is_none_or(|s| top < s);
    usable.then_some((sum / 9.0, (high / 6.0).powi(2)))
}

struct Bin {
    mean: f64,
    variance: f64,
    count: f64,
}

/// Groups samples by mean, each bin as wide as the next, and cuts structure off.
fn bin(planes: &[Vec<Sample>]) -> Vec<Bin> {
    let count: usize = planes.iter().map(Vec::len).sum();
    if count == 0 {
        return Vec::new();
    }
    // The brightest .1 % would stretch the bins over a few voxels.
    let high = f64::from(nth_mean(planes, count - 1 - count / 1000));
    let means = || planes.par_iter().flat_map_iter(|plane| plane.iter().map(|s| s.0));
    let low = means().min_by(f32::total_cmp).map_or(high, f64::from);
    let last = means().max_by(f32::total_cmp).map_or(high, f64::from);
    let width = if high > low { (high - low) / BINS as f64 } else { (last - low).max(1.0) };
    let edges: Vec<f64> = (1..=BINS).map(|k| low + width * k as f64).collect();
    let groups: Vec<Vec<Vec<Sample>>> = planes.par_iter().map(|plane| grouped(plane, low, width, &edges)).collect();
    (0..BINS).filter_map(|k| summarise(&groups, k)).collect()
}

/// The mean that `place` others lie before, by counting their leading bits.
fn nth_mean(planes: &[Vec<Sample>], place: usize) -> f32 {
    // Bits in the order of total_cmp.
    let key = |mean: f32| {
        let bits = mean.to_bits();
        bits ^ if bits >> 31 == 1 { u32::MAX } else { 1 << 31 }
    };
    let counted = |mut counts: Vec<usize>, plane: &Vec<Sample>| {
        plane.iter().for_each(|s| counts[(key(s.0) >> 16) as usize] += 1);
        counts
    };
    let add = |mut a: Vec<usize>, b: Vec<usize>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let none = || vec![0; 1 << 16];
    let counts = planes.par_iter().fold(none, counted).reduce(none, add);
    let (mut before, mut leading) = (0, 0);
    while before + counts[leading] <= place {
        before += counts[leading];
        leading += 1;
    }
    let all = planes.par_iter().flat_map_iter(|plane| plane.iter().map(|s| s.0));
    let mut near: Vec<f32> = all.filter(|mean| (key(*mean) >> 16) as usize == leading).collect();
    *near.select_nth_unstable_by(place - before, f32::total_cmp).1
}

/// Samples by bin, up to the last edge.
fn grouped(samples: &[Sample], low: f64, width: f64, edges: &[f64]) -> Vec<Vec<Sample>> {
    let mut groups = vec![Vec::new(); edges.len()];
    for &sample in samples {
        let mean = f64::from(sample.0);
        // Division rounds: a mean on an edge may be one bin off.
        let first = (((mean - low) / width) as usize).saturating_sub(1);
        if let Some(k) = (first..edges.len().min(first + 3)).find(|&k| mean < edges[k]) {
            groups[k].push(sample);
        }
    }
    groups
}

/// A bin from its samples of every plane; none if they are too few.
fn summarise(planes: &[Vec<Vec<Sample>>], k: usize) -> Option<Bin> {
    let count: usize = planes.iter().map(|groups| groups[k].len()).sum();
    if count < MIN_SAMPLES {
        return None;
    }
    let mean = sums(planes, k, |s| Some(f64::from(s.0))).0 / count as f64;
    let mut variance = sums(planes, k, |s| Some(f64::from(s.1))).0 / count as f64;
    for _ in 0..5 {
        let cut = CUT * CUT * variance;
        let (sum, n) = sums(planes, k, |s| Some(f64::from(s.1)).filter(|&v| v <= cut));
        if n == 0.0 {
            break;
        }
        variance = sum / n / KEPT;
    }
    Some(Bin { mean, variance, count: count as f64 })
}

/// Sum and number of a bin's values, plane by plane in their order: the same for any number of threads, and for a stack read in parts.
fn sums(planes: &[Vec<Vec<Sample>>], k: usize, value: impl Fn(&Sample) -> Option<f64> + Sync) -> (f64, f64) {
    let add = |(sum, n): (f64, f64), v: f64| (sum + v, n + 1.0);
    let plane = |groups: &Vec<Vec<Sample>>| groups[k].iter().filter_map(&value).fold((0.0, 0.0), add);
    let planes: Vec<(f64, f64)> = planes.par_iter().map(plane).collect();
    planes.into_iter().fold((0.0, 0.0), |(s, n), (sum, count)| (s + sum, n + count))
}

/// Weighted line variance = gain * mean + c; none if there is no noise.
fn fit(bins: &[Bin]) -> Option<(f64, f64)> {
    let largest = bins.iter().map(|b| b.variance).fold(0.0, f64::max);
    if largest <= 0.0 {
        return None;
    }
    // Of the model so far; at first the same everywhere.
    let (mut gain, mut c) = (0.0, largest);
    for _ in 0..5 {
        let weight = |b: &Bin| b.count / (gain * b.mean + c).max(1e-3 * largest).powi(2);
        let w: f64 = bins.iter().map(weight).sum();
        let (mx, my) = bins.iter().fold((0.0, 0.0), |(x, y), b| (x + weight(b) * b.mean, y + weight(b) * b.variance));
        let (mx, my) = (mx / w, my / w);
        let sxx: f64 = bins.iter().map(|b| weight(b) * (b.mean - mx).powi(2)).sum();
        let sxy: f64 = bins.iter().map(|b| weight(b) * (b.mean - mx) * (b.variance - my)).sum();
        // Noise that does not grow with the signal: all of it is read noise, and a photon counts next to nothing.
        let smallest = 1e-3 * my / (mx.abs() + 1.0);
        gain = if sxx > 0.0 { (sxy / sxx).max(smallest) } else { smallest };
        c = my - gain * mx;
    }
    Some((gain, c))
}
