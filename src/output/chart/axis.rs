//! Axes: thin lines, few names, units.

use super::font::{self, Weight};
use super::page::{Page, SMALL};
use super::palette::Ink;
use super::scale::{Scale, Tick};
use super::scene::Mark;

/// An axis below a drawing, and its lines up to `top`.
pub fn below(
    page: &mut Page,
    scale: &Scale,
    ticks: &[Tick],
    (top, bottom): (f64, f64),
    name: &str,
) {
    let (start, end) = (scale.from(), scale.to());
    let mut free = f64::NEG_INFINITY;
    for tick in ticks {
        let x = scale.at(tick.value);
        page.put(Mark::line((x, top), (x, bottom)).stroke(Ink::Grid, 1.0));
        let width = font::width(&tick.label, SMALL, Weight::Regular);
        // Names stay on the page and do not touch.
        let middle = x.min(page.right - width / 2.0).max(page.left + width / 2.0);
        if middle - width / 2.0 >= free {
            let label = Mark::text((middle, bottom + 17.0), SMALL, tick.label.clone());
            page.put(label.centred().fill(Ink::Muted));
            free = middle + width / 2.0 + 8.0;
        }
    }
    page.put(Mark::line((start, bottom), (end, bottom)).stroke(Ink::Axis, 1.0));
    page.y = bottom + 21.0;
    if !name.is_empty() {
        let lines = font::wrapped(name, page.right - page.left, SMALL, Weight::Regular);
        for line in lines {
            page.y += SMALL + 3.0;
            let width = font::width(&line, SMALL, Weight::Regular);
            let middle = f64::midpoint(start, end);
            let middle = middle.min(page.right - width / 2.0).max(page.left + width / 2.0);
            page.put(Mark::text((middle, page.y), SMALL, line).centred().fill(Ink::Muted));
        }
    }
}

/// An axis left of a drawing, and its lines to `right`.
pub fn left(page: &mut Page, scale: &Scale, ticks: &[Tick], (left, right): (f64, f64)) {
    let mut free = f64::INFINITY;
    for tick in ticks {
        let y = scale.at(tick.value);
        page.put(Mark::line((left, y), (right, y)).stroke(Ink::Grid, 1.0));
        if y + SMALL <= free {
            let label = Mark::text((left - 8.0, y + 4.0), SMALL, tick.label.clone());
            page.put(label.ending().fill(Ink::Muted));
            free = y;
        }
    }
}

/// The room that the names of values need left of a drawing.
#[must_use]
pub fn room(ticks: &[Tick]) -> f64 {
    let widths = ticks.iter().map(|tick| font::width(&tick.label, SMALL, Weight::Regular));
    widths.fold(0.0, f64::max) + 10.0
}

/// The parts of a line between two heights: it leaves the picture where it leaves them.
#[must_use]
pub fn cut(line: &[(f64, f64)], (top, bottom): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let inside = |y: f64| y >= top - 1e-9 && y <= bottom + 1e-9;
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut part: Vec<(f64, f64)> = Vec::new();
    for (index, &(x, y)) in line.iter().enumerate() {
        if let Some(&(before_x, before_y)) = index.checked_sub(1).and_then(|at| line.get(at)) {
            let crossing = |edge: f64| {
                let share = (edge - before_y) / (y - before_y);
                (before_x + share * (x - before_x), edge)
            };
            let mut edges = [top, bottom];
            if y < before_y {
                edges.reverse();
            }
            for edge in edges {
                let leaves = (before_y < edge) != (y < edge) && (before_y > edge) != (y > edge);
                if leaves {
                    part.push(crossing(edge));
                    if !inside(y) && part.len() > 1 {
                        parts.push(std::mem::take(&mut part));
                    }
                }
            }
        }
        if inside(y) {
            part.push((x, y));
        } else if part.len() > 1 {
            parts.push(std::mem::take(&mut part));
        } else if !part.is_empty() && !inside(y) {
            part.clear();
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// The part of an area between two heights.
#[must_use]
pub fn cut_area(area: &[(f64, f64)], (top, bottom): (f64, f64)) -> Vec<(f64, f64)> {
    let mut points = area.to_vec();
    for (edge, sign) in [(top, 1.0), (bottom, -1.0)] {
        let inside = |y: f64| (y - edge) * sign >= 0.0;
        let mut kept = Vec::with_capacity(points.len());
        for (index, &(x, y)) in points.iter().enumerate() {
            let (next_x, next_y) = points[(index + 1) % points.len()];
            if inside(y) {
                kept.push((x, y));
            }
            if inside(y) != inside(next_y) {
                kept.push((x + (edge - y) / (next_y - y) * (next_x - x), edge));
            }
        }
        points = kept;
    }
    points
}

/// Words that must not touch each other, each at the height it would like.
#[derive(Clone, Debug)]
pub struct Label {
    /// The words.
    pub text: String,
    /// Where they would stand.
    pub y: f64,
    /// Their colour.
    pub ink: Ink,
    /// The dashes of the line they name, of which a piece stands before them.
    pub dash: &'static [f64],
}

/// The room for the piece of a line before its name.
pub const SAMPLE: f64 = 26.0;

/// Labels at `x` from `top` to `bottom`, moved apart as little as it takes.
pub fn labels(page: &mut Page, mut labels: Vec<Label>, x: f64, (top, bottom): (f64, f64)) {
    const APART: f64 = SMALL + 3.0;
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    for label in &mut labels {
        label.y = label.y.clamp(top, bottom);
    }
    // Down, then back up from the bottom.
    for index in 1..labels.len() {
        labels[index].y = labels[index].y.max(labels[index - 1].y + APART);
    }
    let mut limit = bottom;
    for label in labels.iter_mut().rev() {
        label.y = label.y.min(limit);
        limit = label.y - APART;
    }
    for label in labels {
        let line = Mark::line((x, label.y), (x + SAMPLE - 6.0, label.y));
        page.put(line.stroke(label.ink, 2.0).dashed(label.dash));
        let at = (x + SAMPLE, label.y + 4.0);
        page.put(Mark::text(at, SMALL, label.text).fill(label.ink));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_it_leaves_the_picture() {
        let line = [(0.0, 20.0), (10.0, 10.0), (20.0, 5.0), (30.0, 15.0)];
        assert_eq!(cut(&line, (0.0, 30.0)), [line.to_vec()]);
        let below = cut(&line, (0.0, 10.0));
        assert_eq!(below, [vec![(10.0, 10.0), (20.0, 5.0), (25.0, 10.0)]]);
        assert!(cut(&line, (100.0, 200.0)).is_empty());
        let square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
        let half = [(0.0, 0.0), (10.0, 0.0), (10.0, 5.0), (0.0, 5.0)];
        assert_eq!(cut_area(&square, (0.0, 5.0)), half);
        assert!(cut_area(&square, (20.0, 30.0)).is_empty());
    }
}
