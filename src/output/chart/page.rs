//! What every chart has: a title that states the quantity, room for the drawing, and a footer that
//! says where the figures come from.

use super::font::{self, Weight};
use super::palette::Ink;
use super::scene::{Mark, Scene};

/// The width where nobody asks for another \[px\].
pub const WIDTH: f64 = 760.0;
/// The narrowest page \[px\]: a telephone.
pub const NARROWEST: f64 = 320.0;
/// The widest page \[px\].
pub const WIDEST: f64 = 4_000.0;

/// Room around everything \[px\].
pub const MARGIN: f64 = 24.0;
/// Size of the names of values.
pub const SMALL: f64 = 12.0;
/// Size of the names of things.
pub const NORMAL: f64 = 13.0;

/// A page under way.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its width.
    pub width: f64,
    /// Where its content begins.
    pub left: f64,
    /// Where its content ends.
    pub right: f64,
    /// Where the next thing may stand.
    pub y: f64,
    marks: Vec<Mark>,
    title: String,
    description: String,
}

impl Page {
    /// A page with its title, and below it what the drawing says in words.
    #[must_use]
    pub fn new(width: f64, title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        let (title, subtitle) = (title.into(), subtitle.into());
        let is_narrow = width < 560.0;
        let margin = if is_narrow { 14.0 } else { MARGIN };
        let mut page = Self {
            width,
            left: margin,
            right: width - margin,
            y: margin,
            marks: vec![Mark::rect((0.0, 0.0), (width, 0.0)).fill(Ink::Page)],
            description: subtitle.clone(),
            title,
        };
        let size = if is_narrow { 16.0 } else { 18.0 };
        let title = page.title.clone();
        for line in font::wrapped(&title, page.right - page.left, size, Weight::Medium) {
            page.y += size;
            page.put(Mark::text((page.left, page.y), size, line).medium());
            page.y += 5.0;
        }
        page.words(&subtitle, NORMAL, Ink::Muted);
        page.y += 12.0;
        page
    }

    /// Whether it is a telephone's.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.width < 560.0
    }

    /// Paints a mark above all others.
    pub fn put(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// A paragraph across the page; nothing for no words.
    pub fn words(&mut self, text: &str, size: f64, ink: Ink) {
        if text.is_empty() {
            return;
        }
        for line in font::wrapped(text, self.right - self.left, size, Weight::Regular) {
            self.y += size + 4.0;
            self.put(Mark::text((self.left, self.y), size, line).fill(ink));
        }
    }

    /// A note below the drawing; nothing for no words.
    pub fn note(&mut self, text: &str) {
        if !text.is_empty() {
            self.y += 8.0;
            self.words(text, SMALL, Ink::Muted);
        }
    }

    /// Says more to those who do not see the drawing.
    pub fn describe(&mut self, text: &str) {
        if !self.description.is_empty() && !text.is_empty() {
            self.description.push(' ');
        }
        self.description.push_str(text);
    }

    /// The drawing, with its footer below everything.
    #[must_use]
    pub fn finish(mut self, footer: &str) -> Scene {
        self.y += 10.0;
        self.words(footer, 11.0, Ink::Muted);
        let height = libm::ceil(self.y + if self.is_narrow() { 12.0 } else { 18.0 });
        self.marks[0] = Mark::rect((0.0, 0.0), (self.width, height)).fill(Ink::Page);
        Scene {
            width: self.width,
            height,
            title: self.title,
            description: format!("{} {footer}", self.description),
            marks: self.marks,
        }
    }
}
