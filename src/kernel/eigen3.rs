//! Eigenvalues of a symmetric 3 x 3 matrix in closed form, exact to f32 rounding even where two of them are equal.
//!
//! With b the deviator of H and c the deviator of b², both in five coordinates of the traceless matrices, (√3/2 zz, (yy - xx)/2, zy, zx, yx), the angle
//! is atan2(sqrt(D), 3/2 det b) / 3 with D = sum over i<j of (b_i c_j - b_j c_i)² = (4 J2³ - 27 J3²) / 12, J2 = sum of b_i². Unlike the acos
//! form, whose argument loses half of its digits near 1, D has no cancellation: on a tube two eigenvalues are equal. WGSL promises little
//! for its own atan2 and cos, so both are polynomials here and in the shader (fitted by us; atan to 1.4e-8, cos and sin to
//! 1e-9 on the ranges used).
//!
//! Products are added with one rounding (`mul_add`): the same on every CPU, and one instruction on all of the last ten years.

/// Symmetric matrix: zz, yy, xx, zy, zx, yx.
pub type Symmetric3 = [f32; 6];

const HALF_SQRT_3: f32 = 0.866_025_4;

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

/// Arithmetic of [`eigenvalues`]: mean and coordinates of the deviator 7, its size and scaling 17, its square 26, discriminant 50, determinant 10,
/// angle 33, cosine and sine 18, radius 1, the three values 11.
pub(crate) const OPERATIONS: u64 = 7 + 17 + 26 + 50 + 10 + 33 + 18 + 1 + 11;

#[inline(always)]
fn polynomial<const N: usize>(c: &[f32; N], u: f32) -> f32 {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = sum.mul_add(u, c[k]);
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
    let mean = (h[0] + h[1] + h[2]) * (1.0 / 3.0);
    let b = [HALF_SQRT_3 * (h[0] - mean), 0.5 * (h[1] - h[2]), h[3], h[4], h[5]];
    let mut j2 = b[0] * b[0];
    let mut i = 1;
    while i < 5 {
        j2 = b[i].mul_add(b[i], j2);
        i += 1;
    }
    let size = j2.sqrt();
    // Scaled to 1, the sixth powers below stay in range; a deviator of 1e-18 or less is as good as none.
    let inverse = 1.0 / size.max(1e-18);
    let b = [b[0] * inverse, b[1] * inverse, b[2] * inverse, b[3] * inverse, b[4] * inverse];
    let ([_, q, zy, zx, yx], half_zz) = (b, (0.5 / HALF_SQRT_3) * b[0]);
    let zz = 2.0 * half_zz;
    // yy = q - zz / 2 and xx = -q - zz / 2. Of the square a third of its trace, 2 J2, is taken off.
    let c = [
        HALF_SQRT_3 * zz.mul_add(zz, zy.mul_add(zy, zx.mul_add(zx, -2.0 / 3.0))),
        q.mul_add(-zz, 0.5 * zy.mul_add(zy, -zx * zx)),
        zx.mul_add(yx, (half_zz + q) * zy),
        zy.mul_add(yx, (half_zz - q) * zx),
        zy.mul_add(zx, -zz * yx),
    ];
    let mut discriminant = 0.0;
    let mut i = 0;
    while i < 5 {
        let mut j = i + 1;
        while j < 5 {
            let minor = b[i].mul_add(c[j], -b[j] * c[i]);
            discriminant = minor.mul_add(minor, discriminant);
            j += 1;
        }
        i += 1;
    }
    let det = zz.mul_add(half_zz.mul_add(half_zz, -q.mul_add(q, yx * yx)), zy.mul_add(c[2], zx * c[3]));
    let angle = atan2_upper(discriminant.sqrt(), 1.5 * det) * (1.0 / 3.0);
    let u = angle * angle;
    let (cos, sin) = (polynomial(&COS, u), angle * polynomial(&SIN, u));
    let radius = (1.0 / HALF_SQRT_3) * size;
    let half = 0.5 * cos;
    let side = HALF_SQRT_3 * sin;
    [radius.mul_add(-half - side, mean), radius.mul_add(side - half, mean), radius.mul_add(cos, mean)]
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
