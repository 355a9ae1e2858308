//! Panels of curves with intervals, as SVG.

use plotters::prelude::*;

use crate::error::{Error, Result};

/// Okabe-Ito on white, darkest first: told apart with any kind of colour vision, and in grey.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
const PANEL: (u32, u32) = (420, 320);
/// Width of the legend, as a share of the curves'.
const LEGEND: f64 = 0.5;
const FONT: &str = "sans-serif";

/// A value and, where there is one, its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) interval: Option<(f64, f64)>,
}

/// Points joined by a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<Point>,
}

/// Axes with some curves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// Both ends of the y axis; from the data where there is none.
    pub(crate) y: Option<(f64, f64)>,
    /// Names of whole positions on x, from 0; none for numbers.
    pub(crate) ticks: Vec<String>,
    pub(crate) curves: Vec<Curve>,
}

/// Draws panels in rows of `columns`.
///
/// # Errors
/// [`Error::Parameter`] if the painter cannot: a value that is no number.
pub(crate) fn svg(panels: &[Panel], columns: usize) -> Result<String> {
    let columns = columns.clamp(1, panels.len().max(1));
    let rows = panels.len().div_ceil(columns).max(1);
    let mut text = String::new();
    {
        let area =
            SVGBackend::with_string(&mut text, (PANEL.0 * columns as u32, PANEL.1 * rows as u32)).into_drawing_area();
        let draw = || -> std::result::Result<(), Box<dyn std::error::Error>> {
            area.fill(&WHITE)?;
            for (area, panel) in area.split_evenly((rows, columns)).iter().zip(panels) {
                draw(area, panel)?;
            }
            area.present()?;
            Ok(())
        };
        draw().map_err(|e| Error::parameter("figure", e, "finite values", "report this as a fault"))?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, panel: &Panel) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let points = || panel.curves.iter().flat_map(|c| &c.points);
    let (x, y) = (span(points().map(|p| p.x)), span(points().flat_map(ends)));
    let y = panel.y.unwrap_or(y);
    // Room for the names, where no curve runs.
    let x = if panel.curves.len() > 1 { (x.0, x.1 + LEGEND * (x.1 - x.0)) } else { x };
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 16))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
    let named = |x: &f64| match panel.ticks.get(x.round().max(0.0) as usize) {
        Some(name) if (x - x.round()).abs() < 1e-6 && *x > -0.5 => name.clone(),
        // Steps of a tenth do not add up to whole numbers.
        _ if panel.ticks.is_empty() => format!("{}", (x * 1e6).round() / 1e6),
        _ => String::new(),
    };
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc(&panel.x_label)
        .y_desc(&panel.y_label)
        .x_label_formatter(&named)
        .label_style((FONT, 12))
        .axis_desc_style((FONT, 13));
    if !panel.ticks.is_empty() {
        mesh.x_labels(2 * panel.ticks.len() + 1);
    }
    mesh.draw()?;
    // Curves beside each other, so that intervals at the same x are told apart.
    let step = 0.006 * (x.1 - x.0);
    for (k, curve) in panel.curves.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let shift = step * (k as f64 - (panel.curves.len() as f64 - 1.0) / 2.0);
        let line: Vec<(f64, f64)> = curve.points.iter().map(|p| (p.x + shift, p.y)).collect();
        chart
            .draw_series(LineSeries::new(line.clone(), colour.stroke_width(2)))?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(line.iter().map(|&at| Circle::new(at, 3, colour.filled())))?;
        let whisker = |p: &Point| {
            p.interval.map(|(low, high)| PathElement::new([(p.x + shift, low), (p.x + shift, high)], colour))
        };
        chart.draw_series(curve.points.iter().filter_map(whisker))?;
    }
    if panel.curves.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .label_font((FONT, 12))
            .draw()?;
    }
    Ok(())
}

fn ends(p: &Point) -> [f64; 3] {
    let (low, high) = p.interval.unwrap_or((p.y, p.y));
    [p.y, low, high]
}

/// Both ends of some values and a twentieth beyond; 0 to 1 without values.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high > low { 0.06 * (high - low) } else { 0.5 * high.abs().max(1.0) };
    (low - margin, high + margin)
}
