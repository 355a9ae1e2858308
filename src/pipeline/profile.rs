//! Strips along the dendrites of a session -> profiles that registration compares.

use rayon::prelude::*;

use crate::geometry::Line;
use crate::register::Profile;
use crate::straight::{Spot, Strip};

/// Values per side, and their width, µm: as wide as the lateral blur, up to where spines end.
const BINS: usize = 9;
const BIN_UM: f64 = 0.4;
/// From the centreline to the first value, µm: within it is the shaft.
const FROM_UM: f64 = 0.4;
/// Depth that is looked through to either side, µm: between sessions the depth of a centreline is not the same.
const DEPTH_UM: f64 = 2.5;
/// Contrast at which log(1 + contrast) turns from linear to logarithmic: a dim spine.
const DIM: f64 = 0.1;
/// Half of the distance between the strip's samples along the dendrite, µm.
const ALONG_UM: f64 = 0.11;

/// One profile per line, which is free of motion: the brightest contrast over depth, averaged over bins of distance, log(1 + contrast / .1).
pub(super) fn of_lines(lines: &[Line], strips: &[Strip]) -> Vec<Profile> {
    let of_line = |line: &Line| {
        let strip = strips.iter().find(|s| i64::from(s.frame.dendrite_id) == line.dendrite_id)?;
        Some(line.points.iter().flat_map(|&p| row(strip, strip.locate_still(p).s_um)).collect())
    };
    let profile = |line: &Line| Profile { bins: BINS, values: of_line(line).unwrap_or_default() };
    lines.par_iter().map(profile).collect()
}

fn row(strip: &Strip, s_um: f64) -> [f32; 2 * BINS] {
    let spot = Spot { s_um, u_um: 0.0, w_um: 0.0 };
    let far = FROM_UM + BINS as f64 * BIN_UM;
    // Brightest over depth, by distance across.
    let mut across: Vec<(f64, f64)> = Vec::new();
    let mut samples: Vec<(f64, f64)> = Vec::new();
    // Inner iteration, see `measure::reading`.
    strip.around(spot, [ALONG_UM, far, DEPTH_UM]).for_each(|sample| {
        if sample.tau.is_finite() {
            samples.push((sample.spot.u_um, sample.contrast));
        }
    });
    samples.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    for (u_um, contrast) in samples {
        match across.last_mut() {
            Some(last) if last.0 == u_um => last.1 = contrast,
            _ => across.push((u_um, contrast)),
        }
    }
    let mut sums = [(0.0, 0.0); 2 * BINS];
    for (u_um, contrast) in across {
        let bin = ((u_um.abs() - FROM_UM) / BIN_UM + 1e-6).floor();
        if (0.0..BINS as f64).contains(&bin) {
            let side = if u_um > 0.0 { 0 } else { BINS };
            let sum = &mut sums[side + bin as usize];
            *sum = (sum.0 + (contrast.max(0.0) / DIM).ln_1p(), sum.1 + 1.0);
        }
    }
    sums.map(|(sum, n)| if n > 0.0 { (sum / n) as f32 } else { f32::NAN })
}
