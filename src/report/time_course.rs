//! A measure over the days: every animal, and the mean of each arm with its interval.

use plotters::prelude::*;

use crate::error::{Error, Result};

/// Okabe-Ito, the control first and black.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];
const SIZE: (u32, u32) = (520, 340);
const FONT: &str = "sans-serif";
/// Room above the animals for the names of the arms, and how far a panel reaches beyond them, as shares of their range.
const ABOVE: f64 = 0.34;
const BEYOND: f64 = 0.12;

/// Day, mean, interval.
pub(crate) type Mean = (f64, f64, Option<(f64, f64)>);

/// One arm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) name: String,
    pub(crate) means: Vec<Mean>,
    /// Day and value, animal by animal.
    pub(crate) animals: Vec<Vec<(f64, f64)>>,
}

/// Draws arms over days that are set at equal distances; intervals that leave the range of the animals are cut at the panel's edge.
///
/// # Errors
/// [`Error::Parameter`] if the painter cannot: a value that is no number.
pub(crate) fn svg(title: &str, y_label: &str, arms: &[Arm]) -> Result<String> {
    let mut text = String::new();
    draw(&mut text, title, y_label, arms)
        .map_err(|e| Error::parameter("figure", e, "finite values", "report this as a fault"))?;
    Ok(text)
}

fn draw(
    text: &mut String,
    title: &str,
    y_label: &str,
    arms: &[Arm],
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut days: Vec<f64> = arms.iter().flat_map(|a| a.means.iter().map(|m| m.0)).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    let at = |day: f64| days.iter().position(|d| *d == day).unwrap_or_default() as f64;
    let values = || arms.iter().flat_map(|a| a.animals.iter().flatten().map(|p| p.1));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let range = if high > low { high - low } else { high.abs().max(1.0) };
    let (bottom, top) = (low - BEYOND * range, high + ABOVE * range);
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 16))
        .margin(8)
        .x_label_area_size(38)
        .y_label_area_size(58)
        .build_cartesian_2d(-0.5..days.len() as f64 - 0.5, bottom..top)?;
    let named = |x: &f64| match days.get(x.round().max(0.0) as usize) {
        Some(day) if (x - x.round()).abs() < 1e-6 && *x > -0.5 => day.to_string(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(228, 228, 228))
        .x_labels(2 * days.len() + 1)
        .x_desc("days since treatment")
        .y_desc(y_label)
        .x_label_formatter(&named)
        .label_style((FONT, 12))
        .axis_desc_style((FONT, 13))
        .draw()?;
    for (k, arm) in arms.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        // Arms beside each other, so that animals of the same day are told apart.
        let shift = 0.22 * (k as f64 - (arms.len() as f64 - 1.0) / 2.0);
        let place = |&(day, value): &(f64, f64)| (at(day) + shift, value);
        for animal in &arm.animals {
            let points: Vec<(f64, f64)> = animal.iter().map(place).collect();
            chart.draw_series(LineSeries::new(points.clone(), colour.mix(0.4)))?;
            chart.draw_series(points.into_iter().map(|p| Circle::new(p, 2, colour.mix(0.6).filled())))?;
        }
        let means: Vec<(f64, f64)> = arm.means.iter().map(|m| place(&(m.0, m.1))).collect();
        let whiskers = arm.means.iter().filter_map(|m| {
            let (lower, upper) = m.2?;
            let x = at(m.0) + shift;
            Some(PathElement::new([(x, lower.max(bottom)), (x, upper.min(top))], colour.stroke_width(2)))
        });
        chart.draw_series(whiskers)?;
        chart.draw_series(means.iter().map(|&p| Circle::new(p, 5, colour.filled())))?;
        chart
            .draw_series(LineSeries::new(means, colour.stroke_width(2)))?
            .label(&arm.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font((FONT, 13))
        .draw()?;
    area.present()?;
    drop(chart);
    Ok(())
}
