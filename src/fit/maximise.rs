//! The largest value of a smooth function of a few variables, and its curvature there.

use libm::fabs;

use super::linear::Symmetric;

/// Step of the numerical derivatives; the free scale of every parameter is a logarithm or logit.
const STEP: f64 = 2e-3;

/// Nelder and Mead's simplex, from `start` with edges of `edge`, at most `most` evaluations.
///
/// Source: J. A. Nelder, R. Mead, Comput. J. 7 (1965), 308–313.
pub fn simplex(
    of: &dyn Fn(&[f64]) -> f64,
    start: &[f64],
    edge: f64,
    most: usize,
) -> (Vec<f64>, f64) {
    let n = start.len();
    let mut corners = vec![(start.to_vec(), of(start))];
    for i in 0..n {
        let mut corner = start.to_vec();
        corner[i] += edge;
        let mut value = of(&corner);
        if value == f64::NEG_INFINITY {
            corner[i] -= 2.0 * edge;
            value = of(&corner);
        }
        corners.push((corner, value));
    }
    let mut evaluations = n + 1;
    while evaluations < most {
        corners.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (best, worst) = (corners[0].1, corners[n].1);
        let size = (0..n).map(|i| fabs(corners[n].0[i] - corners[0].0[i])).fold(0.0, f64::max);
        if size < 1e-7 || (best.is_finite() && best - worst <= 1e-11 * fabs(best)) {
            break;
        }
        let centre: Vec<f64> = (0..n)
            .map(|i| corners[..n].iter().map(|corner| corner.0[i]).sum::<f64>() / n as f64)
            .collect();
        let along = |factor: f64| {
            let at: Vec<f64> =
                (0..n).map(|i| centre[i] + factor * (corners[n].0[i] - centre[i])).collect();
            let value = of(&at);
            (at, value)
        };
        let reflected = along(-1.0);
        evaluations += 1;
        let replacement = if reflected.1 > best {
            evaluations += 1;
            let expanded = along(-2.0);
            Some(if expanded.1 > reflected.1 { expanded } else { reflected })
        } else if reflected.1 > corners[n - 1].1 {
            Some(reflected)
        } else {
            evaluations += 1;
            let contracted = if reflected.1 > worst { along(-0.5) } else { along(0.5) };
            (contracted.1 > worst.max(reflected.1)).then_some(contracted)
        };
        if let Some(corner) = replacement {
            corners[n] = corner;
            continue;
        }
        let first = corners[0].0.clone();
        for corner in &mut corners[1..] {
            for (value, best) in corner.0.iter_mut().zip(&first) {
                *value = 0.5 * (*value + best);
            }
            corner.1 = of(&corner.0);
        }
        evaluations += n;
    }
    corners.sort_by(|a, b| b.1.total_cmp(&a.1));
    corners.swap_remove(0)
}

/// Newton's method from near a maximum, each step halved until it rises; the place, its value and the
/// negative second derivatives there.
pub fn newton(of: &dyn Fn(&[f64]) -> f64, start: &[f64]) -> (Vec<f64>, f64, Symmetric) {
    let mut at = start.to_vec();
    let mut value = of(&at);
    let mut curvature = information(of, &at, value);
    for _ in 0..40 {
        let slope = gradient(of, &at);
        let Some(inverse) = curvature.inverse() else { break };
        let step: Vec<f64> = inverse
            .rows()
            .iter()
            .map(|row| row.iter().zip(&slope).map(|(a, b)| a * b).sum())
            .collect();
        let largest = step.iter().copied().map(fabs).fold(0.0, f64::max);
        if largest.is_nan() {
            break;
        }
        // Far steps leave what the second derivatives know.
        let mut factor = if largest > 1.0 { 1.0 / largest } else { 1.0 };
        let mut moved = false;
        for _ in 0..30 {
            let next: Vec<f64> = at.iter().zip(&step).map(|(a, s)| a + factor * s).collect();
            let its = of(&next);
            if its >= value {
                moved = its > value || largest < 1e-9;
                (at, value) = (next, its);
                break;
            }
            factor *= 0.5;
        }
        curvature = information(of, &at, value);
        if !moved || largest < 1e-9 {
            break;
        }
    }
    (at, value, curvature)
}

/// First derivatives: central differences, extrapolated (Richardson), error of the fourth order.
fn gradient(of: &dyn Fn(&[f64]) -> f64, at: &[f64]) -> Vec<f64> {
    (0..at.len()).map(|i| slope(&|x| moved(of, at, &[(i, x)]))).collect()
}

fn moved(of: &dyn Fn(&[f64]) -> f64, at: &[f64], by: &[(usize, f64)]) -> f64 {
    let mut place = at.to_vec();
    for &(i, step) in by {
        place[i] += step;
    }
    of(&place)
}

/// d/dx at 0.
pub fn slope(of: &dyn Fn(f64) -> f64) -> f64 {
    let central = |h: f64| (of(h) - of(-h)) / (2.0 * h);
    (4.0 * central(STEP) - central(2.0 * STEP)) / 3.0
}

/// Negative second derivatives, by the same means.
pub fn information(of: &dyn Fn(&[f64]) -> f64, at: &[f64], value: f64) -> Symmetric {
    let n = at.len();
    let mut matrix = Symmetric::zero(n);
    for i in 0..n {
        for j in 0..=i {
            let second = |h: f64| {
                if i == j {
                    let outer = moved(of, at, &[(i, h)]) + moved(of, at, &[(i, -h)]);
                    return (outer - 2.0 * value) / (h * h);
                }
                let corner = |a: f64, b: f64| moved(of, at, &[(i, a), (j, b)]);
                (corner(h, h) - corner(h, -h) - corner(-h, h) + corner(-h, -h)) / (4.0 * h * h)
            };
            matrix.add(i, j, -(4.0 * second(STEP) - second(2.0 * STEP)) / 3.0);
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley, turned over: its top is 0 at (1, 1); −d²/dx² = 802, −d²/dy² = 200,
    /// −d²/dxdy = −400 there.
    #[test]
    fn the_top_of_a_bent_valley_is_found() {
        let of = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            -(a * a) - 100.0 * b * b
        };
        let (near, _) = simplex(&of, &[-1.2, 1.0], 0.5, 2_000);
        let (at, value, curvature) = newton(&of, &near);
        assert!((at[0] - 1.0).abs() < 1e-6 && (at[1] - 1.0).abs() < 1e-6 && value > -1e-12);
        for (i, j, expected) in [(0, 0, 802.0), (1, 1, 200.0), (1, 0, -400.0)] {
            assert!((curvature.at(i, j) - expected).abs() < 1e-3, "{}", curvature.at(i, j));
        }
    }
}
