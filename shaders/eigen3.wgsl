// Eigenvalues of a symmetric 3 x 3 matrix in closed form. Twin and reasons: src/kernel/eigen3.rs.

// atan2 for y >= 0, not both 0; in 0..=pi.
fn atan2_upper(y: f32, x: f32) -> f32 {
    let ax = abs(x);
    let steep = y > ax;
    let low = select(y, ax, steep);
    let high = select(ax, y, steep);
    let t = low / max(high, 1e-30);
    let u = t * t;
    var p = 0.002903554;
    p = p * u + -0.016283017;
    p = p * u + 0.043039385;
    p = p * u + -0.07533678;
    p = p * u + 0.10654679;
    p = p * u + -0.14207134;
    p = p * u + 0.19993055;
    p = p * u + -0.33333093;
    p = p * u + 1.0;
    var a = t * p;
    a = select(a, 1.5707964 - a, steep);
    return select(a, 3.1415927 - a, x < 0.0);
}

// Square of the minor b_i c_j - b_j c_i.
fn minor2(bi: f32, cj: f32, bj: f32, ci: f32) -> f32 {
    let m = bi * cj - bj * ci;
    return m * m;
}

// Eigenvalues in ascending order of the matrix with diagonal (zz, yy, xx) and off-diagonal entries (zy, zx, yx).
fn eigenvalues(diagonal: vec3<f32>, off_diagonal: vec3<f32>) -> vec3<f32> {
    const HALF_SQRT_3: f32 = 0.8660254;
    let mean = (diagonal.x + diagonal.y + diagonal.z) * (1.0 / 3.0);
    let p = HALF_SQRT_3 * (diagonal.x - mean);
    let lean = 0.5 * (diagonal.y - diagonal.z);
    let size = sqrt(p * p + lean * lean + dot(off_diagonal, off_diagonal));
    // Scaled to 1, the sixth powers below stay in range; a deviator of 1e-18 or less is as good as none.
    let inverse = 1.0 / max(size, 1e-18);
    let b0 = p * inverse;
    let b1 = lean * inverse;
    let zy = off_diagonal.x * inverse;
    let zx = off_diagonal.y * inverse;
    let yx = off_diagonal.z * inverse;
    let half_zz = (0.5 / HALF_SQRT_3) * b0;
    let zz = 2.0 * half_zz;
    // yy = b1 - zz / 2 and xx = -b1 - zz / 2. Of the square a third of its trace, 2 J2, is taken off.
    let c0 = HALF_SQRT_3 * (zz * zz + zy * zy + zx * zx - 2.0 / 3.0);
    let c1 = 0.5 * (zy * zy - zx * zx) - zz * b1;
    let c2 = zx * yx + (half_zz + b1) * zy;
    let c3 = zy * yx + (half_zz - b1) * zx;
    let c4 = zy * zx - zz * yx;
    var d = minor2(b0, c1, b1, c0);
    d += minor2(b0, c2, zy, c0);
    d += minor2(b0, c3, zx, c0);
    d += minor2(b0, c4, yx, c0);
    d += minor2(b1, c2, zy, c1);
    d += minor2(b1, c3, zx, c1);
    d += minor2(b1, c4, yx, c1);
    d += minor2(zy, c3, zx, c2);
    d += minor2(zy, c4, yx, c2);
    d += minor2(zx, c4, yx, c3);
    let det = zz * (half_zz * half_zz - b1 * b1 - yx * yx) + zy * c2 + zx * c3;
    let angle = atan2_upper(sqrt(d), 1.5 * det) * (1.0 / 3.0);
    let u = angle * angle;
    var cosine = 0.000024055777;
    cosine = cosine * u + -0.001388176;
    cosine = cosine * u + 0.04166639;
    cosine = cosine * u + -0.49999997;
    cosine = cosine * u + 1.0;
    var sine = 0.0000026877858;
    sine = sine * u + -0.0001983477;
    sine = sine * u + 0.008333308;
    sine = sine * u + -0.16666666;
    sine = sine * u + 1.0;
    sine = angle * sine;
    let radius = (1.0 / HALF_SQRT_3) * size;
    let half = 0.5 * cosine;
    let side = HALF_SQRT_3 * sine;
    return vec3<f32>(mean + radius * (-half - side), mean + radius * (side - half), mean + radius * cosine);
}
