//! Families fitted by maximum likelihood with right-censoring, and the choice among them.

use libm::{exp, sqrt};
use serde::Serialize;

use super::goodness::{Goodness, goodness};
use super::law::{FARTHEST_WALL, Family, Law, SHARPEST_WALL, Scale};
use super::linear::Symmetric;
use super::maximise::{newton, simplex, slope};
use super::observations::{Observations, Point};
use super::survival;
use crate::luck::ln;
use crate::model::distribution::normal_upper_quantile;
use crate::model::lifetime::{FAMILIES, Lifetime};
use crate::model::piecewise::MOST_PIECES;
use crate::stats::interval::Level;

/// A parameter, fitted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitted {
    /// Its name in scenarios; `hazard1`, `hazard2` … of a piecewise hazard.
    pub name: String,
    /// `h` of a duration, `1/h` of a hazard, empty of a number.
    pub unit: &'static str,
    /// Its value.
    pub value: f64,
    /// Its standard error, from the information at the maximum.
    pub standard_error: Option<f64>,
    /// Its interval: symmetric on its free scale.
    pub interval: Option<(f64, f64)>,
    /// The free scale: of its logarithm or logit.
    pub scale: Scale,
}

/// A family, fitted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// The family.
    pub family: Family,
    /// Where the pieces of a piecewise hazard end \[h\].
    pub until_h: Vec<f64>,
    /// The parameters.
    pub parameters: Vec<Fitted>,
    /// The covariance of the parameters on their free scales, the inverse of the observed information;
    /// without a bathtub's b where that follows from the others.
    pub covariance: Vec<Vec<f64>>,
    /// The largest log-likelihood, durations in hours.
    pub log_likelihood: f64,
    /// What was settled by the data: the parameters, and the cuts of a piecewise hazard where they were
    /// not given.
    pub free_parameters: usize,
    /// −2 · log-likelihood + 2 · free parameters. Source: H. Akaike, IEEE Trans. Autom. Control 19 (1974).
    pub aic: f64,
    /// The mean lifetime \[h\]: it rests on ages that nobody saw. Infinite where one is never preempted.
    pub mean_h: f64,
    /// Whether it describes what was seen; `None` of too few preemptions.
    pub goodness: Option<Goodness>,
    /// Why it cannot be the choice, where it cannot.
    pub refused: Option<String>,
    /// The law.
    #[serde(skip)]
    pub lifetime: Lifetime,
}

/// Why a family could not be fitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotFitted {
    /// The family.
    pub family: Family,
    /// The reason.
    pub reason: String,
}

/// What to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where the pieces of a piecewise hazard end \[h\]; `None` leaves it to the data.
    pub cuts_h: Option<Vec<f64>>,
    /// The family to choose; `None` leaves it to the data.
    pub family: Option<Family>,
    /// The level of all intervals.
    pub level: Level,
}

/// AIC within which the family with fewer parameters is preferred: what is less hardly tells them
/// apart. Source: K. P. Burnham, D. R. Anderson, Model Selection (2002), section 2.6.
pub const ALIKE: f64 = 2.0;

/// Every family, fitted or with the reason why not.
#[must_use]
pub fn fit_all(seen: &Observations, asked: &Asked) -> Vec<Result<Model, NotFitted>> {
    let points = seen.points();
    Family::ALL
        .into_iter()
        .map(|family| {
            fit_points(family, seen, &points, asked).map_err(|reason| NotFitted { family, reason })
        })
        .collect()
}

/// One family, fitted; or the reason why not.
///
/// # Errors
/// The likelihood has no maximum, or there are too few preemptions.
pub fn fit_one(family: Family, seen: &Observations, asked: &Asked) -> Result<Model, String> {
    fit_points(family, seen, &seen.points(), asked)
}

