//! Recall, precision and the bias of every measure on stacks of known truth, as one long table.
//!
//! Shares have Wilson's 95 % interval ([`wilson_95`]), biases mean ± 1.96 standard errors.

use crate::model::CalibrationRow;
use crate::score::{median, ratio, round};
use crate::statistics::{Z_95, wilson_95};

/// Edges of the bins of head width, µm; the last bin is open.
const WIDTH_UM: [f64; 6] = [0.0, 0.3, 0.4, 0.5, 0.6, 0.8];
/// Edges of the bins of a head's photons.
const PHOTONS: [f64; 7] = [0.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0];
/// Edges of the bins of a head's distance from the centreline in the image plane, µm.
const DISTANCE_UM: [f64; 6] = [0.0, 0.6, 0.9, 1.2, 1.6, 2.0];
/// Heads from this width on must not be missed, µm.
const LARGE_UM: f64 = 0.5;

/// What was measured of a spine that was found.
///
/// ```
/// use gemmule::score::{CalibrationField, Measured, Trial, calibration};
/// let measured =
///     Measured { distance_um: 1.1, length_um: 0.9, head_width_um: Some(0.7), brightness: 0.3, volume_um3: 0.05 };
/// let found = Trial { distance_um: 1.0, length_um: 0.8, head_width_um: 0.6, head_photons: 60.0, measured: Some(measured) };
/// let field = CalibrationField { photons: 60.0, length_um: 50.0, traced_um: 50.0, trials: vec![found], false_found: 0 };
/// let recall = calibration(&[field]).into_iter().find(|row| row.figure == "recall" && row.of == "all");
/// assert_eq!(recall.and_then(|row| row.value), Some(1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Head to centreline in the image plane, µm.
    pub distance_um: f64,
    /// From the shaft's edge to the tip, µm.
    pub length_um: f64,
    /// Full width at half maximum of the head, µm, where it could be fitted.
    pub head_width_um: Option<f64>,
    /// Residual peak over the shaft's axis brightness.
    pub brightness: f64,
    /// Apparent volume, µm³.
    pub volume_um3: f64,
}

/// A true, scorable spine and what was made of it. See the example of [`calibration()`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// True head to centreline in the image plane, µm.
    pub distance_um: f64,
    /// True length beyond the shaft's edge, µm.
    pub length_um: f64,
    /// True head width, µm.
    pub head_width_um: f64,
    /// Photons of its head.
    pub head_photons: f64,
    /// None if it was missed.
    pub measured: Option<Measured>,
}

/// One stack of known truth. See the example of [`calibration()`].
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationField {
    /// Photons on the axis of the brightest shaft.
    pub photons: f64,
    /// True length of its dendrites, µm.
    pub length_um: f64,
    /// Length of those that was traced, µm.
    pub traced_um: f64,
    /// Every true, scorable spine.
    pub trials: Vec<Trial>,
    /// Found spines that are none.
    pub false_found: usize,
}

/// The table: for each number of photons coverage, precision, recall, F1, recall by bins, bias and spread of the measures, rank correlation of size.
///
/// ```
/// use gemmule::score::{CalibrationField, Trial, calibration};
/// let missed = Trial { distance_um: 1.0, length_um: 0.8, head_width_um: 0.6, head_photons: 30.0, measured: None };
/// let field = CalibrationField { photons: 60.0, length_um: 50.0, traced_um: 40.0, trials: vec![missed], false_found: 1 };
/// let rows = calibration(&[field]);
/// let value = |figure: &str| rows.iter().find(|r| r.figure == figure && r.of == "all").and_then(|r| r.value);
/// assert_eq!((value("coverage"), value("recall"), value("precision")), (Some(0.8), Some(0.0), Some(0.0)));
/// ```
pub fn calibration(fields: &[CalibrationField]) -> Vec<CalibrationRow> {
    let mut levels: Vec<f64> = fields.iter().map(|f| f.photons).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
        .into_iter()
        .flat_map(|photons| {
            let here: Vec<&CalibrationField> = fields.iter().filter(|f| f.photons == photons).collect();
            Level { photons, trials: here.iter().flat_map(|f| f.trials.clone()).collect() }.rows(&here)
        })
        .collect()
}

/// All spines at one number of photons.
struct Level {
    photons: f64,
    trials: Vec<Trial>,
}

