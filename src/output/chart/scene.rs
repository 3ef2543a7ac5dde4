//! A drawing: marks on a page, in the order in which they are painted. Lengths are CSS pixels.

use super::font::Weight;
use super::palette::Ink;

/// A whole drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it shows, for those who do not see it.
    pub title: String,
    /// What can be read off it, for those who do not see it.
    pub description: String,
    /// From the bottom to the top.
    pub marks: Vec<Mark>,
}

/// One thing that is painted.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where and of which form.
    pub shape: Shape,
    /// Inside; text is filled.
    pub fill: Option<Paint>,
    /// Outline.
    pub stroke: Option<Stroke>,
    /// Shown when somebody points at it.
    pub hint: Option<String>,
}

/// A colour's role and how much of what is below it hides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// The role.
    pub ink: Ink,
    /// From 0, invisible, to 1.
    pub opacity: f64,
}

/// A line's look.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub paint: Paint,
    /// Its width.
    pub width: f64,
    /// Lengths of dashes and gaps; empty for a solid line.
    pub dash: &'static [f64],
}

/// A form.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An upright rectangle.
    Rect {
        /// Left.
        x: f64,
        /// Top.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// Radius of its corners.
        radius: f64,
    },
    /// Points joined by straight lines.
    Path {
        /// In their order.
        points: Vec<(f64, f64)>,
        /// Whether the last is joined to the first.
        closed: bool,
    },
    /// A circle.
    Circle {
        /// Centre.
        x: f64,
        /// Centre.
        y: f64,
        /// Radius.
        radius: f64,
    },
    /// One line of text.
    Text {
        /// Where its anchor stands.
        x: f64,
        /// Its baseline.
        y: f64,
        /// The words.
        text: String,
        /// Font size.
        size: f64,
        /// Regular or medium.
        weight: Weight,
        /// Which end stands at `x`.
        anchor: Anchor,
    },
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

impl From<Ink> for Paint {
    fn from(ink: Ink) -> Self {
        Self { ink, opacity: 1.0 }
    }
}

impl Ink {
    /// This colour, seen through.
    #[must_use]
    pub const fn at(self, opacity: f64) -> Paint {
        Paint { ink: self, opacity }
    }
}

impl Mark {
    const fn new(shape: Shape) -> Self {
        Self { shape, fill: None, stroke: None, hint: None }
    }

    /// A rectangle between two corners in any order.
    #[must_use]
    pub fn rect((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> Self {
        Self::new(Shape::Rect {
            x: x0.min(x1),
            y: y0.min(y1),
            width: (x1 - x0).abs(),
            height: (y1 - y0).abs(),
            radius: 0.0,
        })
    }

    /// A straight line.
    #[must_use]
    pub fn line(from: (f64, f64), to: (f64, f64)) -> Self {
        Self::path(vec![from, to])
    }

    /// Straight lines through points.
    #[must_use]
    pub const fn path(points: Vec<(f64, f64)>) -> Self {
        Self::new(Shape::Path { points, closed: false })
    }

    /// A polygon.
    #[must_use]
    pub const fn area(points: Vec<(f64, f64)>) -> Self {
        Self::new(Shape::Path { points, closed: true })
    }

    /// A circle.
    #[must_use]
    pub const fn circle((x, y): (f64, f64), radius: f64) -> Self {
        Self::new(Shape::Circle { x, y, radius })
    }

    /// Regular text that starts at a place.
    #[must_use]
    pub fn text((x, y): (f64, f64), size: f64, text: impl Into<String>) -> Self {
        let (weight, anchor) = (Weight::Regular, Anchor::Start);
        Self::new(Shape::Text { x, y, text: text.into(), size, weight, anchor }).fill(Ink::Text)
    }

    /// Filled.
    #[must_use]
    pub fn fill(mut self, paint: impl Into<Paint>) -> Self {
        self.fill = Some(paint.into());
        self
    }

    /// With a solid outline.
    #[must_use]
    pub fn stroke(mut self, paint: impl Into<Paint>, width: f64) -> Self {
        self.stroke = Some(Stroke { paint: paint.into(), width, dash: &[] });
        self
    }

    /// With a dashed outline, where it has one.
    #[must_use]
    pub const fn dashed(mut self, dash: &'static [f64]) -> Self {
        if let Some(stroke) = &mut self.stroke {
            stroke.dash = dash;
        }
        self
    }

    /// With rounded corners, where it is a rectangle.
    #[must_use]
    pub fn rounded(mut self, by: f64) -> Self {
        if let Shape::Rect { width, height, radius, .. } = &mut self.shape {
            *radius = by.min(*width / 2.0).min(*height / 2.0);
        }
        self
    }

    /// Text in medium weight.
    #[must_use]
    pub const fn medium(mut self) -> Self {
        if let Shape::Text { weight, .. } = &mut self.shape {
            *weight = Weight::Medium;
        }
        self
    }

    /// Text whose middle stands at its place.
    #[must_use]
    pub const fn centred(self) -> Self {
        self.anchored(Anchor::Middle)
    }

    /// Text that ends at its place.
    #[must_use]
    pub const fn ending(self) -> Self {
        self.anchored(Anchor::End)
    }

    /// Text anchored so.
    #[must_use]
    pub const fn anchored(mut self, at: Anchor) -> Self {
        if let Shape::Text { anchor, .. } = &mut self.shape {
            *anchor = at;
        }
        self
    }

    /// Text that stays readable over lines: its letters stand on a rim of the ground's colour.
    #[must_use]
    pub fn on(self, ground: Ink) -> Self {
        self.stroke(ground, 4.0)
    }

    /// With words that appear when somebody points at it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }
}
