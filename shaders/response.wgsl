// Responses from ascending eigenvalues. Twin and formulas: src/kernel/response.rs.

fn jerman(l: vec3<f32>, floor: f32) -> f32 {
    let a2 = -l.y;
    let a3 = -l.x;
    let rho = select(floor, a3, a3 > floor);
    let ratio = 3.0 / max(a2 + rho, 1e-30);
    let partial = a2 * a2 * (rho - a2) * (ratio * ratio * ratio);
    let v = select(partial, 1.0, a2 >= 0.5 * rho);
    return select(v, 0.0, a2 <= 0.0 || rho <= 0.0);
}

// The two by magnitude; of equal ones the first stays first.
fn by_magnitude(a: f32, b: f32) -> vec2<f32> {
    return select(vec2<f32>(b, a), vec2<f32>(a, b), abs(a) <= abs(b));
}

fn frangi(l: vec3<f32>, c: f32, alpha: f32, beta: f32) -> f32 {
    let low = by_magnitude(l.x, l.y);
    let high = by_magnitude(low.y, l.z);
    let k3 = high.y;
    let both = by_magnitude(low.x, high.x);
    let k1 = both.x;
    let k2 = both.y;
    let s2 = k1 * k1 + k2 * k2 + k3 * k3;
    let plate = k2 / k3;
    let blob2 = k1 * k1 / max(abs(k2 * k3), 1e-30);
    let v = (1.0 - exp(-plate * plate / (2.0 * alpha * alpha)))
        * exp(-blob2 / (2.0 * beta * beta))
        * (1.0 - exp(-s2 / max(2.0 * c * c, 1e-30)));
    return select(v, 0.0, k2 >= 0.0 || k3 >= 0.0);
}

fn sato(l: vec3<f32>, alpha: f32, alpha_above: f32) -> f32 {
    let a2 = -l.y;
    let width = a2 * select(alpha_above, alpha, l.z <= 0.0);
    let v = a2 * exp(-l.z * l.z / max(2.0 * width * width, 1e-30));
    return select(v, 0.0, a2 <= 0.0);
}