impl Level {
    fn rows(&self, fields: &[&CalibrationField]) -> Vec<CalibrationRow> {
        let sum = |of: fn(&CalibrationField) -> f64| fields.iter().map(|f| of(f)).sum::<f64>();
        let length_um = sum(|f| f.length_um);
        let (hit, n) = (self.hit(|_| true), self.trials.len());
        let wrong: usize = fields.iter().map(|f| f.false_found).sum();
        let coverage = (length_um > 0.0).then(|| round(sum(|f| f.traced_um) / length_um));
        let mut rows = vec![
            self.row("coverage", "all", fields.len(), [coverage, None, None]),
            self.row("precision", "all", hit + wrong, share(hit, hit + wrong)),
            self.row("recall", "all", n, share(hit, n)),
            self.row("f1", "all", n, [ratio(2 * hit, hit + wrong + n), None, None]),
        ];
        let large = |t: &Trial| t.head_width_um >= LARGE_UM;
        let n_large = self.trials.iter().filter(|t| large(t)).count();
        let mut row = self.row("recall", "large heads", n_large, share(self.hit(large), n_large));
        row.from = Some(LARGE_UM);
        rows.push(row);
        rows.extend(self.recall_by("head_width_um", &WIDTH_UM, |t| t.head_width_um));
        rows.extend(self.recall_by("head_photons", &PHOTONS, |t| t.head_photons));
        rows.extend(self.recall_by("distance_um", &DISTANCE_UM, |t| t.distance_um));
        rows.extend(self.bias("distance_um", |t, m| Some(m.distance_um - t.distance_um)));
        rows.extend(self.bias("length_um", |t, m| Some(m.length_um - t.length_um)));
        rows.extend(self.bias("head_width_um", |t, m| m.head_width_um.map(|w| w - t.head_width_um)));
        // A sphere's volume has the rank of its diameter.
        let found = || self.trials.iter().filter_map(|t| Some((t.head_width_um, t.measured?)));
        for (of, values) in [
            ("brightness", found().map(|(w, m)| (w, m.brightness)).collect::<Vec<_>>()),
            ("volume_um3", found().map(|(w, m)| (w, m.volume_um3)).collect()),
        ] {
            rows.push(self.row("spearman", of, values.len(), [spearman(&values), None, None]));
        }
        rows
    }

    fn hit(&self, of: impl Fn(&Trial) -> bool) -> usize {
        self.trials.iter().filter(|t| of(t) && t.measured.is_some()).count()
    }

    fn row(&self, figure: &str, of: &str, n: usize, [value, low, high]: [Option<f64>; 3]) -> CalibrationRow {
        let (figure, of) = (figure.to_owned(), of.to_owned());
        CalibrationRow { photons: self.photons, figure, of, from: None, to: None, n, value, low, high }
    }

    fn recall_by(&self, of: &str, edges: &[f64], value: impl Fn(&Trial) -> f64) -> Vec<CalibrationRow> {
        let bin = |k: usize| {
            let to = edges.get(k + 1).copied();
            let inside = |t: &Trial| value(t) >= edges[k] && to.is_none_or(|to| value(t) < to);
            let n = self.trials.iter().filter(|t| inside(t)).count();
            let row = self.row("recall", of, n, share(self.hit(inside), n));
            CalibrationRow { from: Some(edges[k]), to, ..row }
        };
        (0..edges.len()).map(bin).collect()
    }

    /// Mean difference, its standard deviation and its median.
    fn bias(&self, of: &str, difference: impl Fn(&Trial, &Measured) -> Option<f64>) -> [CalibrationRow; 3] {
        let d: Vec<f64> = self.trials.iter().filter_map(|t| difference(t, t.measured.as_ref()?)).collect();
        let n = d.len();
        let mean = (n > 0).then(|| d.iter().sum::<f64>() / n as f64);
        let deviation = mean
            .filter(|_| n > 1)
            .map(|mean| (d.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0)).sqrt());
        let end = |sign: f64| mean.zip(deviation).map(|(m, sd)| round(m + sign * Z_95 * sd / (n as f64).sqrt()));
        [
            self.row("bias", of, n, [mean.map(round), end(-1.0), end(1.0)]),
            self.row("spread", of, n, [deviation.map(round), None, None]),
            self.row("median_bias", of, n, [median(d), None, None]),
        ]
    }
}

/// Share of `n` with its interval.
fn share(hit: usize, n: usize) -> [Option<f64>; 3] {
    let interval = wilson_95(hit, n);
    [ratio(hit, n), interval.map(|i| round(i.0)), interval.map(|i| round(i.1))]
}

/// Rank correlation, ties sharing their mean rank; none below three pairs or where one side does not vary.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let ranks = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        let below = |v: f64| pairs.iter().filter(|p| of(p) < v).count();
        let same = |v: f64| pairs.iter().filter(|p| of(p) == v).count();
        pairs.iter().map(|p| below(of(p)) as f64 + 0.5 * (same(of(p)) as f64 - 1.0)).collect()
    };
    let (a, b) = (ranks(|p| p.0), ranks(|p| p.1));
    let middle = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (pairs.len() > 2 && scale > 0.0).then(|| round(product(&a, &b) / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_and_spearman_give_published_values() {
        // Newcombe 1998 (doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E), table I: 81 of 263 and 0 of 20.
        let [p, low, high] = share(81, 263).map(|v| v.expect("there are trials"));
        assert!(
            (p - 0.30798).abs() < 1e-5 && (low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4,
            "{low} {high}"
        );
        let [_, low, high] = share(0, 20).map(|v| v.expect("there are trials"));
        assert!(low == 0.0 && (high - 0.1611).abs() < 1e-4, "{high}");
        // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) = .820783 (a tie).
        let pairs = [(1.0, 5.0), (2.0, 6.0), (3.0, 7.0), (4.0, 8.0), (5.0, 7.0)];
        assert!((spearman(&pairs).expect("both vary") - 0.82078).abs() < 1e-5);
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]), None);
    }
}
