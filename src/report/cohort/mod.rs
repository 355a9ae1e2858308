//! `report.html` of a cohort: what was given, what does not count, what came of it, and how far it can be trusted.

mod chart;
mod courses;

use maud::{Markup, html};

use crate::cohort::{Effects, Scale};
use crate::interventions::Interventions;
use crate::report::cohort::courses::Figure;
use crate::report::html::{self, Section};

/// A table as text. See the example of [`cohort_report`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextTable {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<String>>,
}

/// Survival of one animal's or treatment's new spines. See the example of [`cohort_report`].
#[derive(Clone, Debug, PartialEq)]
pub struct SurvivalCurve {
    /// Treatment.
    pub treatment: String,
    /// The animal; none for all.
    pub mouse: Option<String>,
    /// Days since first seen, share left, 95 % interval.
    pub points: Vec<(f64, f64, (f64, f64))>,
}

/// What could make growth look like formation. See the example of [`cohort_report`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewSpineControl {
    /// Treatment.
    pub treatment: String,
    /// Spines formed after the dose.
    pub new_spines: usize,
    /// Those with a measurement at their place in the session before.
    pub measured_before: usize,
    /// Those of these that stood above half of the smallest contrast that is seen already then.
    pub half_seen_before: usize,
    /// Median contrast over the smallest that is seen, when first seen.
    pub median_contrast: Option<f64>,
}

/// What the report of a cohort is made from. See the example of [`cohort_report`].
#[derive(Clone, Copy, Debug)]
pub struct CohortReport<'a> {
    /// Name of the manifest or the study.
    pub title: &'a str,
    /// Animals, fields and dendrites per treatment.
    pub design: &'a TextTable,
    /// Series and dendrites that do not count, and why.
    pub exclusions: &'a TextTable,
    /// Every series and how well it could be read.
    pub series: &'a TextTable,
    /// What the long table says.
    pub effects: &'a Effects,
    /// Survival of the spines formed at the first session after the dose.
    pub survival: &'a [SurvivalCurve],
    /// Per treatment.
    pub control: &'a [NewSpineControl],
    /// Published effects.
    pub interventions: &'a Interventions,
    /// All parameters, as TOML.
    pub parameters: &'a str,
    /// Name and value of what else a reader needs to repeat the run.
    pub origin: &'a [(String, String)],
}

/// The page, and its figures as SVG files by name.
///
/// Figures show animals' means (thin lines), their mean per treatment with its 95 % interval over animals, and published effects (open diamonds).
///
/// ```
/// use gemmule::cohort::Effects;
/// use gemmule::interventions::Interventions;
/// use gemmule::report::{CohortReport, NewSpineControl, SurvivalCurve, TextTable, cohort_report};
/// let table = |columns: &[&str], rows: &[&[&str]]| TextTable {
///     columns: columns.iter().map(|c| (*c).into()).collect(),
///     rows: rows.iter().map(|row| row.iter().map(|c| (*c).into()).collect()).collect(),
/// };
/// let control = NewSpineControl {
///     treatment: "psilocybin".into(),
///     new_spines: 40,
///     measured_before: 38,
///     half_seen_before: 3,
///     median_contrast: Some(2.1),
/// };
/// let survival =
///     SurvivalCurve { treatment: "psilocybin".into(), mouse: None, points: vec![(0.0, 1.0, (1.0, 1.0)), (7.0, 0.5, (0.3, 0.7))] };
/// let (page, figures) = cohort_report(&CohortReport {
///     title: "pilot",
///     design: &table(&["treatment", "animals"], &[&["psilocybin", "6"]]),
///     exclusions: &table(&["series", "reason"], &[]),
///     series: &table(&["series", "sessions"], &[&["m1/1", "3"]]),
///     effects: &Effects::default(),
///     survival: &[survival],
///     control: &[control],
///     interventions: &Interventions::own(),
///     parameters: "",
///     origin: &[("version".into(), "0.1.0".into())],
/// });
/// assert!(page.contains("pilot") && figures.iter().all(|(name, svg)| name.ends_with(".svg") && svg.contains("<svg")));
/// ```
pub fn cohort_report(data: &CohortReport<'_>) -> (String, Vec<(String, String)>) {
    let figures = courses::all(data);
    let files = figures.iter().map(|f| (format!("{}.svg", f.name), chart::draw(&f.chart).into_string())).collect();
    let of = |names: &[&str]| -> Vec<&Figure> { figures.iter().filter(|f| names.contains(&f.name)).collect() };
    let sections = [
        Section::new("design", "Design", design(data)),
        Section::new("density", "Density", shown(data, &of(&["density", "density_change"]), DENSITY)),
        Section::new("turnover", "Formation and elimination", turnover(data, &of)),
        Section::new("survival", "Survival of new spines", shown(data, &of(&["new_spine_survival"]), SURVIVAL)),
        Section::new("size", "Size", shown(data, &of(&["head_width_change", "brightness_change"]), SIZE)),
        Section::new("effects", "Effects", effects(data)),
        Section::new("control", "Could it be detection?", control(data, &of(&["contrast", "unscorable_share"]))),
        Section::new("exclusions", "Exclusions", exclusions(data)),
        Section::new("series", "Quality of each series", table(data.series)),
        Section::new("origin", "Parameters and versions", origin(data)),
    ];
    let lead = html! { @for remark in &data.effects.remarks { p.faint { (remark) } } };
    (html::page(data.title, "Dendritic spines over days, by treatment", &lead, &sections), files)
}

