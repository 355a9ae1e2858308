//! Restricted maximum likelihood of a model with nested random intercepts.

use std::collections::BTreeMap;

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use serde::Serialize;

use crate::cohort::MixedDesign;
use crate::cohort::mixed::design::independent;
use crate::cohort::mixed::optimise::minimise;
use crate::error::{Error, Result};

/// A fixed effect. See the example of [`fit_mixed`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coefficient {
    /// Name of the column.
    pub name: String,
    /// Estimate.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// A fitted mixed model. See the example of [`fit_mixed`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixedFit {
    /// Fixed effects, in the order of the columns that are kept.
    pub coefficients: Vec<Coefficient>,
    /// Their covariance, row by row.
    pub covariance: Vec<Vec<f64>>,
    /// Columns left out because those before them determine them.
    pub dropped: Vec<String>,
    /// Standard deviation of the random intercepts of each group.
    pub sd: Vec<(String, f64)>,
    /// Standard deviation of the residuals.
    pub residual_sd: f64,
    /// REML criterion: -2 log restricted likelihood.
    pub reml_criterion: f64,
    /// Values.
    pub n: usize,
    /// Whether the search ended at a point where the criterion's slope is 0 (below 1e-3 per unit of relative standard deviation).
    pub converged: bool,
    /// Whether a standard deviation is at its boundary, 0 (below 1e-4 of the residuals').
    pub singular: bool,
}

/// Values of one outermost group: blocks do not see each other, so that cost grows with the number of groups and not with its cube.
struct Block {
    ztz: DMatrix<f64>,
    /// Zᵀ of the fixed columns and, last, of the values.
    ztxy: DMatrix<f64>,
    /// Level of nesting of each column of Z.
    level: Vec<usize>,
}

struct Problem {
    blocks: Vec<Block>,
    /// Gram matrix of the fixed columns and, last, the values.
    gram: DMatrix<f64>,
    n: usize,
    p: usize,
}

struct Solved {
    criterion: f64,
    beta: DVector<f64>,
    fixed: Cholesky<f64, Dyn>,
    variance: f64,
}

impl Problem {
    /// The profiled REML criterion at standard deviations relative to the residuals': with Λ = diag(θ), L Lᵀ = Λ Zᵀ Z Λ + I and R_X the rest of the fixed columns,
    /// log|L|² + log|R_X|² + (n - p)(1 + log(2π r² / (n - p))) (Bates et al. 2015, doi:10.18637/jss.v067.i01). Only |θ| matters, so no bounds are needed.
    fn solve(&self, theta: &[f64]) -> Option<Solved> {
        let mut rest = self.gram.clone();
        let mut log_det = 0.0;
        for block in &self.blocks {
            let q = block.level.len();
            let scale = |k: usize| theta[block.level[k]];
            let inner =
                DMatrix::from_fn(q, q, |i, j| block.ztz[(i, j)] * scale(i) * scale(j) + if i == j { 1.0 } else { 0.0 });
            let l = inner.cholesky()?;
            log_det += 2.0 * l.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>();
            let scaled = DMatrix::from_fn(q, self.p + 1, |i, j| block.ztxy[(i, j)] * scale(i));
            let r = l.l().solve_lower_triangular(&scaled)?;
            rest -= r.tr_mul(&r);
        }
        let fixed = rest.view((0, 0), (self.p, self.p)).clone_owned().cholesky()?;
        let right = rest.view((0, self.p), (self.p, 1)).column(0).clone_owned();
        let beta = fixed.solve(&right);
        let squares = rest[(self.p, self.p)] - right.dot(&beta);
        let free = (self.n - self.p) as f64;
        if squares.is_nan() || squares <= 0.0 {
            return None;
        }
        log_det += 2.0 * fixed.l_dirty().diagonal().iter().map(|d| d.ln()).sum::<f64>();
        let variance = squares / free;
        let criterion = log_det + free * (1.0 + (2.0 * std::f64::consts::PI * variance).ln());
        Some(Solved { criterion, beta, fixed, variance })
    }
}

