//! Eigenvalues of a symmetric 3 x 3 matrix in closed form, exact to f32 rounding even where two of them are equal.
//!
//! With b the deviator of H and c the deviator of b², both as 6-vectors whose off-diagonal entries carry sqrt 2, the angle is
//! atan2(sqrt(D), sqrt(27) det b) / 3 with D = 3 sum over i<j of (b_i c_j - b_j c_i)² = 4 J2³ - 27 J3². Unlike the acos
//! form, whose argument loses half of its digits near 1, D has no cancellation: on a tube two eigenvalues are equal. WGSL promises little
//! for its own atan2 and cos, so both are polynomials here and in the shader (fitted by us; atan to 1.4e-8, cos and sin to
//! 1e-9 on the ranges used).

/// Symmetric matrix: zz, yy, xx, zy, zx, yx.
pub type Symmetric3 = [f32; 6];

/// atan(t) / t as a polynomial in t² on 0..=1.
const ATAN: [f32; 9] = [
    1.0,
    -0.333_330_93,
    0.199_930_55,
    -0.142_071_34,
    0.106_546_79,
    -0.075_336_78,
    0.043_039_385,
    -0.016_283_017,
    0.002_903_554,
];
/// cos(t) as a polynomial in t² on 0..=(π/3)².
const COS: [f32; 5] = [1.0, -0.499_999_97, 0.041_666_39, -0.001_388_176, 0.000_024_055_777];
/// sin(t) / t as a polynomial in t² on 0..=(π/3)².
const SIN: [f32; 5] = [1.0, -0.166_666_66, 0.008_333_308, -0.000_198_347_7, 0.000_002_687_785_8];

/// Arithmetic of [`eigenvalues`]: mean and deviator 6, its size and scaling 19, its invariants and square 49, scaled entries 3, discriminant 75, determinant 14,
/// angle 32, cosine and sine 18, radius 5, the three values 11.
pub(crate) const OPERATIONS: u64 = 6 + 19 + 49 + 3 + 75 + 14 + 32 + 18 + 5 + 11;

#[inline(always)]
fn polynomial<const N: usize>(c: &[f32; N], u: f32) -> f32 {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = sum * u + c[k];
    }
    sum
}

/// atan2 for y >= 0, not both 0; in 0..=π.
#[inline(always)]
fn atan2_upper(y: f32, x: f32) -> f32 {
    let ax = x.abs();
    let steep = y > ax;
    let (low, high) = if steep { (ax, y) } else { (y, ax) };
    let t = low / high.max(1e-30);
    let a = t * polynomial(&ATAN, t * t);
    let a = if steep { std::f32::consts::FRAC_PI_2 - a } else { a };
    if x < 0.0 { std::f32::consts::PI - a } else { a }
}

