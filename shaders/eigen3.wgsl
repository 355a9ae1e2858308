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
    const SQRT_2: f32 = 1.4142135;
    let mean = (diagonal.x + diagonal.y + diagonal.z) * (1.0 / 3.0);
    let dev = diagonal - vec3<f32>(mean);
    let ad = abs(dev);
    let ao = abs(off_diagonal);
    let size = max(max(max(max(max(ad.x, ad.y), ad.z), ao.x), ao.y), ao.z);
    // Scaled to 1, the sixth powers below stay in range.
    let inverse = 1.0 / max(size, 1e-30);
    let zz = dev.x * inverse;
    let yy = dev.y * inverse;
    let xx = dev.z * inverse;
    let zy = off_diagonal.x * inverse;
    let zx = off_diagonal.y * inverse;
    let yx = off_diagonal.z * inverse;
    let j2 = 0.5 * (zz * zz + yy * yy + xx * xx) + (zy * zy + zx * zx + yx * yx);
    // Square of the deviator, less a third of its trace.
    let third = j2 * (2.0 / 3.0);
    let c0 = zz * zz + zy * zy + zx * zx - third;
    let c1 = zy * zy + yy * yy + yx * yx - third;
    let c2 = zx * zx + yx * yx + xx * xx - third;
    let c3 = SQRT_2 * (zz * zy + zy * yy + zx * yx);
    let c4 = SQRT_2 * (zz * zx + zy * yx + zx * xx);
    let c5 = SQRT_2 * (zy * zx + yy * yx + yx * xx);
    let b3 = SQRT_2 * zy;
    let b4 = SQRT_2 * zx;
    let b5 = SQRT_2 * yx;
    var d = minor2(zz, c1, yy, c0);
    d += minor2(zz, c2, xx, c0);
    d += minor2(zz, c3, b3, c0);
    d += minor2(zz, c4, b4, c0);
    d += minor2(zz, c5, b5, c0);
    d += minor2(yy, c2, xx, c1);
    d += minor2(yy, c3, b3, c1);
    d += minor2(yy, c4, b4, c1);
    d += minor2(yy, c5, b5, c1);
    d += minor2(xx, c3, b3, c2);
    d += minor2(xx, c4, b4, c2);
    d += minor2(xx, c5, b5, c2);
    d += minor2(b3, c4, b4, c3);
    d += minor2(b3, c5, b5, c3);
    d += minor2(b4, c5, b5, c4);
    let det = zz * (yy * xx - yx * yx) - zy * (zy * xx - yx * zx) + zx * (zy * yx - yy * zx);
    let angle = atan2_upper(sqrt(3.0 * d), 5.1961524 * det) * (1.0 / 3.0);
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
    // A multiple of the unit matrix has no deviator: all eigenvalues are the mean.
    let radius = select(0.0, 2.0 * sqrt(j2 * (1.0 / 3.0)) * size, size > 1e-30);
    let half = 0.5 * cosine;
    let side = 0.8660254 * sine;
    return vec3<f32>(mean + radius * (-half - side), mean + radius * (side - half), mean + radius * cosine);
}
