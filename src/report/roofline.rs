//! How near kernels come to what their device can do, and how the time grows with the volume.

use image::RgbImage;

use crate::report::canvas::{Canvas, Font, Pen};
use crate::report::labels::{Occupancy, Rect};
use crate::report::style;

const PANEL: (u32, u32) = (620, 520);
/// Left, top, right and bottom of the axes, pixels from the panel's borders.
const MARGIN: (f32, f32, f32, f32) = (96.0, 64.0, 24.0, 64.0);
/// Measured, and what memory and arithmetic allow at best.
const MEASURED: [u8; 3] = [86, 180, 233];
const FLOOR: [u8; 3] = [230, 159, 0];

/// A panel with logarithmic axes: measured points, each over the least it could be, and a line. See the example of [`roofline`].
#[derive(Clone, Debug, PartialEq)]
pub struct RooflinePanel {
    /// Title.
    pub title: String,
    /// Name and unit of x.
    pub x_label: String,
    /// Name and unit of y.
    pub y_label: String,
    /// Name of the line.
    pub line_label: String,
    /// y of the line at x = 1: it rises in proportion to x.
    pub line_at_1: f64,
    /// Points.
    pub points: Vec<RooflinePoint>,
}

/// A measured point. See the example of [`roofline`].
#[derive(Clone, Debug, PartialEq)]
pub struct RooflinePoint {
    /// Name, written beside it.
    pub name: String,
    /// Place on x, above 0.
    pub x: f64,
    /// Measured, above 0.
    pub y: f64,
    /// A second floor, of its own, above 0; none where there is none.
    pub floor: Option<f64>,
}

/// Draws panels beside each other.
///
/// ```
/// use gemmule::report::{RooflinePanel, RooflinePoint, roofline};
/// let panel = RooflinePanel {
///     title: "CPU".into(),
///     x_label: "bytes per voxel".into(),
///     y_label: "ns per voxel".into(),
///     line_label: "copy".into(),
///     line_at_1: 0.05,
///     points: vec![RooflinePoint { name: "smooth_z".into(), x: 8.0, y: 0.9, floor: Some(0.3) }],
/// };
/// let picture = roofline(&[panel.clone(), panel]);
/// assert!(picture.width() > picture.height());
/// ```
pub fn roofline(panels: &[RooflinePanel]) -> RgbImage {
    let mut canvas = Canvas::new(PANEL.0 * panels.len().max(1) as u32, PANEL.1);
    for (k, panel) in panels.iter().enumerate() {
        draw(&mut canvas, panel, (k as u32 * PANEL.0) as f32);
    }
    canvas.into_rgb()
}

/// Where values lie on a panel.
struct Axes {
    left: f32,
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(panel: &RooflinePanel, left: f32) -> Self {
        let x = decades(panel.points.iter().map(|p| p.x));
        let line = panel.points.iter().map(|p| p.x * panel.line_at_1);
        let y = decades(panel.points.iter().flat_map(|p| [Some(p.y), p.floor]).flatten().chain(line));
        Self { left, x, y }
    }

    fn at(&self, x: f64, y: f64) -> (f32, f32) {
        let share = |v: f64, (low, high): (f64, f64)| ((v.max(1e-300).log10() - low) / (high - low)) as f32;
        let (width, height) = (PANEL.0 as f32 - MARGIN.0 - MARGIN.2, PANEL.1 as f32 - MARGIN.1 - MARGIN.3);
        (self.left + MARGIN.0 + width * share(x, self.x), MARGIN.1 + height * (1.0 - share(y, self.y)))
    }
}

/// Logarithms of the ends of some values, with room beside them; a decade where they are all the same.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let logs = values.filter(|v| v.is_finite() && *v > 0.0).map(f64::log10);
    let (low, high) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high { (0.0, 1.0) } else { (low - 0.15, (high + 0.15).max(low + 0.85)) }
}

fn draw(canvas: &mut Canvas, panel: &RooflinePanel, left: f32) {
    let axes = Axes::of(panel, left);
    let mut taken = Occupancy::new(canvas_width(left), PANEL.1);
    canvas.text((left as i32 + 16, 14), &panel.title, Font::LARGE, style::INK);
    canvas.text((left as i32 + 16, 42), &panel.y_label, Font::SMALL, style::FAINT);
    // Labels of points stay below the titles.
    taken.take(Rect { left: left as i32, top: 0, width: PANEL.0 as i32, height: MARGIN.1 as i32 });
    let below = (PANEL.1 - 30) as i32;
    let label_x = left + PANEL.0 as f32 - MARGIN.2 - Font::SMALL.width(&panel.x_label) as f32;
    canvas.text((label_x as i32, below), &panel.x_label, Font::SMALL, style::FAINT);
    grid(canvas, &axes);
    line(canvas, &axes, panel, &mut taken);
    for point in &panel.points {
        let at = axes.at(point.x, point.y);
        if let Some(floor) = point.floor {
            let to = axes.at(point.x, floor);
            canvas.polyline(&[at, to], Pen { colour: style::FAINT, alpha: 120, width: 1.0 });
            canvas.polyline(&[(to.0 - 7.0, to.1), (to.0 + 7.0, to.1)], Pen { colour: FLOOR, alpha: 255, width: 3.0 });
            taken.take_line(at, to);
        }
        canvas.disc(at, 5.0, MEASURED);
        taken.take(Rect { left: at.0 as i32 - 6, top: at.1 as i32 - 6, width: 12, height: 12 });
    }
    for point in &panel.points {
        let anchor = axes.at(point.x, point.y);
        let (width, height) = (Font::SMALL.width(&point.name), Font::SMALL.height());
        let place = taken.place(anchor, (0.3, -1.0), width, height);
        canvas.text((place.left, place.top), &point.name, Font::SMALL, style::INK);
    }
}