/// Eigenvalues in ascending order.
///
/// ```
/// use gemmule::kernel::eigen3::eigenvalues;
/// let found = eigenvalues([2.0, 3.0, 5.0, 0.0, 0.0, 4.0]); // (2), and 3 and 5 joined by 4
/// let exact = [4.0 - 17f32.sqrt(), 2.0, 4.0 + 17f32.sqrt()];
/// assert!(found.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-5));
/// ```
#[inline(always)]
pub fn eigenvalues(h: Symmetric3) -> [f32; 3] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;
    let mean = (h[0] + h[1] + h[2]) * (1.0 / 3.0);
    let d = [h[0] - mean, h[1] - mean, h[2] - mean, h[3], h[4], h[5]];
    let size = d[0].abs().max(d[1].abs()).max(d[2].abs()).max(d[3].abs()).max(d[4].abs()).max(d[5].abs());
    // Scaled to 1, the sixth powers below stay in range.
    let inverse = 1.0 / size.max(1e-30);
    let (zz, yy, xx) = (d[0] * inverse, d[1] * inverse, d[2] * inverse);
    let (zy, zx, yx) = (d[3] * inverse, d[4] * inverse, d[5] * inverse);
    let j2 = 0.5 * (zz * zz + yy * yy + xx * xx) + (zy * zy + zx * zx + yx * yx);
    // Square of the deviator, less a third of its trace.
    let third = j2 * (2.0 / 3.0);
    let c = [
        zz * zz + zy * zy + zx * zx - third,
        zy * zy + yy * yy + yx * yx - third,
        zx * zx + yx * yx + xx * xx - third,
        SQRT_2 * (zz * zy + zy * yy + zx * yx),
        SQRT_2 * (zz * zx + zy * yx + zx * xx),
        SQRT_2 * (zy * zx + yy * yx + yx * xx),
    ];
    let b = [zz, yy, xx, SQRT_2 * zy, SQRT_2 * zx, SQRT_2 * yx];
    let mut discriminant = 0.0;
    let mut i = 0;
    while i < 6 {
        let mut j = i + 1;
        while j < 6 {
            let minor = b[i] * c[j] - b[j] * c[i];
            discriminant += minor * minor;
            j += 1;
        }
        i += 1;
    }
    let det = zz * (yy * xx - yx * yx) - zy * (zy * xx - yx * zx) + zx * (zy * yx - yy * zx);
    let angle = atan2_upper((3.0 * discriminant).sqrt(), 27.0_f32.sqrt() * det) * (1.0 / 3.0);
    let u = angle * angle;
    let (cos, sin) = (polynomial(&COS, u), angle * polynomial(&SIN, u));
    // A multiple of the unit matrix has no deviator: all eigenvalues are the mean.
    let radius = if size > 1e-30 { 2.0 * (j2 * (1.0 / 3.0)).sqrt() * size } else { 0.0 };
    let half = 0.5 * cos;
    let side = 0.866_025_4 * sin;
    [mean + radius * (-half - side), mean + radius * (side - half), mean + radius * cos]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::kernel::eigen3::eigenvalues;

    /// Eigenvalues of Q diag(l) Q' for a rotation Q from Euler angles, in f64.
    fn rotated(l: [f64; 3], [a, b, c]: [f64; 3]) -> [f32; 6] {
        let (sa, ca, sb, cb, sc, cc) = (a.sin(), a.cos(), b.sin(), b.cos(), c.sin(), c.cos());
        let q = [
            [ca * cb, ca * sb * sc - sa * cc, ca * sb * cc + sa * sc],
            [sa * cb, sa * sb * sc + ca * cc, sa * sb * cc - ca * sc],
            [-sb, cb * sc, cb * cc],
        ];
        let h = |i: usize, j: usize| (0..3).map(|k| q[i][k] * l[k] * q[j][k]).sum::<f64>() as f32;
        [h(0, 0), h(1, 1), h(2, 2), h(0, 1), h(0, 2), h(1, 2)]
    }

    fn check(mut l: [f64; 3], angles: [f64; 3]) {
        l.sort_by(f64::total_cmp);
        let size = l[0].abs().max(l[2].abs());
        let found = eigenvalues(rotated(l, angles));
        for (found, l) in found.iter().zip(l) {
            // The matrix itself is rounded to f32: an error of that order is in the question, not in the answer.
            assert!((f64::from(*found) - l).abs() <= 6e-7 * size + 1e-30, "{found} instead of {l} of {size}");
        }
    }

    #[test]
    fn equal_eigenvalues_of_tubes_plates_and_spheres_are_exact() {
        for l in
            [[-1.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [2.0, 2.0, 2.0], [-3.0, -3.0, -1e-3], [0.0; 3], [1e-12, 1e-12, 0.0]]
        {
            check(l, [0.3, 1.1, -0.7]);
            check(l, [0.0; 3]);
        }
    }

    proptest! {
        #[test]
        fn any_spectrum_in_any_orientation(l in prop::array::uniform3(-1e3..1e3f64), a in prop::array::uniform3(0.0..6.3f64)) {
            check(l, a);
        }
    }
}
