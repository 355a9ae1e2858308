//! The maximum projection with dendrites, spines, labels and a scale bar.

use image::GrayImage;
use image::imageops::{FilterType, resize};

use crate::model::{Dendrite, Spine};
use crate::report::canvas::{Canvas, Font, Pen};
use crate::report::grey::{Contrast, Levels};
use crate::report::labels::Occupancy;
use crate::report::labels::Rect;
use crate::report::style;
use crate::units::{PointUm, VoxelSize};
use crate::volume::Grid;

/// Pixels per µm at which a head of half a µm and its number are read without effort.
const PIXELS_PER_UM: f64 = 16.0;
/// A small field is enlarged until it fills at least this many pixels...
const MIN_SIDE: f64 = 1000.0;
/// ... and a large one is reduced to this many.
const MAX_SIDE: f64 = 6000.0;
/// Radius of the ring on a head, µm: about a head's own, so that it does not hide the neighbours.
const HEAD_RADIUS_UM: f64 = 0.3;

/// Where the projection lies in the picture, and how large.
pub(crate) struct View {
    top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pixels_per_um: f64,
    voxel_size: VoxelSize,
}

impl View {
    /// The projection of a stack below a header of `top` pixels.
    pub(crate) fn new(grid: Grid, top: u32) -> Self {
        let (shape, voxel_size) = (grid.shape, grid.voxel_size);
        let (height_um, width_um) = (shape.y as f64 * voxel_size.y_um, shape.x as f64 * voxel_size.x_um);
        let longest_um = height_um.max(width_um);
        // At least one pixel per voxel of the finer axis, as long as the picture stays within bounds.
        let wished = PIXELS_PER_UM.max(1.0 / voxel_size.y_um.min(voxel_size.x_um));
        let pixels_per_um = wished.max(MIN_SIDE / longest_um).min(MAX_SIDE / longest_um);
        let pixels = |um: f64| (um * pixels_per_um).round().max(1.0) as u32;
        Self { top, width: pixels(width_um), height: pixels(height_um), pixels_per_um, voxel_size }
    }

    /// Pixel of a place; the centre of voxel (0, 0, 0) lies half a voxel inside the picture.
    fn pixel(&self, p: PointUm) -> (f32, f32) {
        let x = (p.x + self.voxel_size.x_um / 2.0) * self.pixels_per_um;
        let y = (p.y + self.voxel_size.y_um / 2.0) * self.pixels_per_um + f64::from(self.top);
        // Far outside is outside: labels are placed in whole pixels, which must not overflow.
        let bound = f64::from(Canvas::MAX_SIDE);
        (x.clamp(-bound, 2.0 * bound) as f32, y.clamp(-bound, 2.0 * bound) as f32)
    }
}

/// Draws everything of the projection.
pub(crate) fn draw(canvas: &mut Canvas, view: &View, levels: &Levels, dendrites: &[Dendrite], spines: &[Spine]) {
    // Most of a field is background: black at its upper part keeps the noise down, white below the brightest shafts.
    let contrast = Contrast::from_quantiles(levels.as_raw(), 0.40, 0.998, 0.75);
    // Contrast first: the resampler clamps floating-point levels to 0..=1.
    let picture = resize(&contrast.picture(levels), view.width, view.height, FilterType::CatmullRom);
    canvas.grey(0, view.top, &picture);

    let mut map = Occupancy::new(view.width, view.top + view.height);
    map.take(Rect { left: 0, top: 0, width: view.width as i32, height: view.top as i32 });
    take_bright(&mut map, view, &picture);
    scale_bar(canvas, &mut map, view);
    for dendrite in dendrites {
        centreline(canvas, &mut map, view, dendrite);
    }
    for spine in spines {
        marks(canvas, &mut map, view, spine);
    }
    for dendrite in dendrites {
        dendrite_number(canvas, &mut map, view, dendrite);
    }
    for spine in spines {
        spine_number(canvas, &mut map, view, spine);
    }
}

/// Keeps labels off shafts and heads, where they would hide what they name.
fn take_bright(map: &mut Occupancy, view: &View, picture: &GrayImage) {
    for (x, y, level) in picture.enumerate_pixels() {
        if level.0[0] >= 128 {
            map.take(Rect { left: x as i32, top: (view.top + y) as i32, width: 1, height: 1 });
        }
    }
}

fn centreline(canvas: &mut Canvas, map: &mut Occupancy, view: &View, dendrite: &Dendrite) {
    let pixels: Vec<(f32, f32)> = dendrite.points.iter().map(|&p| view.pixel(p)).collect();
    canvas.polyline(&pixels, Pen { colour: style::CENTRELINE, alpha: 200, width: 1.2 });
    for stretch in &dendrite.unscorable {
        let inside = |&i: &usize| dendrite.s_um[i] >= stretch.from_um && dendrite.s_um[i] <= stretch.to_um;
        let part: Vec<(f32, f32)> =
            (0..dendrite.points.len()).filter(inside).map(|i| view.pixel(dendrite.edge(i, stretch.side))).collect();
        canvas.polyline(&part, Pen { colour: style::reason_colour(stretch.reason), alpha: 255, width: 2.4 });
    }
    for pair in pixels.windows(2) {
        map.take_line(pair[0], pair[1]);
    }
}