/// The index of the choice: the least AIC, or of those within 2 of it the one with the fewest
/// parameters.
#[must_use]
pub fn choose(models: &[Result<Model, NotFitted>], asked: &Asked) -> Option<usize> {
    let able = || {
        models.iter().enumerate().filter_map(|(index, model)| {
            let model = model.as_ref().ok()?;
            model.refused.is_none().then_some((index, model))
        })
    };
    if let Some(family) = asked.family {
        return able().find(|(_, model)| model.family == family).map(|(index, _)| index);
    }
    let least = able().map(|(_, model)| model.aic).fold(f64::INFINITY, f64::min);
    able()
        .filter(|(_, model)| model.aic <= least + ALIKE)
        .min_by(|(_, a), (_, b)| {
            a.free_parameters.cmp(&b.free_parameters).then(a.aic.total_cmp(&b.aic))
        })
        .map(|(index, _)| index)
}

/// One family, fitted to rows that are pooled already.
pub(super) fn fit_points(
    family: Family,
    seen: &Observations,
    points: &[Point],
    asked: &Asked,
) -> Result<Model, String> {
    let events = seen.events();
    if events == 0 {
        return Err("no preemption was seen".into());
    }
    let mut law =
        Law { family, until_h: Vec::new(), longest_h: seen.longest_h(), ends_there: false };
    let mut refused = None;
    let start = match family {
        Family::Exponential => vec![ln(seen.exposure_h() / events as f64)],
        Family::Weibull => weibull(seen, points)?,
        Family::LogNormal => log_normal(seen)?,
        Family::Bathtub => {
            if events < 20 {
                return Err(format!("four parameters need 20 preemptions, not {events}"));
            }
            bathtub(seen, points, &mut law)?
        }
        Family::Piecewise => {
            let (until_h, hazards) = piecewise(seen, asked)?;
            if let Some(piece) = hazards.iter().position(|&hazard| hazard == 0.0) {
                return Err(format!("no preemption in piece {}: give other --cuts", piece + 1));
            }
            law.until_h = until_h;
            law.free(&hazards)
        }
    };
    let of = |free: &[f64]| law.log_likelihood(points, free);
    let (free, log_likelihood, information) = match family {
        // These are maxima already.
        Family::Exponential | Family::Piecewise => {
            let value = of(&start);
            let mut information = Symmetric::zero(start.len());
            for (piece, count) in events_by_piece(seen, &law.until_h).into_iter().enumerate() {
                information.add(piece, piece, count as f64);
            }
            (start, value, information)
        }
        _ => newton(&of, &start),
    };
    let Some(lifetime) = law.lifetime_of_free(&free).filter(|_| log_likelihood.is_finite()) else {
        return Err("the likelihood has no maximum that could be found".into());
    };
    let values = law.values(&free);
    if family == Family::Bathtub {
        refused = at_the_bounds(&values, seen.longest_h());
    }
    let covariance = information.inverse();
    if covariance.is_none() {
        refused.get_or_insert_with(|| "the data do not settle all of its parameters".to_owned());
    }
    if let Some(outside) = outside_scenarios(&law, &values) {
        refused.get_or_insert(outside);
    }
    let z = normal_upper_quantile(0.5 - 0.5 * asked.level.value());
    let mut parameters = law
        .parameters()
        .into_iter()
        .enumerate()
        .map(|(index, parameter)| {
            let error = covariance.as_ref().map(|matrix| sqrt(matrix.at(index, index)));
            let scale = parameter.scale;
            Fitted {
                unit: match parameter.is_time {
                    Some(true) => "h",
                    Some(false) => "1/h",
                    None => "",
                },
                name: parameter.name,
                value: values[index],
                standard_error: error.map(|error| error * scale.slope(values[index])),
                interval: error.map(|error| {
                    (scale.back(free[index] - z * error), scale.back(free[index] + z * error))
                }),
                scale,
            }
        })
        .collect::<Vec<_>>();
    if law.ends_there {
        parameters.push(wall(&law, &free, &values, covariance.as_ref(), z));
    }
    let goodness =
        covariance.as_ref().and_then(|matrix| goodness(&law, &free, matrix, seen, points));
    // A place that was looked for in the data is as free as a hazard.
    let looked_for = if asked.cuts_h.is_none() { law.until_h.len() } else { 0 };
    let free_parameters = parameters.len() + looked_for;
    Ok(Model {
        family,
        aic: 2.0 * free_parameters as f64 - 2.0 * log_likelihood,
        free_parameters,
        until_h: law.until_h,
        parameters,
        covariance: covariance.map(|matrix| matrix.rows()).unwrap_or_default(),
        log_likelihood,
        mean_h: lifetime.mean_h(),
        goodness,
        refused,
        lifetime,
    })
}

