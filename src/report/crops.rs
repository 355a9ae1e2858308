//! One numbered crop per spine, from the plane its head is in: what a person looks at to believe it or not.

use crate::error::Result;
use crate::model::Spine;
use crate::report::canvas::{Canvas, Font, Pen};
use crate::report::grey::{Contrast, crop_of, nearest_plane};
use crate::report::style;
use crate::units::PointUm;
use crate::volume::{Grid, Source, VoxelsView};

/// Side of a crop, µm: the spine, its shaft and its neighbours.
const SIDE_UM: f64 = 6.0;
/// Side of a crop, pixels.
const SIDE: u32 = 168;
/// Pixels between crops, and above the first row.
const GAP: u32 = 8;
/// Two lines of text below each crop.
const TEXT: u32 = 36;
/// Radius of the ring on the head, µm: around the head, not on it.
const RING_UM: f64 = 0.55;

/// Width and height that `n` crops take below a picture `width` pixels wide, and how many stand in a row.
pub(crate) struct Sheet {
    columns: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Sheet {
    pub(crate) fn new(n: usize, width: u32) -> Self {
        let columns = ((width - GAP.min(width)) / (SIDE + GAP)).max(5);
        let rows = (n as u32).div_ceil(columns);
        Self { columns, width: columns * (SIDE + GAP) + GAP, height: rows * (SIDE + TEXT + GAP) + GAP }
    }

    /// Draws the crops of `spines` below `top`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, top: u32, stack: Source<'_>, spines: &[Spine]) -> Result<()> {
        let grid = stack.grid();
        let mut order: Vec<(usize, usize)> =
            spines.iter().enumerate().map(|(i, s)| (nearest_plane(grid, s.head.z), i)).collect();
        order.sort_unstable();
        // Each plane is read once.
        for in_plane in order.chunk_by(|a, b| a.0 == b.0) {
            let z = in_plane[0].0;
            let plane = stack.planes(z..z + 1)?;
            for &(_, i) in in_plane {
                let (row, column) = (i as u32 / self.columns, i as u32 % self.columns);
                let corner = (GAP + column * (SIDE + GAP), top + GAP + row * (SIDE + TEXT + GAP));
                crop(canvas, corner, (plane.view(), grid), &spines[i]);
            }
        }
        Ok(())
    }
}

fn crop(canvas: &mut Canvas, (left, top): (u32, u32), (plane, grid): (VoxelsView<'_>, Grid), spine: &Spine) {
    let pixel_um = SIDE_UM / f64::from(SIDE);
    // Midway between base and head: both are seen, whatever the spine's length.
    let middle = spine.base.lerp(spine.head, 0.5);
    let levels = crop_of(plane, grid, (middle.y, middle.x), SIDE, pixel_um);
    let at = |p: PointUm| {
        let x = (p.x - middle.x) / pixel_um + f64::from(SIDE) / 2.0;
        let y = (p.y - middle.y) / pixel_um + f64::from(SIDE) / 2.0;
        (x as f32, y as f32)
    };
    let (head, base) = (at(spine.head), at(spine.base));
    canvas.grey(left, top, &contrast(levels.as_raw(), head, pixel_um).picture(&levels));

    let colour = style::class_colour(spine.class);
    let on_canvas = |p: (f32, f32)| (left as f32 + p.0, top as f32 + p.1);
    canvas.ring(on_canvas(head), (RING_UM / pixel_um) as f32, Pen { colour, alpha: 230, width: 1.2 });
    canvas.disc(on_canvas(base), 2.2, style::CENTRELINE);

    let flag = if spine.flags.is_empty() { "" } else { " !" };
    let name = format!("{} {}{flag}", spine.spine_id, style::class_name(spine.class));
    canvas.text((left as i32, (top + SIDE + 2) as i32), &name, Font::BOLD, colour);
    let figures = format!("D{} SNR {:.0} {:.1} µm", spine.dendrite_id, spine.snr, spine.length_um);
    canvas.text((left as i32, (top + SIDE + 18) as i32), &figures, Font::SMALL, style::FAINT);
}

/// Contrast for the spine, not for the shaft beside it, which may be ten times brighter.
fn contrast(levels: &[f32], head: (f32, f32), pixel_um: f64) -> Contrast {
    let radius = (RING_UM / pixel_um) as f32;
    let near = levels.iter().enumerate().filter(|&(i, v)| {
        let (x, y) = ((i as u32 % SIDE) as f32, (i as u32 / SIDE) as f32);
        v.is_finite() && (x - head.0).hypot(y - head.1) <= radius
    });
    let brightest = near.map(|(_, &v)| v).fold(f32::NEG_INFINITY, f32::max);
    let whole = Contrast::from_quantiles(levels, 0.05, 0.995, 0.8);
    if brightest.is_finite() {
        Contrast { white: whole.white.min(whole.black + 1.25 * (brightest - whole.black)), ..whole }
    } else {
        whole
    }
}