/// Fits y = X β + random intercepts of nested groups + residual by REML; the criterion and estimates are those of R's lme4 with `REML = TRUE`.
///
/// Columns that earlier ones determine are dropped and named. The values are centred and scaled for the search; all that is returned is in their own unit.
///
/// ```
/// use gemmule::cohort::{MixedDesign, fit_mixed};
/// // A balanced one-way layout: 3 animals, 2 values each. Between mean square 8, within 0.5: variances .5 and (8 - .5) / 2.
/// let design = MixedDesign {
///     y: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
///     columns: vec![("(intercept)".into(), vec![1.0; 6])],
///     groups: vec![("mouse".into(), vec![0, 0, 1, 1, 2, 2])],
/// };
/// let fit = fit_mixed(&design)?;
/// assert!((fit.coefficients[0].estimate - 3.5).abs() < 1e-9);
/// assert!((fit.residual_sd.powi(2) - 0.5).abs() < 1e-5 && (fit.sd[0].1.powi(2) - 3.75).abs() < 1e-4);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for a design that is not one (see [`MixedDesign`]), has no more values than columns, as many groups as values, or values that do not vary.
pub fn fit_mixed(design: &MixedDesign) -> Result<MixedFit> {
    design.check()?;
    let fault =
        |value: &str, allowed: &str| Error::parameter("mixed model", value, allowed, "fit fewer terms or groups");
    let n = design.y.len();
    let columns: Vec<Vec<f64>> = design.columns.iter().map(|c| c.1.clone()).collect();
    let kept = independent(&columns);
    if kept.len() >= n {
        return Err(fault(&format!("{n} values for {} columns", kept.len()), "more values than columns"));
    }
    let mean = design.y.iter().sum::<f64>() / n as f64;
    let spread = (design.y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
    if spread <= 1e-12 * mean.abs() {
        return Err(fault("values that do not vary", "values that vary"));
    }
    for (name, of) in &design.groups {
        let groups: std::collections::BTreeSet<usize> = of.iter().copied().collect();
        if groups.len() >= n {
            return Err(fault(
                &format!("{} groups of {name} for {n} values", groups.len()),
                "fewer groups than values",
            ));
        }
    }
    // With an intercept among the columns, the mean taken away comes back in that coefficient alone.
    let one = kept.iter().position(|&k| columns[k].iter().all(|v| *v == 1.0));
    let centre = if one.is_some() { mean } else { 0.0 };
    let y: Vec<f64> = design.y.iter().map(|v| (v - centre) / spread).collect();
    let problem = problem(design, &kept, &y);
    let (theta, converged) = minimise(design.groups.len(), |theta| problem.solve(theta).map(|s| s.criterion));
    let solved = problem.solve(&theta).ok_or_else(|| fault("a singular system", "columns that can be told apart"))?;
    let sd = solved.variance.sqrt() * spread;
    let covariance = solved.fixed.inverse() * solved.variance * spread * spread;
    let coefficient = |(j, &k): (usize, &usize)| Coefficient {
        name: design.columns[k].0.clone(),
        estimate: solved.beta[j] * spread + if one == Some(j) { centre } else { 0.0 },
        se: covariance[(j, j)].sqrt(),
    };
    let p = kept.len();
    Ok(MixedFit {
        coefficients: kept.iter().enumerate().map(coefficient).collect(),
        covariance: (0..p).map(|i| (0..p).map(|j| covariance[(i, j)]).collect()).collect(),
        dropped: (0..columns.len()).filter(|k| !kept.contains(k)).map(|k| design.columns[k].0.clone()).collect(),
        sd: design.groups.iter().zip(&theta).map(|((name, _), t)| (name.clone(), t * sd)).collect(),
        residual_sd: sd,
        reml_criterion: solved.criterion + 2.0 * (n - p) as f64 * spread.ln(),
        n,
        converged,
        singular: theta.iter().any(|t| *t < 1e-4),
    })
}

fn problem(design: &MixedDesign, kept: &[usize], y: &[f64]) -> Problem {
    let (n, p) = (y.len(), kept.len());
    let xy = DMatrix::from_fn(n, p + 1, |i, j| if j < p { design.columns[kept[j]].1[i] } else { y[i] });
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (k, &group) in design.groups[0].1.iter().enumerate() {
        members.entry(group).or_default().push(k);
    }
    let block = |rows: Vec<usize>| {
        // A column of Z per group of each level within this block.
        let mut position: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (level, (_, of)) in design.groups.iter().enumerate() {
            for &k in &rows {
                let next = position.len();
                position.entry((level, of[k])).or_insert(next);
            }
        }
        let q = position.len();
        let (mut ztz, mut ztxy) = (DMatrix::zeros(q, q), DMatrix::zeros(q, p + 1));
        for &k in &rows {
            let mine: Vec<usize> =
                design.groups.iter().enumerate().map(|(level, (_, of))| position[&(level, of[k])]).collect();
            for &i in &mine {
                mine.iter().for_each(|&j| ztz[(i, j)] += 1.0);
                (0..=p).for_each(|j| ztxy[(i, j)] += xy[(k, j)]);
            }
        }
        let mut level = vec![0; q];
        position.iter().for_each(|(&(l, _), &at)| level[at] = l);
        Block { ztz, ztxy, level }
    };
    Problem { blocks: members.into_values().map(block).collect(), gram: xy.tr_mul(&xy), n, p }
}
