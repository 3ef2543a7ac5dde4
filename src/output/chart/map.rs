//! `sweep` over two keys: a map of one plan with contours; where the measure is a saving, the line of
//! break-even.

use super::font::{self, Weight};
use super::page::{NORMAL, Page, SMALL};
use super::palette::Ink;
use super::scale::Scale;
use super::scene::{Mark, Scene};
use super::swept::{self, Swept};
use crate::model::plan::Plan;
use crate::output::numbers;

/// The strongest colour.
const STRONGEST: f64 = 16.0;

/// Values by row and column; `low` and `high` are those of the strongest colours.
struct Grid {
    values: Vec<Vec<Option<f64>>>,
    low: f64,
    high: f64,
}

impl Grid {
    /// Whether a cell and a neighbour of it lie on different sides of zero.
    fn turns_at(&self, row: usize, column: usize) -> bool {
        let Some(own) = self.values[row][column] else { return false };
        let rows = row.saturating_sub(1)..=(row + 1).min(self.values.len() - 1);
        rows.into_iter().any(|row| {
            let values = &self.values[row];
            let columns = column.saturating_sub(1)..=(column + 1).min(values.len() - 1);
            values[columns].iter().flatten().any(|value| (*value < 0.0) != (own < 0.0))
        })
    }
}

/// Where the cells are.
struct Cells {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Cells {
    fn corner(&self, column: usize, row: usize) -> (f64, f64) {
        (self.left + self.width * column as f64, self.top + self.height * row as f64)
    }