const DENSITY: &str = "Spines per µm of dendrite that can be judged. Thin lines are animals, thick lines their means with 95 % intervals over animals; \
    changes are from the first baseline day of the same dendrite, over the sites that can be judged on both days. Open diamonds are published effects of the same treatment, bars their range. The dashed line is the dose.";
const SURVIVAL: &str = "Kaplan-Meier share left of the spines first seen at the first session after the dose; a loss counts on the day that shows it; spines believed only because they are seen \
    again later are not followed. \
    Intervals (Greenwood, log-log) take spines as independent; thin lines are animals.";
const SIZE: &str = "Change from the first baseline day of the same dendrite. Head widths are widths of the image and have an optical floor: brightness tells sizes apart better.";
const TURNOVER: &str = "Share of the previous session's spines that was formed or lost, and its difference from the baseline interval. Intervals between sessions may differ in length.";

fn table(of: &TextTable) -> Markup {
    let columns: Vec<&str> = of.columns.iter().map(String::as_str).collect();
    html::table(&columns, &of.rows)
}

/// Which mark is which treatment.
fn key(data: &CohortReport<'_>) -> Markup {
    html! {
        ul.key {
            @for (k, arm) in courses::arms(data).iter().enumerate() {
                li { svg width="26" height="12" aria-hidden="true" {
                    line x1="0" x2="26" y1="6" y2="6" stroke=(chart::colour(k)) stroke-width="2.2" {} (chart::mark(k, 13.0, 6.0, 3.6))
                } (arm) }
            }
        }
    }
}

fn shown(data: &CohortReport<'_>, figures: &[&Figure], caption: &str) -> Markup {
    html! {
        @if figures.is_empty() { p { "No values." } } @else {
            (key(data))
            (html::figure(&html! { div.panels { @for f in figures { div style="max-width: 30rem" { (chart::draw(&f.chart)) } } } }, caption))
        }
    }
}

fn design(data: &CohortReport<'_>) -> Markup {
    html! { (table(data.design)) }
}

fn turnover<'f>(data: &CohortReport<'_>, of: &dyn Fn(&[&str]) -> Vec<&'f Figure>) -> Markup {
    shown(
        data,
        &of(&["formation_rate", "formation_difference", "elimination_rate", "elimination_difference"]),
        TURNOVER,
    )
}

/// The default test, a row per measure and day.
fn effects(data: &CohortReport<'_>) -> Markup {
    let number = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let p = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"));
    let with_interval = |e: &crate::cohort::Effect| {
        let times = if e.contrast == "ratio" { "× " } else { "" };
        format!("{times}{} ({} to {})", number(e.estimate), number(e.lower), number(e.upper))
    };
    let row = |e: &crate::cohort::Effect| {
        let adjusted = data.effects.adjusted(e);
        vec![
            e.metric.replace('_', " "),
            match e.scale {
                Scale::Fold => "change",
                Scale::Difference => "difference",
                Scale::Raw => "as measured",
            }
            .to_owned(),
            e.day.map_or_else(String::new, |d| d.to_string()),
            format!("{} − {}", e.group_a, e.group_b),
            format!("{}, {}", e.n_animals_a, e.n_animals_b),
            with_interval(e),
            p(e.p_value),
            p(e.p_adjusted),
            adjusted.map_or_else(String::new, with_interval),
            p(adjusted.and_then(|a| a.p_adjusted)),
        ]
    };
    let of = |e: &&crate::cohort::Effect| e.test == "permutation" && e.contrast == "difference";
    let rows: Vec<Vec<String>> = data.effects.rows.iter().filter(of).map(row).collect();
    let columns = [
        "measure",
        "scale",
        "day",
        "contrast",
        "animals",
        "estimate (95 %)",
        "p",
        "p (Holm)",
        "adjusted (95 %)",
        "p (Holm)",
    ];
    html! {
        p { "Difference of the animals' values, exact permutation of animals, p adjusted over the days by Holm. Adjusted for baseline: as measured, less what the animals' baselines \
             explain, densities and sizes as a ratio (×); it adds less noise than the difference from baseline. Say before you look which of them you report. " code { "effects.csv" } " holds the other tests, mixed models and smallest detectable effects." }
        @if rows.is_empty() { p { "Nothing to compare." } } @else { (html::table(&columns, &rows)) }
    }
}

