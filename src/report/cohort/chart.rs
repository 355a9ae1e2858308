//! Courses over days: every animal a thin line, groups as means with intervals, published figures behind them.

use maud::{Markup, html};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;
/// Okabe-Ito on white; control first.
const COLOURS: [&str; 6] = ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9"];

/// A mean with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) day: f64,
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// One treatment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    /// One line per animal.
    pub(super) animals: Vec<Vec<(f64, f64)>>,
    pub(super) means: Vec<Mean>,
}

/// A published figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Published {
    pub(super) day: f64,
    pub(super) value: f64,
    pub(super) range: Option<(f64, f64)>,
    /// Which group's colour it takes.
    pub(super) group: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x_label: &'static str,
    pub(super) y_label: String,
    pub(super) groups: Vec<Group>,
    pub(super) published: Vec<Published>,
    /// Means hold until the next one, as survival does.
    pub(super) steps: bool,
    /// A line at 0 on y.
    pub(super) zero: bool,
    /// A line at the dose.
    pub(super) dose: bool,
    /// Ends of y that must be shown.
    pub(super) include: Vec<f64>,
}

struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(chart: &Chart) -> Self {
        let means = || chart.groups.iter().flat_map(|g| &g.means);
        let lines = || chart.groups.iter().flat_map(|g| g.animals.iter().flatten());
        let xs = means().map(|m| m.day).chain(lines().map(|p| p.0)).chain(chart.published.iter().map(|p| p.day));
        // An interval of two animals can be wider than everything else: it is cut off, not the axis stretched.
        let ys = means().map(|m| m.value).chain(lines().map(|p| p.1)).chain(chart.published.iter().map(|p| p.value));
        let ys = ys.chain(chart.published.iter().filter_map(|p| p.range).flat_map(|r| [r.0, r.1]));
        let ys = ys.chain(chart.include.iter().copied()).chain(chart.zero.then_some(0.0));
        let ((x0, x1), (y0, y1)) = (span(xs), span(ys));
        let pad = |low: f64, high: f64, share: f64| if high > low { share * (high - low) } else { 0.5 };
        let (px, py) = (pad(x0, x1, 0.05), pad(y0, y1, 0.08));
        Self { x: (x0 - px, x1 + px), y: (y0 - py, y1 + py) }
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |v: f64, (low, high): (f64, f64)| (v - low) / (high - low);
        let across = LEFT + share(x, self.x) * (WIDTH - LEFT - RIGHT);
        let y = y.clamp(self.y.0, self.y.1);
        (across, HEIGHT - BOTTOM - share(y, self.y) * (HEIGHT - TOP - BOTTOM))
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut text = String::new();
        for (n, (x, y)) in points.enumerate() {
            let (px, py) = self.at(x, y);
            text += &format!("{}{px:.1} {py:.1}", if n == 0 { "M" } else { "L" });
        }
        text
    }
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// Round numbers within a range, some five of them.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * decade).into_iter().find(|s| *s >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    (first..).map(|n| n as f64 * step).take_while(|t| *t <= high).collect()
}

fn label(value: f64) -> String {
    let text = format!("{:.3}", value + 0.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

pub(super) fn colour(group: usize) -> &'static str {
    COLOURS[group % COLOURS.len()]
}

/// A mark of a group: its shape tells groups apart without colour.
pub(super) fn mark(group: usize, x: f64, y: f64, size: f64) -> Markup {
    let fill = colour(group);
    html! {
        @match group % 3 {
            0 => { circle cx=(n(x)) cy=(n(y)) r=(n(size)) fill=(fill) {} }
            1 => { rect x=(n(x - size)) y=(n(y - size)) width=(n(2.0 * size)) height=(n(2.0 * size)) fill=(fill) {} }
            _ => { path d=(format!("M{:.1} {:.1}l{size} {}h{}z", x, y - 1.2 * size, 2.2 * size, -2.0 * size)) fill=(fill) {} }
        }
    }
}

fn n(value: f64) -> String {
    format!("{value:.1}")
}

/// The chart as an SVG that stands by itself.
pub(super) fn draw(chart: &Chart) -> Markup {
    let axes = Axes::of(chart);
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(chart.title)
            font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12" fill="#1c1f23" {
            rect width=(WIDTH) height=(HEIGHT) fill="#ffffff" {}
            text x=(LEFT) y="18" font-size="14" font-weight="600" { (chart.title) }
            @for t in ticks(axes.y) {
                @let y = axes.at(axes.x.0, t).1;
                line x1=(LEFT) x2=(right) y1=(n(y)) y2=(n(y)) stroke="#e6e8ea" {}
                text x=(LEFT - 6.0) y=(n(y + 4.0)) text-anchor="end" { (label(t)) }
            }
            @for t in days(chart) {
                @let x = axes.at(t, axes.y.0).0;
                line x1=(n(x)) x2=(n(x)) y1=(n(bottom)) y2=(n(bottom + 4.0)) stroke="#1c1f23" {}
                text x=(n(x)) y=(n(bottom + 17.0)) text-anchor="middle" { (label(t)) }
            }
            @if chart.zero {
                @let y = axes.at(axes.x.0, 0.0).1;
                line x1=(LEFT) x2=(right) y1=(n(y)) y2=(n(y)) stroke="#9aa2aa" {}
            }
            @if chart.dose && axes.x.0 < 0.0 && axes.x.1 > 0.0 {
                @let x = axes.at(0.0, axes.y.0).0;
                line x1=(n(x)) x2=(n(x)) y1=(TOP) y2=(n(bottom)) stroke="#9aa2aa" stroke-dasharray="3 3" {}
            }
            line x1=(LEFT) x2=(right) y1=(n(bottom)) y2=(n(bottom)) stroke="#1c1f23" {}
            text x=(n((LEFT + right) / 2.0)) y=(n(HEIGHT - 8.0)) text-anchor="middle" { (chart.x_label) }
            text transform=(format!("translate(14 {}) rotate(-90)", n((TOP + bottom) / 2.0))) text-anchor="middle" { (chart.y_label) }
            @for p in &chart.published { (published(p, &axes)) }
            @for (k, g) in chart.groups.iter().enumerate() {
                @for line in &g.animals {
                    path d=(axes.path(stepped(line.iter().copied(), chart.steps).into_iter())) fill="none" stroke=(colour(k)) stroke-opacity="0.3" {}
                }
            }
            @for (k, g) in chart.groups.iter().enumerate() { (group(k, g, chart, &axes)) }
        }
    }
}