    /// The middle of a cell, counted in cells.
    fn middle(&self, column: f64, row: f64) -> (f64, f64) {
        (self.left + self.width * (column + 0.5), self.top + self.height * (row + 0.5))
    }
}

/// The map of one plan.
#[must_use]
pub fn map(of: &Swept, plan: Plan, width: f64) -> Scene {
    let [down, across] = [&of.keys[0], &of.keys[1]];
    let what = swept::words(&of.measure, &of.about);
    let mut values = vec![vec![None; across.values.len()]; down.values.len()];
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for point in of.points.iter().filter(|point| point.plan == plan) {
        if let Some(value) = point.value.filter(|value| value.is_finite()) {
            values[point.settings[0]][point.settings[1]] = Some(value);
            (low, high) = (low.min(value), high.max(value));
        }
    }
    let subtitle = match of.has_break_even() {
        true if low < 0.0 && high > 0.0 => {
            "Blue saves, orange costs more; the strong line between them is break-even."
        }
        true if low >= 0.0 && low <= high => "It saves at every point: the stronger, the more.",
        true if high <= 0.0 && low <= high => "It saves at no point: the stronger, the dearer.",
        _ => "A stronger colour is more.",
    };
    let mut page = Page::new(width, format!("{what}, {}", plan.name()), subtitle);
    if low > high {
        let words = format!("{} has no value at any point.", plan.name());
        page.words(&words, NORMAL, Ink::Text);
        return page.finish(&of.about.footer());
    }
    let all = (low, high);
    // Where Spot costs many times more, how many does not matter.
    let is_cut = of.has_break_even() && high > 0.0 && low < -1.0;
    let grid = Grid { values, low: if is_cut { -1.0 } else { low }, high };
    legend(&mut page, of, &grid);
    let (rows, columns) = (down.values.len(), across.values.len());
    let shorter = |key: &swept::Key| -> Vec<String> {
        (0..key.values.len()).map(|index| Swept::short(key, index)).collect()
    };
    let (down_names, across_names) = (shorter(down), shorter(across));
    let names = down_names.iter().map(|name| font::width(name, SMALL, Weight::Regular));
    let room = names.fold(0.0, f64::max).min(150.0) + 10.0;
    page.put(Mark::text((page.left, page.y + 12.0), SMALL, down.key.clone()).fill(Ink::Muted));
    let top = page.y + 22.0;
    let left = page.left + room;
    let tall = (rows as f64 * 34.0).clamp(60.0, 380.0);
    let cells = Cells {
        left,
        top,
        width: (page.right - left) / columns as f64,
        height: tall / rows as f64,
    };
    paint(&mut page, &grid, of, &cells);
    if rows > 1 && columns > 1 {
        contours(&mut page, &grid, of, &cells);
    }
    figures(&mut page, &grid, of, &cells);
    let step = (1..).find(|step| cells.height * *step as f64 >= SMALL + 3.0).unwrap_or(1);
    for (row, name) in down_names.iter().enumerate().step_by(step) {
        let (_, y) = cells.middle(0.0, row as f64);
        let name = font::clipped(name, room - 10.0, SMALL, Weight::Regular);
        page.put(Mark::text((left - 8.0, y + 4.0), SMALL, name).ending().fill(Ink::Muted));
    }
    let bottom = top + tall;
    let mut free = f64::NEG_INFINITY;
    for (column, name) in across_names.iter().enumerate() {
        let (x, _) = cells.middle(column as f64, 0.0);
        let half = font::width(name, SMALL, Weight::Regular) / 2.0;
        let x = x.min(page.right - half);
        if x - half >= free {
            page.put(
                Mark::text((x, bottom + 17.0), SMALL, name.clone()).centred().fill(Ink::Muted),
            );
            free = x + half + 8.0;
        }
    }
    let middle = f64::midpoint(left, page.right);
    page.put(
        Mark::text((middle, bottom + 36.0), SMALL, across.key.clone()).centred().fill(Ink::Muted),
    );
    page.y = bottom + 36.0;
    let shown = |value| swept::shown(&of.measure, value, &of.about.currency);
    page.describe(&format!("From {} to {}.", shown(all.0), shown(all.1)));
    page.finish(&of.about.footer())
}

/// The colour of a value.
fn level(value: f64, grid: &Grid, of: &Swept) -> i8 {
    let share = if of.has_break_even() {
        // Each side has its own strongest colour.
        let most = if value < 0.0 { -grid.low } else { grid.high };
        if most > 0.0 { (value / most).clamp(-1.0, 1.0) } else { 0.0 }
    } else if grid.high > grid.low {
        0.1 + 0.9 * (value - grid.low) / (grid.high - grid.low)
    } else {
        0.5
    };
    libm::round(share * STRONGEST) as i8
}

/// A scale of colours with its ends.
fn legend(page: &mut Page, of: &Swept, grid: &Grid) {
    let (low, high) = if of.has_break_even() {
        (grid.low.min(0.0), grid.high.max(0.0))
    } else {
        (grid.low, grid.high)
    };
    let show = |value| swept::shown(&of.measure, value, &of.about.currency);
    let y = page.y + 4.0;
    let is_cut = grid.values.iter().flatten().flatten().any(|value| *value < low);
    let first = if is_cut { format!("≤ {}", show(low)) } else { show(low) };
    page.put(Mark::text((page.left, y + 10.0), SMALL, first.clone()).fill(Ink::Muted));
    let start = page.left + font::width(&first, SMALL, Weight::Regular) + 8.0;
    let scale = Scale::linear((low, high), (start, start + 160.0));
    if high > low {
        let mut last: Option<(i8, f64)> = None;
        for step in 0..=160 {
            let x = start + f64::from(step);
            let value = low + (high - low) * (f64::from(step) + 0.5) / 161.0;
            let colour = level(value, grid, of);
            match last {
                Some((before, from)) if before != colour || step == 160 => {
                    let part = Mark::rect((from, y), (x, y + 12.0));
                    page.put(part.fill(Ink::Heat(before)));
                    last = Some((colour, x));
                }
                Some(_) => {}
                None => last = Some((colour, x)),
            }
        }
        if of.has_break_even() && low < 0.0 && high > 0.0 {
            let x = scale.at(0.0);
            page.put(Mark::line((x, y - 2.0), (x, y + 14.0)).stroke(Ink::Text, 1.5));
        }
        page.put(Mark::text((start + 168.0, y + 10.0), SMALL, show(high)).fill(Ink::Muted));
    }
    page.y = y + 20.0;
}

/// The cells; neighbours of one colour are one rectangle where there are many.
fn paint(page: &mut Page, grid: &Grid, of: &Swept, cells: &Cells) {
    let are_many = grid.values.len() * grid.values.first().map_or(0, Vec::len) > 600;
    for (row, values) in grid.values.iter().enumerate() {
        let mut column = 0;
        while column < values.len() {
            let colour = values[column].map(|value| level(value, grid, of));
            let mut end = column + 1;
            while are_many
                && end < values.len()
                && values[end].map(|value| level(value, grid, of)) == colour
            {
                end += 1;
            }
            let (from, mut to) = (cells.corner(column, row), cells.corner(end, row + 1));
            if are_many {
                // The next row covers what is too much: no seams.
                to.1 += if row + 1 < grid.values.len() { 0.5 } else { 0.0 };
            }
            if let Some(colour) = colour {
                let mut mark = Mark::rect(from, to).fill(Ink::Heat(colour));
                if !are_many && let Some(value) = values[column] {
                    let hint = format!(
                        "{} = {}, {} = {}: {}",
                        of.keys[0].key,
                        of.keys[0].values[row],
                        of.keys[1].key,
                        of.keys[1].values[column],
                        swept::shown(&of.measure, value, &of.about.currency)
                    );
                    mark = mark.hint(hint);
                }
                page.put(mark);
            }
            column = end;
        }
    }
}

/// What stands in cells that have the room.
fn figures(page: &mut Page, grid: &Grid, of: &Swept, cells: &Cells) {
    if cells.width < 46.0 || cells.height < 20.0 {
        return;
    }
    for (row, values) in grid.values.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            let at = cells.middle(column as f64, row as f64);
            let (text, strong) = match value {
                Some(value) => {
                    let shown = swept::shown(&of.measure, *value, &of.about.currency);
                    (shown, level(*value, grid, of).abs() > 8)
                }
                None => (numbers::NONE.to_owned(), false),
            };
            let text = text.replace(&format!(" {}", of.about.currency), "");
            let ink = if strong { Ink::Page } else { Ink::Text };
            let ground = value.map_or(Ink::Page, |value| Ink::Heat(level(value, grid, of)));
            if of.has_break_even() && grid.turns_at(row, column) {
                // The break-even does not strike a figure out.
                let half = font::width(&text, SMALL, Weight::Regular) / 2.0 + 2.0;
                let corners = ((at.0 - half, at.1 - 8.0), (at.0 + half, at.1 + 8.0));
                page.put(Mark::rect(corners.0, corners.1).fill(ground));
            }
            let text = Mark::text((at.0, at.1 + 4.0), SMALL, text).centred().fill(ink);
            page.put(text.on(ground));
        }
    }
}