fn control(data: &CohortReport<'_>, figures: &[&Figure]) -> Markup {
    let share =
        |n: usize, of: usize| if of == 0 { "–".into() } else { format!("{:.0} %", 100.0 * n as f64 / of as f64) };
    let rows: Vec<Vec<String>> = data
        .control
        .iter()
        .map(|c| {
            vec![
                c.treatment.clone(),
                c.new_spines.to_string(),
                c.median_contrast.map_or_else(|| "–".into(), |v| format!("{v:.2}")),
                share(c.half_seen_before, c.measured_before),
            ]
        })
        .collect();
    let columns = ["treatment", "new spines after the dose", "median contrast when first seen", "half seen before"];
    html! {
        p { "A spine that only grew past the limit of detection looks formed. If contrast (over the smallest that would be seen) or the share of sites that cannot be judged \
             moves with the treatment, or if many new spines stood above half the limit in the session before, be careful with formation." }
        (html::table(&columns, &rows))
        (shown(data, figures, "Contrast of the spines that are there, and share of sites that cannot be judged, as measured."))
    }
}

fn exclusions(data: &CohortReport<'_>) -> Markup {
    html! {
        @if data.exclusions.rows.is_empty() { p { "None." } } @else { (table(data.exclusions)) }
    }
}

fn origin(data: &CohortReport<'_>) -> Markup {
    let rows: Vec<Vec<String>> = data.origin.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
    let arms = courses::arms(data);
    let published: Vec<Vec<String>> = data
        .interventions
        .all
        .iter()
        .filter(|i| arms.contains(&i.treatment))
        .flat_map(|i| i.reference.iter().map(move |r| (i, r)))
        .map(|(i, r)| {
            let range = r.lower.zip(r.upper).map_or_else(String::new, |(l, u)| format!("{l} to {u}"));
            vec![
                i.label.clone(),
                r.metric.replace('_', " "),
                r.day.to_string(),
                r.estimate.to_string(),
                range,
                r.source.clone(),
            ]
        })
        .collect();
    let columns = ["treatment", "measure", "day", "estimate", "range", "source"];
    html! {
        (html::table(&["", ""], &rows))
        @if !published.is_empty() { h3 { "Published effects drawn behind the curves" } (html::table(&columns, &published)) }
        (html::details("All parameters", &html! { pre { (data.parameters) } }))
    }
}

#[cfg(test)]
mod tests {
    use crate::cohort::{LongRow, LongTable, StatsParams, stats};
    use crate::interventions::Interventions;
    use crate::report::cohort::{CohortReport, NewSpineControl, SurvivalCurve, TextTable, cohort_report};

    #[test]
    fn the_page_holds_every_section_animal_and_published_figure() {
        let row = |mouse: usize, metric: &str, day: f64| LongRow {
            treatment: if mouse < 4 { "saline".into() } else { "psilocybin".into() },
            mouse: format!("m{mouse}"),
            dendrite: "1".into(),
            metric: metric.into(),
            day,
            value: Some(0.5 + 0.01 * mouse as f64 + 0.001 * day),
            ..LongRow::default()
        };
        let metrics = ["density", "formation_rate", "elimination_rate", "head_width", "contrast"];
        let rows =
            metrics.iter().flat_map(|m| (0..8).flat_map(|k| [-3.0, -1.0, 1.0, 3.0].map(|d| row(k, m, d)))).collect();
        let effects = stats(&LongTable::new(rows, vec![]).unwrap(), &StatsParams::default()).unwrap();
        let text = TextTable { columns: vec!["a".into()], rows: vec![vec!["<script>".into()]] };
        let survival = [SurvivalCurve {
            treatment: "psilocybin".into(),
            mouse: None,
            points: vec![(0.0, 1.0, (1.0, 1.0)), (7.0, 0.5, (0.3, 0.7))],
        }];
        let control = [NewSpineControl {
            treatment: "psilocybin".into(),
            new_spines: 4,
            measured_before: 4,
            half_seen_before: 1,
            median_contrast: Some(2.0),
        }];
        let data = CohortReport {
            title: "<i>",
            design: &text,
            exclusions: &text,
            series: &text,
            effects: &effects,
            survival: &survival,
            control: &control,
            interventions: &Interventions::own(),
            parameters: "[a]\n",
            origin: &[("version".into(), "1".into())],
        };
        let (page, files) = cohort_report(&data);
        for id in [
            "design",
            "density",
            "turnover",
            "survival",
            "size",
            "effects",
            "control",
            "exclusions",
            "series",
            "origin",
        ] {
            assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
        }
        assert!(!page.contains("<script") && page.contains("25 %"), "control and escapes");
        let density = &files.iter().find(|(name, _)| name == "density_change.svg").expect("there are densities").1;
        assert_eq!(density.matches("stroke-opacity").count(), 8, "a line per animal");
        // Four published changes of psilocybin, as diamonds.
        assert_eq!(density.matches("l6 6l-6 6l-6 -6z").count(), 4);
        assert_eq!(cohort_report(&data), (page, files), "the same data give the same bytes");
    }
}