/// Pixels from the picture's left border to near the panel's right one: labels stay inside.
fn canvas_width(left: f32) -> u32 {
    left as u32 + PANEL.0 - 8
}

fn line(canvas: &mut Canvas, axes: &Axes, panel: &RooflinePanel, taken: &mut Occupancy) {
    let [from, to] = [axes.x.0, axes.x.1].map(|log| 10_f64.powf(log)).map(|x| axes.at(x, x * panel.line_at_1));
    canvas.polyline(&[from, to], Pen { colour: FLOOR, alpha: 255, width: 2.0 });
    taken.take_line(from, to);
    let (width, height) = (Font::SMALL.width(&panel.line_label), Font::SMALL.height());
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    let place = taken.place(middle, (0.3, 1.0), width, height);
    canvas.text((place.left, place.top), &panel.line_label, Font::SMALL, FLOOR);
}

/// A line at 1, 2 and 5 of every decade, and its value.
fn grid(canvas: &mut Canvas, axes: &Axes) {
    let pen = Pen { colour: style::FAINT, alpha: 60, width: 1.0 };
    let ends = [axes.x, axes.y].map(|(low, high)| (10_f64.powf(low), 10_f64.powf(high)));
    for x in ticks(axes.x) {
        let (low, high) = (axes.at(x, ends[1].0), axes.at(x, ends[1].1));
        canvas.polyline(&[low, high], pen);
        let name = number(x);
        let left = low.0 - Font::SMALL.width(&name) as f32 / 2.0;
        canvas.text((left as i32, low.1 as i32 + 8), &name, Font::SMALL, style::INK);
    }
    for y in ticks(axes.y) {
        let (low, high) = (axes.at(ends[0].0, y), axes.at(ends[0].1, y));
        canvas.polyline(&[low, high], pen);
        let name = number(y);
        let left = low.0 - 8.0 - Font::SMALL.width(&name) as f32;
        canvas.text((left as i32, low.1 as i32 - 8), &name, Font::SMALL, style::INK);
    }
}

fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let steps: &[f64] = if high - low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    (low.floor() as i32..=high.ceil() as i32)
        .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
        .filter(|v| (low..=high).contains(&v.log10()))
        .collect()
}

/// Short, without the noise of binary fractions.
fn number(value: f64) -> String {
    if (1e-3..1e5).contains(&value) { format!("{}", (value * 1e6).round() / 1e6) } else { format!("{value:.0e}") }
}

#[cfg(test)]
mod tests {
    use crate::report::roofline::{FLOOR, MEASURED, RooflinePanel, RooflinePoint, number, roofline, ticks};

    fn panel(points: Vec<RooflinePoint>) -> RooflinePanel {
        let [title, x_label, y_label, line_label] = ["CPU", "bytes", "ns", "copy"].map(String::from);
        RooflinePanel { title, x_label, y_label, line_label, line_at_1: 0.05, points }
    }

    #[test]
    fn points_floors_and_the_line_are_drawn_and_the_slower_point_lies_higher() {
        let point = |x: f64, y: f64| RooflinePoint { name: String::new(), x, y, floor: Some(y / 3.0) };
        let picture = roofline(&[panel(vec![point(4.0, 0.5), point(12.0, 4.0)])]);
        let mean = |colour: [u8; 3], right: bool| {
            let half = picture.enumerate_pixels().filter(|(x, _, p)| p.0 == colour && (*x > 300) == right);
            let rows: Vec<f64> = half.map(|(_, y, _)| f64::from(y)).collect();
            assert!(rows.len() > 30, "{colour:?}");
            rows.iter().sum::<f64>() / rows.len() as f64
        };
        assert!(mean(MEASURED, true) + 50.0 < mean(MEASURED, false));
        assert!(mean(FLOOR, true) < mean(FLOOR, false));
    }

    #[test]
    fn nothing_to_draw_and_values_without_a_logarithm_are_drawn_as_an_empty_panel() {
        let odd = RooflinePoint { name: "x".into(), x: 0.0, y: f64::NAN, floor: None };
        assert_eq!(roofline(&[panel(vec![odd])]).dimensions(), roofline(&[]).dimensions());
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_axis() {
        assert_eq!(ticks((0.0, 1.0)), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(ticks((0.0, 4.0)), [1.0, 10.0, 100.0, 1000.0, 10000.0]);
        assert_eq!([0.1 + 0.2, 2e6, 5e-4].map(number), ["0.3", "2e6", "5e-4"]);
    }
}