/// Lines of equal value between the middles of cells.
fn contours(page: &mut Page, grid: &Grid, of: &Swept, cells: &Cells) {
    let unit = of.unit(grid.high.abs().max(grid.low.abs()));
    let ticks = unit.ticks(grid.low, grid.high, 5.0);
    // Where every cell has its figure, lines would only be in their way.
    let ticks = if cells.width < 46.0 || cells.height < 20.0 { ticks } else { Vec::new() };
    let mut names: Vec<((f64, f64), String)> = Vec::new();
    for tick in ticks {
        if tick.value == 0.0 && of.has_break_even() {
            continue;
        }
        for line in contour(grid, tick.value) {
            let points: Vec<(f64, f64)> = line.iter().map(|&(x, y)| cells.middle(x, y)).collect();
            page.put(Mark::path(points.clone()).stroke(Ink::Page.at(0.5), 3.0));
            page.put(Mark::path(points.clone()).stroke(Ink::Text.at(0.7), 1.0));
            // Each long line has its value, where no other stands.
            let (x, y) = points[points.len() / 2];
            let is_free =
                names.iter().all(|(at, _)| (at.0 - x).abs() > 60.0 || (at.1 - y).abs() > 18.0);
            if points.len() > 4 && is_free {
                names.push(((x, y), tick.label.clone()));
            }
        }
    }
    if of.has_break_even() && grid.low < 0.0 && grid.high > 0.0 {
        for line in contour(grid, 0.0) {
            let points: Vec<(f64, f64)> = line.iter().map(|&(x, y)| cells.middle(x, y)).collect();
            page.put(Mark::path(points).stroke(Ink::Text, 2.5));
        }
    }
    let right = page.right;
    for ((x, y), name) in names {
        let name = if unit.name == "%" { format!("{name} %") } else { name };
        let half = font::width(&name, 11.0, Weight::Medium) / 2.0;
        let at = (x.min(right - half - 3.0).max(cells.left + half + 3.0), y + 4.0);
        let (corner, other) = ((at.0 - half - 3.0, at.1 - 10.0), (at.0 + half + 3.0, at.1 + 3.0));
        page.put(Mark::rect(corner, other).fill(Ink::Page.at(0.9)).rounded(3.0));
        page.put(Mark::text(at, 11.0, name).medium().centred());
    }
}