/// Shape and scale: the shape solves Σ t^k ln t ÷ Σ t^k − 1/k = mean of ln t over the preempted ones,
/// whose left side rises. Source: A. C. Cohen, Technometrics 7 (1965), 579–588, eq. 3.
fn weibull(seen: &Observations, points: &[Point]) -> Result<Vec<f64>, String> {
    let longest = points.iter().map(|point| point.age_h).fold(0.0, f64::max);
    let events: f64 = points.iter().map(|point| point.events).sum();
    let relative = |point: &Point| ln(point.age_h / longest);
    let mean: f64 = points.iter().map(|p| p.events * relative(p)).sum::<f64>() / events;
    // All preempted ones the oldest: the likelihood rises with the shape for ever.
    if mean > -1e-12 {
        return Err(if events > 1.0 {
            "every preemption is at one age, the longest seen: the shape has no finite maximum"
        } else {
            "the one preemption is at the longest age seen: the shape has no finite maximum"
        }
        .into());
    }
    let logs: Vec<(f64, f64)> =
        points.iter().map(|p| (p.events + p.censored, relative(p))).collect();
    let excess = |log_shape: f64| {
        let shape = exp(log_shape);
        let (mut sum, mut moment) = (0.0, 0.0);
        for &(count, log) in &logs {
            let power = count * exp(shape * log);
            sum += power;
            moment += power * log;
        }
        moment / sum - 1.0 / shape - mean
    };
    let (mut low, mut high) = (ln(1e-3), ln(1e5));
    if excess(low) > 0.0 || excess(high) < 0.0 {
        return Err("the shape is outside 0.001 to 100,000".into());
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if excess(middle) < 0.0 { low = middle } else { high = middle }
    }
    let shape = exp(0.5 * (low + high));
    let sum: f64 = logs.iter().map(|&(count, log)| count * exp(shape * log)).sum();
    let scale = ln(longest) + ln(sum / seen.events() as f64) / shape;
    Ok(vec![ln(shape), scale])
}

/// A start for median and sigma: by the moments of the preempted ones, moved by the share of the
/// others, then a simplex.
fn log_normal(seen: &Observations) -> Result<Vec<f64>, String> {
    let points = seen.points();
    let law = Law {
        family: Family::LogNormal,
        until_h: Vec::new(),
        longest_h: seen.longest_h(),
        ends_there: false,
    };
    let mut ages = points.iter().filter(|point| point.events > 0.0).map(|point| point.age_h);
    let first = ages.next().unwrap_or(1.0);
    let is_one_age = ages.all(|age| age == first);
    let older = points.iter().any(|point| point.censored > 0.0 && point.age_h > first);
    if is_one_age && !older {
        return Err("every preemption is at one age: sigma has no maximum above 0".into());
    }
    let events = seen.events() as f64;
    let mean: f64 = points.iter().map(|p| p.events * ln(p.age_h)).sum::<f64>() / events;
    let square: f64 =
        points.iter().map(|p| p.events * (ln(p.age_h) - mean) * (ln(p.age_h) - mean)).sum::<f64>();
    let sigma = sqrt(square / events).max(0.3);
    let lost = seen.censored() as f64 / seen.count() as f64;
    let start = [mean + 1.5 * sigma * lost, ln(sigma * (1.0 + lost))];
    Ok(simplex(&|free| law.log_likelihood(&points, free), &start, 0.5, 150).0)
}