fn marks(canvas: &mut Canvas, map: &mut Occupancy, view: &View, spine: &Spine) {
    let pen = Pen { colour: style::class_colour(spine.class), alpha: 255, width: 1.3 };
    let (base, head) = (view.pixel(spine.base), view.pixel(spine.head));
    let radius = (HEAD_RADIUS_UM * view.pixels_per_um).max(3.0) as f32;
    canvas.rimmed_polyline(&[base, toward(head, base, radius)], pen);
    canvas.rimmed_ring(head, radius, pen);
    map.take_line(base, head);
    let side = 2 * radius as i32 + 2;
    map.take(Rect { left: head.0 as i32 - side / 2, top: head.1 as i32 - side / 2, width: side, height: side });
}

/// The point `distance` from `from` on the way to `to`, or `to` if that is nearer.
fn toward(from: (f32, f32), to: (f32, f32), distance: f32) -> (f32, f32) {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let share = if length > distance { distance / length } else { 1.0 };
    (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
}

fn dendrite_number(canvas: &mut Canvas, map: &mut Occupancy, view: &View, dendrite: &Dendrite) {
    // Half-way along, beside the shaft: ends meet at branch points.
    let half_um = dendrite.length_um() / 2.0;
    let (at, next) = (view.pixel(dendrite.point_at(half_um)), view.pixel(dendrite.point_at(half_um + 1.0)));
    let normal = (at.1 - next.1, next.0 - at.0);
    let text = format!("D{}", dendrite.dendrite_id);
    let rect = map.place(at, normal, Font::LARGE.width(&text), Font::LARGE.height());
    canvas.text((rect.left, rect.top), &text, Font::LARGE, style::CENTRELINE);
}

fn spine_number(canvas: &mut Canvas, map: &mut Occupancy, view: &View, spine: &Spine) {
    let (base, head) = (view.pixel(spine.base), view.pixel(spine.head));
    let text = spine.spine_id.to_string();
    let (width, height) = (Font::BOLD.width(&text), Font::BOLD.height());
    let rect = map.place(head, (head.0 - base.0, head.1 - base.1), width, height);
    let colour = style::class_colour(spine.class);
    // A number that had to move away is tied to its head.
    let centre = (rect.left as f32 + width as f32 / 2.0, rect.top as f32 + height as f32 / 2.0);
    if (centre.0 - head.0).hypot(centre.1 - head.1) > 34.0 {
        let from = toward(head, centre, (HEAD_RADIUS_UM * view.pixels_per_um) as f32);
        canvas.polyline(&[from, toward(centre, head, 10.0)], Pen { colour, alpha: 120, width: 1.0 });
    }
    canvas.text((rect.left, rect.top), &text, Font::BOLD, colour);
}

/// A bar of a round length, about a sixth of the width, in the lower right corner.
fn scale_bar(canvas: &mut Canvas, map: &mut Occupancy, view: &View) {
    let length_um = round_length(f64::from(view.width) / view.pixels_per_um / 6.0);
    let length = (length_um * view.pixels_per_um) as f32;
    let (right, bottom) = (view.width as f32 - 20.0, (view.top + view.height) as f32 - 18.0);
    for (colour, width) in [(style::BACKGROUND, 9.0), (style::INK, 6.0)] {
        canvas.polyline(&[(right - length, bottom), (right, bottom)], Pen { colour, alpha: 255, width });
    }
    let text = format!("{length_um} µm");
    let left = (right - length / 2.0) as i32 - Font::LARGE.width(&text) as i32 / 2;
    let top = bottom as i32 - 8 - Font::LARGE.height() as i32;
    canvas.text((left, top), &text, Font::LARGE, style::INK);
    let left = left.min((right - length) as i32) - 6;
    map.take(Rect { left, top, width: view.width as i32 - left, height: 60 });
}

/// The largest 1, 2 or 5 times a power of ten that is at most `length_um`.
pub(crate) fn round_length(length_um: f64) -> f64 {
    let decade = 10_f64.powf(length_um.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|n| n * decade).find(|&n| n <= length_um).unwrap_or(decade)
}

#[cfg(test)]
mod tests {
    use crate::report::projection::round_length;

    #[test]
    fn scale_bar_is_round_and_fits() {
        for (wished, round) in [(20.4, 20.0), (9.9, 5.0), (1.0, 1.0), (0.7, 0.5), (4.9, 2.0)] {
            assert!((round_length(wished) - round).abs() < 1e-9, "{wished}");
        }
    }
}