/// The pieces of one contour, in cells: marching squares, straight within each square of four
/// neighbours.
fn contour(grid: &Grid, at: f64) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    for (row, pair) in grid.values.windows(2).enumerate() {
        for column in 0..pair[0].len().saturating_sub(1) {
            let corners = [
                (pair[0][column], 0.0, 0.0),
                (pair[0][column + 1], 1.0, 0.0),
                (pair[1][column + 1], 1.0, 1.0),
                (pair[1][column], 0.0, 1.0),
            ];
            let mut crossings = Vec::with_capacity(4);
            for index in 0..4 {
                let (a, b) = (corners[index], corners[(index + 1) % 4]);
                let (Some(from), Some(to)) = (a.0, b.0) else {
                    crossings.clear();
                    break;
                };
                if (from < at) != (to < at) {
                    let share = (at - from) / (to - from);
                    let x = column as f64 + a.1 + share * (b.1 - a.1);
                    let y = row as f64 + a.2 + share * (b.2 - a.2);
                    crossings.push((x, y));
                }
            }
            // Two crossings are a line, four a saddle: two lines that do not cross.
            for piece in crossings.chunks_exact(2) {
                pieces.push(piece.to_vec());
            }
        }
    }
    joined(pieces)
}

/// Pieces that touch as one line.
fn joined(pieces: Vec<Vec<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-9;
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for piece in pieces {
        let (from, to) = (piece[0], piece[1]);
        // What comes next is close to what came last: look there.
        let found = lines.iter_mut().rev().take(400).find_map(|line| {
            let (first, last) = (line[0], line[line.len() - 1]);
            if near(last, from) {
                Some((line, to, true))
            } else if near(last, to) {
                Some((line, from, true))
            } else if near(first, from) {
                Some((line, to, false))
            } else if near(first, to) {
                Some((line, from, false))
            } else {
                None
            }
        });
        match found {
            Some((line, point, true)) => line.push(point),
            Some((line, point, false)) => line.insert(0, point),
            None => lines.push(piece),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 on the left, 1 on the right: the contour of a quarter stands a quarter of the way.
    #[test]
    fn a_contour_lies_where_the_value_is() {
        let values = vec![vec![Some(0.0), Some(1.0)]; 3];
        let lines = contour(&Grid { values, low: 0.0, high: 1.0 }, 0.25);
        assert_eq!(lines.len(), 1, "pieces are joined");
        assert!(lines[0].iter().all(|point| point.0 == 0.25));
        assert_eq!(lines[0].len(), 3);
    }
}
