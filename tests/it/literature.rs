//! The exact solution against published results.

use libm::{exp, sqrt};
use stockout::exact::law::Survival;
use stockout::exact::{Question, solve_means};
use stockout::model::lifetime::FAMILIES;
use stockout::model::plan::Course;
use stockout::model::workload::Workload;

use crate::cases::{KNOWN, scenario_with};

/// M, δ, R in minutes, Daly's optimum τ in minutes, and the overhead there.
const DALY: [(f64, f64, f64, f64, f64); 3] = [
    (60.0, 1.0, 1.0, 10.2982, 0.227_488),
    (1_440.0, 5.0, 10.0, 116.6901, 0.095_764),
    (360.0, 10.0, 5.0, 78.3213, 0.295_926),
];

/// Daly's time to solution for one unit of work: M·e^(R/M)·(e^((τ+δ)/M) − 1)/τ.
///
/// Source: J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart
/// dumps", Future Generation Computer Systems 22 (2006), eq. 13.
fn daly(m: f64, delta: f64, r: f64, tau: f64) -> f64 {
    m * exp(r / m) * (exp((tau + delta) / m) - 1.0) / tau
}

/// The mean makespan \[min\] of `pieces` pieces of `tau` minutes, solved exactly: unlimited
/// restarts, startup R at every attempt, saves of δ.
fn solved(m: f64, delta: f64, r: f64, tau: f64, pieces: u32) -> f64 {
    let seconds = |minutes: f64| format!("{:.6} s", minutes * 60.0);
    let set = [
        format!("workload.work={}", seconds(tau * f64::from(pieces))),
        format!("workload.startup={}", seconds(r)),
        format!("market.lifetime.mean={}", seconds(m)),
        "market.wait=0 s".to_owned(),
        format!("checkpoint.every={}", seconds(tau)),
        format!("checkpoint.save={}", seconds(delta)),
        "restart.max_restarts=unlimited".to_owned(),
    ];
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let scenario = scenario_with(KNOWN, &set);
    let Workload::Job(job) = &scenario.workload else { panic!("it is a job") };
    let solution = solve_means(&Question {
        job,
        course: Course::Spot,
        billing: &scenario.billing,
        tariff: scenario.standard.tariff().expect("it is offered"),
        deadline: None,
    });
    solution.expect("it is solved").makespan.moments.mean().expect("it completes") * 60.0
}

/// In our semantics no save follows the last piece:
/// T = M(e^(R/M) − 1) + M·e^(R/M)·\[(N − 1)(e^((τ+δ)/M) − 1) + (e^(τ/M) − 1)\].
#[test]
fn unlimited_restarts_have_their_closed_form() {
    for (m, delta, r, tau, _) in DALY {
        for pieces in [1, 7, 60] {
            // The program counts microseconds.
            let tau = (tau * 6e7).round() / 6e7;
            let others = f64::from(pieces - 1) * (exp((tau + delta) / m) - 1.0);
            let last = exp(tau / m) - 1.0;
            let closed = m * (exp(r / m) - 1.0) + m * exp(r / m) * (others + last);
            let found = solved(m, delta, r, tau, pieces);
            assert!((found / closed - 1.0).abs() < 1e-9, "{m} {pieces}: {found} is not {closed}");
        }
    }
}

/// τ = M(1 + W(−e^(−δ/M − 1))) makes T smallest. Source: Daly (2006), as above; W is Lambert's
/// function, so that x = τ/M solves (1 − x)e^x = e^(−δ/M).
#[test]
fn dalys_optimum_is_where_the_time_is_least() {
    for (m, delta, r, tau, overhead) in DALY {
        let x = tau / m;
        assert!(((1.0 - x) * exp(x) / exp(-delta / m) - 1.0).abs() < 1e-6);
        let best = daly(m, delta, r, tau);
        assert!((best - 1.0 - overhead).abs() < 1e-6, "{best}");
        for other in [0.98, 1.02] {
            assert!(daly(m, delta, r, tau * other) > best);
        }
        // The same work, solved exactly in our semantics: pieces a fifth longer or shorter take
        // longer.
        let work = 60.0 * tau;
        let time = |pieces: u32| solved(m, delta, r, work / f64::from(pieces), pieces);
        let at_optimum = time(60);
        assert!(at_optimum < time(50) && at_optimum < time(75), "{m}");
    }
}

/// Young's interval √(2δM) and Daly's √(2δM)·\[1 + ⅓√(δ/2M) + δ/18M\] − δ are close to the optimum,
/// and Daly's is closer. Sources: J. W. Young, "A first order approximation to the optimum
/// checkpoint interval", Communications of the ACM 17 (1974), 530–531; Daly (2006), eq. 37.
#[test]
fn youngs_and_dalys_intervals_are_close_to_the_optimum() {
    for (m, delta, r, tau, _) in DALY {
        let young = sqrt(2.0 * delta * m);
        let ratio = delta / (2.0 * m);
        let higher = young * (1.0 + sqrt(ratio) / 3.0 + ratio / 9.0) - delta;
        assert!((higher / tau - 1.0).abs() < 1e-3, "{higher} {tau}");
        let (best, at_young) = (daly(m, delta, r, tau), daly(m, delta, r, young));
        assert!(at_young >= best && at_young / best - 1.0 < 2e-3);
        assert!((higher - tau).abs() < (young - tau).abs());
    }
}

/// The bathtub of Kadupitiya, Jadhao, Sharma, "Modeling the temporally constrained preemptions of
/// transient cloud VMs", HPDC '20, arXiv:1911.05160: a 0.4137, τ₁ 0.9 h, τ₂ 0.76 h, b 24 h.
/// ∫₀²⁴ t f(t) dt = 9.9867 h; that leaves out the share that outlives 24 h: E\[L\] = 14.1533 h.
#[test]
fn the_bathtub_has_its_mean() {
    let family = FAMILIES.iter().find(|family| family.name == "bathtub").unwrap();
    let lifetime = (family.build)(&[0.4137, 0.9, 0.76, 24.0]);
    let law = Survival { lifetime, gang: 1.0 };
    let [mean, _] = law.integrals(0.0, 30.0, 0.0);
    assert!((mean - 14.1533).abs() < 5e-5, "{mean}");
    // By parts: ∫ t f = ∫ S − 24·S(24).
    let [until, _] = law.integrals(0.0, 24.0, 0.0);
    let partial = until - 24.0 * law.at(24.0);
    assert!((partial - 9.9867).abs() < 5e-5, "{partial}");
}