/// Every day that was imaged, as far as their labels do not touch.
fn days(chart: &Chart) -> Vec<f64> {
    let mut all: Vec<f64> = chart.groups.iter().flat_map(|g| g.means.iter().map(|m| m.day)).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let axes = Axes::of(chart);
    let mut kept: Vec<f64> = Vec::new();
    for day in all {
        let far = kept.last().is_none_or(|k| axes.at(day, 0.0).0 - axes.at(*k, 0.0).0 > 20.0);
        if far {
            kept.push(day);
        }
    }
    kept
}

fn stepped(points: impl Iterator<Item = (f64, f64)>, steps: bool) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let (true, Some(&(_, before))) = (steps, all.last()) {
            all.push((x, before));
        }
        all.push((x, y));
    }
    all
}

fn group(k: usize, of: &Group, chart: &Chart, axes: &Axes) -> Markup {
    // Groups beside each other, so that whiskers on one day are told apart.
    let shift = 4.0 * (k as f64 - (chart.groups.len() as f64 - 1.0) / 2.0);
    let line = stepped(of.means.iter().map(|m| (m.day, m.value)), chart.steps);
    html! {
        g transform=(format!("translate({shift} 0)")) {
            path d=(axes.path(line.into_iter())) fill="none" stroke=(colour(k)) stroke-width="2.2" {}
            @for m in &of.means {
                @let (x, y) = axes.at(m.day, m.value);
                @if let Some((low, high)) = m.interval {
                    @let (top, base) = (axes.at(m.day, high).1, axes.at(m.day, low).1);
                    line x1=(n(x)) x2=(n(x)) y1=(n(top)) y2=(n(base)) stroke=(colour(k)) stroke-width="1.4" {}
                }
                (mark(k, x, y, 3.6))
            }
        }
    }
}

/// Open diamonds, with the range where one is published.
fn published(p: &Published, axes: &Axes) -> Markup {
    let (x, y) = axes.at(p.day, p.value);
    html! {
        @if let Some((low, high)) = p.range {
            @let (top, base) = (axes.at(p.day, high).1, axes.at(p.day, low).1);
            rect x=(n(x - 7.0)) y=(n(top)) width="14" height=(n(base - top)) fill=(colour(p.group)) fill-opacity="0.16" {}
        }
        path d=(format!("M{:.1} {:.1}l6 6l-6 6l-6 -6z", x, y - 6.0)) fill="#ffffff" stroke=(colour(p.group)) stroke-width="1.5" {}
    }
}

#[cfg(test)]
mod tests {
    use crate::report::cohort::chart::{Chart, Group, Mean, draw, ticks};

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks((0.0, 1.0)), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        let few = ticks((-0.013, 0.021));
        assert!(few.len() >= 3 && few.iter().all(|t| (-0.013..=0.021).contains(t)), "{few:?}");
    }

    #[test]
    fn every_animal_and_mean_is_drawn_and_names_are_escaped() {
        let means = vec![
            Mean { day: -1.0, value: 0.1, interval: None },
            Mean { day: 3.0, value: 0.2, interval: Some((0.1, 9.0)) },
        ];
        let group = |name: &str| Group {
            name: name.into(),
            animals: vec![vec![(-1.0, 0.1), (3.0, 0.3)]; 3],
            means: means.clone(),
        };
        let chart = Chart { title: "<b>".into(), groups: vec![group("a"), group("b")], dose: true, ..Chart::default() };
        let svg = draw(&chart).into_string();
        assert_eq!(svg.matches("stroke-opacity").count(), 6);
        assert_eq!((svg.matches("<circle").count(), svg.matches("stroke-dasharray").count()), (2, 1));
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("NaN"));
        // What goes beyond the axes ends at them.
        assert!(roxmltree::Document::parse(&svg).is_ok());
    }
}
