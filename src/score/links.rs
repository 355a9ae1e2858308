//! Links of human marks against human links.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::score::ratio;
use crate::score::series::{self, Mark, SeriesTruth};
use crate::table::Table;

/// Links found, from mark to mark. See the example of [`links`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundLinks {
    links: BTreeSet<(Mark, Mark)>,
}

/// Reads `session_a`, `spine_row_a`, `session_b`, `spine_row_b`; other columns are ignored. See the example of [`links`].
///
/// # Errors
/// [`Error::File`] if the file cannot be read, lacks a column or holds a cell that is no whole number.
pub fn read_found_links(path: impl AsRef<Path>) -> Result<FoundLinks> {
    let links = series::read_links(&Table::read(path.as_ref())?)?;
    Ok(FoundLinks { links: links.into_iter().map(|(_, a, b)| (a, b)).collect() })
}

/// How well the links of two sessions agree with the truth. Links with a bad end count on neither side. See the example of [`links`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LinkFigures {
    /// Links found that are true.
    pub n_correct: usize,
    /// Links found.
    pub n_found: usize,
    /// True links.
    pub n_truth: usize,
    /// Spines of the first session that have a true link and none found.
    pub false_eliminated: usize,
    /// Spines of the second session that have a true link and none found.
    pub false_formed: usize,
    /// Spines of the first session that have no true link and one found.
    pub missed_eliminated: usize,
    /// Spines of the second session that have no true link and one found.
    pub missed_formed: usize,
    /// n_correct / n_found.
    pub precision: Option<f64>,
    /// n_correct / n_truth.
    pub recall: Option<f64>,
    /// 2 n_correct / (n_found + n_truth).
    pub f1: Option<f64>,
}

/// Figures of one pair of sessions. See the example of [`links`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkPair {
    /// Earlier session.
    pub a: i64,
    /// Later session.
    pub b: i64,
    /// The figures.
    #[serde(flatten)]
    pub figures: LinkFigures,
}

/// Figures of all pairs together. See the example of [`links`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkOverall {
    /// The figures of the summed counts.
    #[serde(flatten)]
    pub figures: LinkFigures,
    /// Links found between sessions that the truth does not link.
    pub n_links_of_other_pairs_ignored: usize,
}

/// How well links agree with the truth. See the example of [`links`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkScore {
    /// Every pair of sessions that the truth links.
    pub pairs: Vec<LinkPair>,
    /// All of them.
    pub overall: LinkOverall,
}

/// Scores links between marks.
///
/// ```
/// use gemmule::score::{SeriesTruth, links, read_found_links};
/// # let dir = tempfile::tempdir().unwrap();
/// # let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
/// # write("meta.json", r#"{"voxel_um": {"z": 1.0, "y": 0.1, "x": 0.1}}"#);
/// # write("spines.csv", "session,spine_row,z,y,x,is_bad\n0,1,5,112,80,0\n0,2,5,112,150,0\n1,1,5,112,80,0\n1,2,5,112,150,0\n");
/// # write("dendrites.csv", "session,dendrite_id,order,z,y,x\n0,1,0,5,100,0\n0,1,1,5,100,300\n1,1,0,5,100,0\n1,1,1,5,100,300\n");
/// # write("links.csv", "session_a,spine_row_a,session_b,spine_row_b\n0,1,1,1\n0,2,1,2\n");
/// // The truth links both spines of the two sessions; found was one of the links.
/// let path = dir.path().join("found.csv");
/// std::fs::write(&path, "session_a,spine_row_a,session_b,spine_row_b\n0,1,1,1\n").unwrap();
/// let score = links(&SeriesTruth::read(dir.path())?, &read_found_links(&path)?)?;
/// let figures = &score.overall.figures;
/// assert_eq!((figures.precision, figures.recall, figures.false_eliminated), (Some(1.0), Some(0.5), 1));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] if a link ends on a mark that the truth does not have.
pub fn links(truth: &SeriesTruth, found: &FoundLinks) -> Result<LinkScore> {
    let mut pairs = Vec::new();
    for &(a, b) in truth.links.keys() {
        pairs.push(LinkPair { a, b, figures: pair(truth, found, a, b)? });
    }
    let sum = |of: fn(&LinkFigures) -> usize| pairs.iter().map(|p| of(&p.figures)).sum();
    let total = LinkFigures {
        n_correct: sum(|f| f.n_correct),
        n_found: sum(|f| f.n_found),
        n_truth: sum(|f| f.n_truth),
        false_eliminated: sum(|f| f.false_eliminated),
        false_formed: sum(|f| f.false_formed),
        missed_eliminated: sum(|f| f.missed_eliminated),
        missed_formed: sum(|f| f.missed_formed),
        ..LinkFigures::default()
    };
    let other = found.links.iter().filter(|(x, y)| !truth.links.contains_key(&(x.0, y.0))).count();
    let overall = LinkOverall { figures: total.with_shares(), n_links_of_other_pairs_ignored: other };
    Ok(LinkScore { pairs, overall })
}

impl LinkFigures {
    fn with_shares(self) -> Self {
        Self {
            precision: ratio(self.n_correct, self.n_found),
            recall: ratio(self.n_correct, self.n_truth),
            f1: ratio(2 * self.n_correct, self.n_found + self.n_truth),
            ..self
        }
    }
}

fn pair(truth: &SeriesTruth, found: &FoundLinks, a: i64, b: i64) -> Result<LinkFigures> {
    let human = truth.pair(a, b);
    let mine: Vec<(i64, i64)> =
        found.links.iter().filter(|(x, y)| (x.0, y.0) == (a, b)).map(|(x, y)| (x.1, y.1)).collect();
    let (rows_a, rows_b) = (truth.rows(a), truth.rows(b));
    if let Some(unknown) = mine.iter().find(|(x, y)| !rows_a.contains(x) || !rows_b.contains(y)) {
        let allowed = format!("rows of sessions {a} and {b} of the truth");
        return Err(Error::parameter("link", format!("{unknown:?}"), &allowed, "score links of the truth's own marks"));
    }
    let from: BTreeSet<i64> = mine.iter().map(|l| l.0).collect();
    let to: BTreeSet<i64> = mine.iter().map(|l| l.1).collect();
    let (good_a, good_b) = (truth.good(a), truth.good(b));
    let mine: BTreeSet<(i64, i64)> =
        mine.into_iter().filter(|(x, y)| good_a.contains(x) && good_b.contains(y)).collect();
    let distinct = |rows: Vec<i64>| rows.into_iter().collect::<BTreeSet<i64>>();
    let figures = LinkFigures {
        n_correct: human.links.intersection(&mine).count(),
        n_found: mine.len(),
        n_truth: human.links.len(),
        false_eliminated: distinct(human.links.iter().map(|l| l.0).collect()).difference(&from).count(),
        false_formed: distinct(human.links.iter().map(|l| l.1).collect()).difference(&to).count(),
        missed_eliminated: distinct(mine.iter().map(|l| l.0).collect()).intersection(&human.gone).count(),
        missed_formed: distinct(mine.iter().map(|l| l.1).collect()).intersection(&human.new).count(),
        ..LinkFigures::default()
    };
    Ok(figures.with_shares())
}
