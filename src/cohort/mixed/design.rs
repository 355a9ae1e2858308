//! The design of a mixed model: fixed columns and nested groups.

use std::collections::BTreeSet;

use crate::error::{Error, Result};

/// A crossed factor: its name, its levels with the reference first, and the level of each observation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    pub(super) name: &'static str,
    pub(super) levels: Vec<String>,
    pub(super) of: Vec<usize>,
}

/// Values, fixed columns and nested groups. See the example of [`crate::cohort::fit_mixed`].
#[derive(Clone, Debug, PartialEq)]
pub struct MixedDesign {
    /// The values.
    pub y: Vec<f64>,
    /// Fixed columns by name, each as long as `y`; the first is usually `(intercept)`.
    pub columns: Vec<(String, Vec<f64>)>,
    /// Nested groups, the outermost first: name, and the group of each value as a number unique over the whole design.
    pub groups: Vec<(String, Vec<usize>)>,
}

impl MixedDesign {
    /// # Errors
    /// [`Error::Parameter`] for columns or groups of other lengths, values that are not finite, groups that are not nested, or none.
    pub(super) fn check(&self) -> Result<()> {
        let fault =
            |value: String, allowed: &str| Err(Error::parameter("mixed model", value, allowed, "correct the design"));
        let n = self.y.len();
        let lengths = self.columns.iter().map(|c| c.1.len()).chain(self.groups.iter().map(|g| g.1.len()));
        if let Some(length) = lengths.into_iter().find(|l| *l != n) {
            return fault(format!("a column of {length} for {n} values"), "columns as long as the values");
        }
        if self.y.iter().chain(self.columns.iter().flat_map(|c| &c.1)).any(|v| !v.is_finite()) {
            return fault("not finite".into(), "finite values");
        }
        if self.groups.is_empty() || self.columns.is_empty() {
            return fault("empty".into(), "at least one group and one column");
        }
        for pair in self.groups.windows(2) {
            let both: BTreeSet<(usize, usize)> = pair[0].1.iter().copied().zip(pair[1].1.iter().copied()).collect();
            let inner: BTreeSet<usize> = pair[1].1.iter().copied().collect();
            if both.len() != inner.len() {
                return fault(format!("{} is not nested in {}", pair[1].0, pair[0].0), "nested groups");
            }
        }
        Ok(())
    }
}

/// Positions of the factors that make up one term, and the level (never the reference) of each.
pub(super) type Term = Vec<(usize, usize)>;

/// Terms of all factors crossed: the intercept, main effects, then interactions of growing order.
pub(super) fn crossed(factors: &[Factor]) -> Vec<Term> {
    let mut terms = Vec::new();
    for order in 0..=factors.len() {
        crate::cohort::splits::each_choice(factors.len(), order, |chosen| {
            let mut of: Vec<Term> = vec![vec![]];
            for &f in chosen {
                let levels = 1..factors[f].levels.len();
                of = of.iter().flat_map(|t| levels.clone().map(|l| [t.clone(), vec![(f, l)]].concat())).collect();
            }
            terms.extend(of);
        });
    }
    terms
}

/// The name of a term: `(intercept)`, `treatment[psilocybin]:day[3]`.
pub(super) fn name(term: &Term, factors: &[Factor]) -> String {
    if term.is_empty() {
        return "(intercept)".into();
    }
    let one = |&(f, l): &(usize, usize)| format!("{}[{}]", factors[f].name, factors[f].levels[l]);
    term.iter().map(one).collect::<Vec<_>>().join(":")
}

/// The column of a term: 1 where every factor has its level.
pub(super) fn column(term: &Term, factors: &[Factor], n: usize) -> Vec<f64> {
    (0..n).map(|k| f64::from(u8::from(term.iter().all(|&(f, l)| factors[f].of[k] == l)))).collect()
}

/// Columns that are no linear combination of those before them, by modified Gram-Schmidt; a column counts as one whose rest is below 1e-7 of it.
pub(super) fn independent(columns: &[Vec<f64>]) -> Vec<usize> {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut basis, mut kept): (Vec<Vec<f64>>, Vec<usize>) = (Vec::new(), Vec::new());
    for (k, column) in columns.iter().enumerate() {
        let mut rest = column.clone();
        // Twice is enough for orthogonality to rounding.
        for b in basis.iter().chain(&basis) {
            let along: f64 = b.iter().zip(&rest).map(|(b, r)| b * r).sum();
            rest.iter_mut().zip(b).for_each(|(r, b)| *r -= along * b);
        }
        let length = norm(&rest);
        if length > 1e-7 * norm(column) {
            basis.push(rest.iter().map(|r| r / length).collect());
            kept.push(k);
        }
    }
    kept
}
