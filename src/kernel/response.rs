//! Responses to bright structures on dark ground from the eigenvalues of the scale-normalised Hessian.
//!
//! With l1 <= l2 <= l3, a2 = -l2, a3 = -l1:
//! - **Jerman** 2016 (doi:10.1109/TMI.2016.2550102), floor m = tau * max(a3) of the scale: rho = a3 if a3 > m, m if 0 < a3 <= m; V = 0 if
//!   a2 <= 0 or rho <= 0, 1 if a2 >= rho / 2, else a2² (rho - a2) (3 / (a2 + rho))³.
//! - **Frangi** 1998 (doi:10.1007/BFb0056195), |k1| <= |k2| <= |k3|: 0 if k2 > 0 or k3 > 0, else
//!   (1 - exp(-A² / 2 alpha²)) exp(-B² / 2 beta²) (1 - exp(-S² / 2 c²)), A = |k2 / k3|, B = |k1| / sqrt|k2 k3|, S² = sum k².
//! - **Sato** 1998 (doi:10.1016/S1361-8415(98)80009-1): a2 exp(-l3² / 2 (alpha a2)²) with alpha .5 for l3 <= 0 and 2 above; 0 if a2 <= 0.
//! - **Blob**: -(l1 + l2 + l3), the scale-normalised Laplacian of Gaussian.

/// Jerman, of ascending eigenvalues; 0 to 1.
#[inline(always)]
pub fn jerman(l: [f32; 3], floor: f32) -> f32 {
    let (a2, a3) = (-l[1], -l[0]);
    let rho = if a3 > floor { a3 } else { floor };
    let ratio = 3.0 / (a2 + rho).max(1e-30);
    let partial = a2 * a2 * (rho - a2) * (ratio * ratio * ratio);
    let v = if a2 >= 0.5 * rho { 1.0 } else { partial };
    if a2 <= 0.0 || rho <= 0.0 { 0.0 } else { v }
}

/// Frangi, of ascending eigenvalues; 0 to 1.
#[inline(always)]
pub fn frangi(l: [f32; 3], c: f32, alpha: f32, beta: f32) -> f32 {
    // By magnitude; of equal ones the lower stays first.
    let swap = |a: f32, b: f32| if a.abs() <= b.abs() { (a, b) } else { (b, a) };
    let (k1, k2) = swap(l[0], l[1]);
    let (k2, k3) = swap(k2, l[2]);
    let (k1, k2) = swap(k1, k2);
    let s2 = k1 * k1 + k2 * k2 + k3 * k3;
    let plate = k2 / k3;
    let blob2 = k1 * k1 / (k2 * k3).abs().max(1e-30);
    let v = (1.0 - (-plate * plate / (2.0 * alpha * alpha)).exp())
        * (-blob2 / (2.0 * beta * beta)).exp()
        * (1.0 - (-s2 / (2.0 * c * c).max(1e-30)).exp());
    if k2 >= 0.0 || k3 >= 0.0 { 0.0 } else { v }
}

/// Sato, of ascending eigenvalues; in their own unit. `alpha` holds for l3 <= 0, `alpha_above` for l3 > 0.
#[inline(always)]
pub fn sato(l: [f32; 3], alpha: f32, alpha_above: f32) -> f32 {
    let a2 = -l[1];
    let width = a2 * if l[2] <= 0.0 { alpha } else { alpha_above };
    let v = a2 * (-l[2] * l[2] / (2.0 * width * width).max(1e-30)).exp();
    if a2 <= 0.0 { 0.0 } else { v }
}
