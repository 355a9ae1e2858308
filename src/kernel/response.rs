//! Responses to bright structures on dark ground from the eigenvalues of the scale-normalised Hessian.
//!
//! With l1 <= l2 <= l3, a2 = -l2, a3 = -l1:
//! - **Jerman** 2016 (doi:10.1109/TMI.2016.2550102), floor m = tau * max(a3) of the scale: rho = a3 if a3 > m, m if 0 < a3 <= m; V = 0 if
//!   a2 <= 0 or rho <= 0, 1 if a2 >= rho / 2, else a2² (rho - a2) (3 / (a2 + rho))³.
//! - **Frangi** 1998 (doi:10.1007/BFb0056195), |k1| <= |k2| <= |k3|: 0 if k2 > 0 or k3 > 0, else
//!   (1 - exp(-A² / 2 alpha²)) exp(-B² / 2 beta²) (1 - exp(-S² / 2 c²)), A = |k2 / k3|, B = |k1| / sqrt|k2 k3|, S² = sum k².
//! - **Sato** 1998 (doi:10.1016/S1361-8415(98)80009-1): a2 exp(-l3² / 2 (alpha a2)²) with alpha .5 for l3 <= 0 and 2 above; 0 if a2 <= 0.
//! - **Blob**: -(l1 + l2 + l3), the scale-normalised Laplacian of Gaussian.

/// Arithmetic of [`jerman`], [`frangi`] (three exponentials of 22, and 26 besides) and [`sato`] (one exponential, and 10).
pub(crate) const OPERATIONS: [u64; 3] = [20, 66 + 26, 32];

/// exp(r) as 1 + r + r² times this polynomial, for |r| <= ln 2 / 2; fitted by us, to 4e-9.
const EXP: [f32; 5] = [0.499_999_88, 0.166_665_18, 0.041_669_544, 0.008_368_988, 0.001_375_115_1];

/// exp(x) for x <= 0, to 2 units in the last place; below -87, where it would be denormal, exp(-87).
///
/// Without a call and without a branch, so that loops over it are vectorised, and the same in the shader: WGSL's own may be off by 3 + 2 |x| units.
///
/// ```
/// use gemmule::kernel::response::exp_nonpositive;
/// assert_eq!(exp_nonpositive(0.0), 1.0);
/// assert!((exp_nonpositive(-1.0) - (-1f32).exp()).abs() < 1e-7);
/// ```
#[inline(always)]
pub fn exp_nonpositive(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    // ln 2 in two parts, of which the first is exact in few bits.
    let r = n.mul_add(0.000_212_194_44, n.mul_add(-0.693_359_4, x));
    let mut p = EXP[4];
    p = p.mul_add(r, EXP[3]);
    p = p.mul_add(r, EXP[2]);
    p = p.mul_add(r, EXP[1]);
    p = p.mul_add(r, EXP[0]);
    let two_to_n = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p.mul_add(r * r, r + 1.0) * two_to_n
}

/// Jerman, of ascending eigenvalues; 0 to 1.
///
/// ```
/// use gemmule::kernel::response::{frangi, jerman, sato};
/// let (tube, sheet) = ([-4.0, -4.0, 0.0], [-4.0, 0.0, 0.0]);
/// assert_eq!((jerman(tube, 1.0), jerman(sheet, 1.0)), (1.0, 0.0));
/// assert!(frangi(tube, 2.0, 0.5, 0.5) > 100.0 * frangi(sheet, 2.0, 0.5, 0.5));
/// assert_eq!((sato(tube, 0.5, 2.0), sato(sheet, 0.5, 2.0)), (4.0, 0.0));
/// ```
#[inline(always)]
pub fn jerman(l: [f32; 3], floor: f32) -> f32 {
    let (a2, a3) = (-l[1], -l[0]);
    let rho = if a3 > floor { a3 } else { floor };
    let ratio = 3.0 / (a2 + rho).max(1e-30);
    let partial = a2 * a2 * (rho - a2) * (ratio * ratio * ratio);
    let v = if a2 >= 0.5 * rho { 1.0 } else { partial };
    if a2 <= 0.0 || rho <= 0.0 { 0.0 } else { v }
}

/// Frangi, of ascending eigenvalues; 0 to 1. See the example of [`jerman`].
#[inline(always)]
pub fn frangi(l: [f32; 3], c: f32, alpha: f32, beta: f32) -> f32 {
    // The two of largest magnitude must be below 0: they are the first two then.
    let [k3, k2, k1] = l;
    let s2 = k1.mul_add(k1, k2.mul_add(k2, k3 * k3));
    let plate = k2 / k3;
    // At most 1 where the response is not 0; elsewhere it would make numbers so small that they slow some processors down.
    let blob2 = (k1 * k1 / (k2 * k3).abs().max(1e-30)).min(1.0);
    // Divided once for a whole loop, not for each voxel.
    let (per_plate, per_blob, per_s2) = (0.5 / (alpha * alpha), 0.5 / (beta * beta), 0.5 / (c * c).max(5e-31));
    let v = (1.0 - exp_nonpositive(-plate * plate * per_plate))
        * exp_nonpositive(-blob2 * per_blob)
        * (1.0 - exp_nonpositive(-s2 * per_s2));
    if k2 >= 0.0 || k1 > -k2 { 0.0 } else { v }
}

/// Sato, of ascending eigenvalues; in their own unit. `alpha` holds for l3 <= 0, `alpha_above` for l3 > 0. See the example of [`jerman`].
#[inline(always)]
pub fn sato(l: [f32; 3], alpha: f32, alpha_above: f32) -> f32 {
    let a2 = -l[1];
    let width = a2 * if l[2] <= 0.0 { alpha } else { alpha_above };
    let v = a2 * exp_nonpositive(-l[2] * l[2] / (2.0 * width * width).max(1e-30));
    if a2 <= 0.0 { 0.0 } else { v }
}

#[cfg(test)]
mod tests {
    use crate::kernel::response::exp_nonpositive;

    #[test]
    fn exponentials_are_right_to_two_units() {
        for n in 0..=870_000 {
            let x = -1e-4 * n as f32;
            let (found, expected) = (f64::from(exp_nonpositive(x)), f64::from(x).exp());
            assert!(
                (found / expected - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON),
                "exp({x}) = {found}, not {expected}"
            );
        }
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert!([-1e3, f32::NEG_INFINITY, f32::MIN].iter().all(|x| (0.0..2e-38).contains(&exp_nonpositive(*x))));
    }
}