/// A start for a bathtub: the best of a coarse grid, then a simplex from the three best; with an end
/// of its own or, where the oldest was preempted, at the longest duration: the likelier of the two.
fn bathtub(seen: &Observations, points: &[Point], law: &mut Law) -> Result<Vec<f64>, String> {
    let mut best: Option<(bool, Vec<f64>, f64)> = None;
    let oldest_is_preempted = seen.rows().last().is_some_and(|row| row.is_preempted());
    for ends_there in [false, true] {
        if ends_there && !oldest_is_preempted {
            continue;
        }
        let law = Law { ends_there, ..law.clone() };
        let Some((at, value)) = bathtub_of(seen, points, &law) else { continue };
        // A free end that is as likely as one at the oldest has run into it.
        if best.as_ref().is_none_or(|(_, _, other)| value > *other - 1e-2) {
            best = Some((ends_there, at, value));
        }
    }
    let (ends_there, at, _) =
        best.ok_or_else(|| "no wall explains that VMs ran so long".to_owned())?;
    law.ends_there = ends_there;
    Ok(at)
}

fn bathtub_of(seen: &Observations, points: &[Point], law: &Law) -> Option<(Vec<f64>, f64)> {
    let longest = seen.longest_h();
    let early = survival::at_ages(seen, &[longest / 3.0], Level::new(0.95).expect("a level"));
    let a = (1.0 - early[0].survival).clamp(0.02, 0.9);
    let of = |free: &[f64]| law.log_likelihood(points, free);
    let walls: &[f64] = if law.ends_there { &[1.0] } else { &[0.98, 1.1, 1.6] };
    let mut starts = Vec::new();
    for a in [a, 0.5 * a, 0.5 * (1.0 + a)] {
        for tau1 in [0.02, 0.1, 0.4] {
            for tau2 in [0.01, 0.03, 0.1] {
                for b in walls {
                    let values = [a, tau1 * longest, tau2 * longest, b * longest];
                    let free = law.free(&values);
                    let value = of(&free);
                    if value.is_finite() {
                        starts.push((free, value));
                    }
                }
            }
        }
    }
    starts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ends = starts.iter().take(3).map(|(start, _)| {
        // A second simplex frees one that has collapsed.
        let (near, _) = simplex(&of, start, 0.3, 400);
        simplex(&of, &near, 0.1, 400)
    });
    ends.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Why a bathtub says nothing, where it runs to a bound that is ours.
fn at_the_bounds(values: &[f64], longest_h: f64) -> Option<String> {
    let [_, tau1, tau2, ref wall @ ..] = *values else { return None };
    if wall.first().is_some_and(|&b| b > 0.98 * FARTHEST_WALL * longest_h) {
        Some("no wall in the data: it moves beyond what was seen".into())
    } else if tau2 < 1.02 * SHARPEST_WALL * longest_h {
        Some("its wall becomes as sharp as allowed: that is a cap, not a law".into())
    } else if tau1 > 9.8 * longest_h {
        Some("no early preemptions in the data: tau1 moves beyond what was seen".into())
    } else {
        None
    }
}

/// The wall of a bathtub that ends at the longest duration: it follows from the other parameters.
fn wall(law: &Law, free: &[f64], values: &[f64], covariance: Option<&Symmetric>, z: f64) -> Fitted {
    let wall_of = |values: &[f64]| law.wall_h(values[0], values[1], values[2]);
    let value = wall_of(values);
    let slopes: Vec<f64> = (0..free.len())
        .map(|k| {
            slope(&|step| {
                let mut free = free.to_vec();
                free[k] += step;
                ln(wall_of(&law.values(&free)))
            })
        })
        .collect();
    let error = covariance.map(|matrix| sqrt(matrix.product(&slopes, &slopes)));
    Fitted {
        name: "b".into(),
        unit: "h",
        value,
        standard_error: error.map(|error| error * value),
        interval: error.map(|error| (value * exp(-z * error), value * exp(z * error))),
        scale: Scale::Log,
    }
}

/// Why a scenario would refuse the parameters, where it would.
fn outside_scenarios(law: &Law, values: &[f64]) -> Option<String> {
    let family = FAMILIES.iter().find(|family| family.name == law.family.name())?;
    family.parameters.iter().zip(values).find_map(|(parameter, &value)| {
        let (low, high) = parameter.range;
        (!(low..=high).contains(&value))
            .then(|| format!("its {} is outside what a scenario takes", parameter.name))
    })
}

/// Cuts \[h\] and hazards of a piecewise hazard: preemptions ÷ VM-hours in each piece.
///
/// Without cuts of the user's own they lie where as many preemptions were seen before as after, at two
/// digits; the number of pieces is the one with the least AIC, each cut counted as a parameter.
fn piecewise(seen: &Observations, asked: &Asked) -> Result<(Vec<f64>, Vec<f64>), String> {
    if let Some(cuts) = &asked.cuts_h {
        return Ok((cuts.clone(), hazards(seen, cuts)));
    }
    let events = seen.events();
    let most = (events / 5).min(MOST_PIECES as u64);
    if most < 2 {
        return Err(format!("two pieces need 10 preemptions, not {events}"));
    }
    let mut best: Option<(f64, Vec<f64>, Vec<f64>)> = None;
    for pieces in 2..=most {
        let ranks: Vec<u64> = (1..pieces).map(|piece| events * piece / pieces).collect();
        let mut cuts: Vec<f64> = Vec::new();
        let mut preempted = seen.rows().iter().filter(|row| row.is_preempted()).zip(1_u64..);
        for rank in ranks {
            let Some((row, _)) = preempted.find(|(_, its)| *its == rank) else { break };
            let cut = two_digits(row.duration().hours());
            if cut < seen.longest_h() && cuts.last().is_none_or(|&last| cut > last) {
                cuts.push(cut);
            }
        }
        let hazards = hazards(seen, &cuts);
        if cuts.is_empty() || hazards.contains(&0.0) {
            continue;
        }
        // Σ d ln h − d: what the likelihood is up to a constant.
        let counts = events_by_piece(seen, &cuts);
        let value: f64 = counts.iter().zip(&hazards).map(|(&d, h)| d as f64 * (ln(*h) - 1.0)).sum();
        let aic = 2.0 * (hazards.len() + cuts.len()) as f64 - 2.0 * value;
        if best.as_ref().is_none_or(|(least, _, _)| aic < *least) {
            best = Some((aic, cuts, hazards));
        }
    }
    best.map(|(_, cuts, hazards)| (cuts, hazards))
        .ok_or_else(|| "the preemptions are at too few ages for two pieces".into())
}

/// Hours at two digits of the unit a person would choose.
fn two_digits(hours: f64) -> f64 {
    let unit = if hours < 1.5 { 1.0 / 60.0 } else { 1.0 };
    let value = hours / unit;
    let power = libm::pow(10.0, libm::floor(libm::log10(value)) - 1.0);
    libm::round(value / power) * power * unit
}

fn piece_of(cuts: &[f64], age_h: f64) -> usize {
    cuts.iter().take_while(|&&cut| cut < age_h).count()
}

fn events_by_piece(seen: &Observations, cuts: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; cuts.len() + 1];
    for row in seen.rows().iter().filter(|row| row.is_preempted()) {
        counts[piece_of(cuts, row.duration().hours())] += 1;
    }
    counts
}

fn hazards(seen: &Observations, cuts: &[f64]) -> Vec<f64> {
    let mut exposure = vec![0.0; cuts.len() + 1];
    for row in seen.rows() {
        let age = row.duration().hours();
        let mut from = 0.0;
        for (piece, time) in exposure.iter_mut().enumerate() {
            let until = cuts.get(piece).copied().unwrap_or(f64::INFINITY);
            *time += age.min(until) - from;
            from = until;
            if age <= until {
                break;
            }
        }
    }
    events_by_piece(seen, cuts)
        .into_iter()
        .zip(exposure)
        .map(|(count, time)| if time > 0.0 { count as f64 / time } else { 0.0 })
        .collect()
}
