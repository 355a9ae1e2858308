//! Logistic regression with a quadratic penalty on standardised features, by Newton's method.
//!
//! Loss: sum of ln(1 + exp(-y_i (b + w . f_i))) + lambda / 2 * |w|², y = +-1, f of zero mean and unit variance; the bias b is free.
//! Convex, so the answer does not depend on where the search starts.

/// Bias and weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit<const N: usize> {
    pub(super) bias: f64,
    pub(super) weights: [f64; N],
}

/// Newton's steps halve themselves until the loss falls; convex problems of this size settle in about ten.
const STEPS: usize = 100;
/// A step this small, in standardised units, is the end.
const SETTLED: f64 = 1e-10;
/// Features that vary less than this are left out: their weight is 0.
const CONSTANT: f64 = 1e-9;

/// The model for features as they are, not standardised; `samples` are features and whether they are of the sought kind.
pub(super) fn fit<const N: usize>(samples: &[([f64; N], bool)], lambda: f64) -> Fit<N> {
    let n = samples.len().max(1) as f64;
    let mean: [f64; N] = std::array::from_fn(|k| samples.iter().map(|(f, _)| f[k]).sum::<f64>() / n);
    let spread: [f64; N] = std::array::from_fn(|k| {
        let sd = (samples.iter().map(|(f, _)| (f[k] - mean[k]).powi(2)).sum::<f64>() / n).sqrt();
        if sd > CONSTANT { sd } else { f64::INFINITY }
    });
    // The constant comes first.
    let rows: Vec<(Vec<f64>, f64)> = samples
        .iter()
        .map(|(f, yes)| {
            let standard = (0..N).map(|k| (f[k] - mean[k]) / spread[k]);
            (std::iter::once(1.0).chain(standard).collect(), if *yes { 1.0 } else { -1.0 })
        })
        .collect();
    let w = minimise(&rows, N + 1, lambda);
    let weights: [f64; N] = std::array::from_fn(|k| w[k + 1] / spread[k]);
    let bias = w[0] - weights.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>();
    Fit { bias, weights }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn loss(rows: &[(Vec<f64>, f64)], w: &[f64], lambda: f64) -> f64 {
    // ln(1 + exp(-m)) without overflow.
    let of = |(f, y): &(Vec<f64>, f64)| {
        let margin = y * dot(f, w);
        (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
    };
    rows.iter().map(of).sum::<f64>() + 0.5 * lambda * dot(&w[1..], &w[1..])
}

fn minimise(rows: &[(Vec<f64>, f64)], size: usize, lambda: f64) -> Vec<f64> {
    let mut w = vec![0.0; size];
    let mut here = loss(rows, &w, lambda);
    for _ in 0..STEPS {
        let step = newton_step(rows, &w, lambda);
        let mut share = 1.0;
        let (next, there) = loop {
            let next: Vec<f64> = w.iter().zip(&step).map(|(w, s)| w - share * s).collect();
            let there = loss(rows, &next, lambda);
            if there <= here || share < SETTLED {
                break (next, there);
            }
            share *= 0.5;
        };
        if there > here {
            return w;
        }
        (w, here) = (next, there);
        if share * step.iter().fold(0.0_f64, |m, s| m.max(s.abs())) < SETTLED {
            return w;
        }
    }
    w
}

/// Inverse Hessian times gradient.
fn newton_step(rows: &[(Vec<f64>, f64)], w: &[f64], lambda: f64) -> Vec<f64> {
    let size = w.len();
    let mut gradient: Vec<f64> = w.iter().enumerate().map(|(k, w)| if k == 0 { 0.0 } else { lambda * w }).collect();
    let mut hessian = vec![vec![0.0; size]; size];
    for (k, row) in hessian.iter_mut().enumerate() {
        // A whisper on the bias: where all samples agree nothing else bounds it.
        row[k] = if k == 0 { 1e-9 } else { lambda };
    }
    for (f, y) in rows {
        let p = 1.0 / (1.0 + (-dot(f, w)).exp());
        let target = if *y > 0.0 { 1.0 } else { 0.0 };
        for a in 0..size {
            gradient[a] += (p - target) * f[a];
            for b in 0..size {
                hessian[a][b] += p * (1.0 - p) * f[a] * f[b];
            }
        }
    }
    solve(hessian, gradient)
}

/// Gaussian elimination; the matrix is symmetric and positive definite, so no pivot vanishes.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = a[k].clone();
        let right = b[k];
        for i in k + 1..n {
            let factor = a[i][k] / pivot[k];
            a[i].iter_mut().zip(&pivot).for_each(|(a, p)| *a -= factor * p);
            b[i] -= factor * right;
        }
    }
    for k in (0..n).rev() {
        let known = dot(&a[k][k + 1..], &b[k + 1..]);
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}

#[cfg(test)]
mod tests {
    use crate::pipeline::logistic::fit;

    /// 3 of 4 yes at 1, 1 of 4 at -1: without penalty the odds are 3 and 1/3, so weight ln 3 and bias 0.
    #[test]
    fn odds_of_a_table_are_met() {
        let samples: Vec<([f64; 1], bool)> = [(1.0, 3, 1), (-1.0, 1, 3)]
            .iter()
            .flat_map(|&(f, yes, no)| [vec![([f], true); yes], vec![([f], false); no]].concat())
            .collect();
        let free = fit(&samples, 1e-9);
        assert!((free.weights[0] - 3.0_f64.ln()).abs() < 1e-6 && free.bias.abs() < 1e-6, "{free:?}");
        let held = fit(&samples, 10.0);
        assert!(held.weights[0] > 0.0 && held.weights[0] < 0.3 * free.weights[0], "{held:?}");
    }

    #[test]
    fn separated_and_constant_features_give_finite_weights() {
        let samples: Vec<([f64; 2], bool)> = (0..20).map(|i| ([f64::from(i), 5.0], i >= 10)).collect();
        let model = fit(&samples, 1.0);
        assert_eq!(model.weights[1], 0.0);
        assert!(model.weights[0] > 0.0 && model.weights[0].is_finite());
        assert!((-model.bias / model.weights[0] - 9.5).abs() < 1e-6);
        assert!(fit(&[([1.0], true), ([2.0], true)], 1.0).bias.is_finite());
    }
}
