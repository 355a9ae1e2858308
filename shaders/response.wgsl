// Responses from ascending eigenvalues. Twin and formulas: src/kernel/response.rs.

// exp(x) for x <= 0: WGSL's own may be off by 3 + 2 |x| units in the last place.
fn exp_nonpositive(value: f32) -> f32 {
    let x = select(-87.0, value, value > -87.0);
    let n = round(x * 1.442695);
    let r = (x - n * 0.6933594) - n * -0.00021219444;
    var p = 0.0013751151;
    p = p * r + 0.008368988;
    p = p * r + 0.041669544;
    p = p * r + 0.16666518;
    p = p * r + 0.49999988;
    return (p * (r * r) + r + 1.0) * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

fn jerman(l: vec3<f32>, floor: f32) -> f32 {
    let a2 = -l.y;
    let a3 = -l.x;
    let rho = select(floor, a3, a3 > floor);
    let ratio = 3.0 / max(a2 + rho, 1e-30);
    let partial = a2 * a2 * (rho - a2) * (ratio * ratio * ratio);
    let v = select(partial, 1.0, a2 >= 0.5 * rho);
    return select(v, 0.0, a2 <= 0.0 || rho <= 0.0);
}

fn frangi(l: vec3<f32>, c: f32, alpha: f32, beta: f32) -> f32 {
    // The two of largest magnitude must be below 0: they are the first two then.
    let k3 = l.x;
    let k2 = l.y;
    let k1 = l.z;
    let s2 = k1 * k1 + k2 * k2 + k3 * k3;
    let plate = k2 / k3;
    let blob2 = min(k1 * k1 / max(abs(k2 * k3), 1e-30), 1.0);
    let v = (1.0 - exp_nonpositive(-plate * plate * (0.5 / (alpha * alpha))))
        * exp_nonpositive(-blob2 * (0.5 / (beta * beta)))
        * (1.0 - exp_nonpositive(-s2 * (0.5 / max(c * c, 5e-31))));
    return select(v, 0.0, k2 >= 0.0 || k1 > -k2);
}

fn sato(l: vec3<f32>, alpha: f32, alpha_above: f32) -> f32 {
    let a2 = -l.y;
    let width = a2 * select(alpha_above, alpha, l.z <= 0.0);
    let v = a2 * exp_nonpositive(-l.z * l.z / max(2.0 * width * width, 1e-30));
    return select(v, 0.0, a2 <= 0.0);
}
