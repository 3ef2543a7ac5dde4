//! The document as one HTML page.

use askama::Template;

use super::figure::{Figure, colours};
use super::words::GLOSSARY;
use super::{Part, Report};
use crate::output::chart::font;
use crate::output::table::Grid;

/// What fills the page.
#[derive(Template)]
#[template(path = "page.html", config = "src/output/report/askama.toml")]
struct Page<'a> {
    report: &'a Report,
    glossary: &'static [(&'static str, &'static str)],
    /// The level of the headings of a part's sections.
    level: u8,
    style: String,
    /// The script, where there are curves to read values off.
    script: Option<&'static str>,
}

/// The style sheet, after colours and font.
const SHEET: &str = include_str!("page.css");
const LIBRARY_SHEET: &str = include_str!("vendor/uplot/uPlot.min.css");
/// The library, its licence above it, and what draws curves with it.
const SCRIPT: &str = concat!(
    "/*\n",
    include_str!("vendor/uplot/LICENSE"),
    "*/\n",
    include_str!("vendor/uplot/uPlot.iife.min.js"),
    "\n",
    include_str!("page.js")
);

/// The page: it needs no other file.
#[must_use]
pub fn html(report: &Report) -> String {
    let has_curves = report.parts.iter().flat_map(figures).any(|figure| figure.curves.is_some());
    let library = if has_curves { LIBRARY_SHEET } else { "" };
    let page = Page {
        report,
        glossary: GLOSSARY,
        level: if report.portfolio.is_some() { 3 } else { 2 },
        style: format!("{}{}{library}\n{SHEET}", font::font_face_css(), colours()),
        script: has_curves.then_some(SCRIPT),
    };
    let mut text = page.render().expect("a page is written to memory");
    text.push('\n');
    text
}

fn figures(part: &Part) -> impl Iterator<Item = &Figure> {
    part.figures.iter().chain(&part.sensitivity)
}

impl Page<'_> {
    /// Whether a column of a grid holds numbers.
    fn is_number(grid: &Grid, column: &usize) -> bool {
        !grid.text_columns.contains(column)
    }
}
