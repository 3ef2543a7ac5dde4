//! A scene as PNG: the same drawing as its SVG, with the embedded font's own outlines.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint as Colour, Path, PathBuilder, Pixmap, Stroke as Pen,
    StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::font::{self, Weight};
use super::palette::{self, Ink, Theme};
use super::scene::{Anchor, Mark, Paint, Scene, Shape};

/// The most pixels of a picture: 100 million.
const MOST_PIXELS: f64 = 1e8;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// More pixels than anybody needs.
    #[error(
        "a picture of {width} × {height} pixels is too large: write a smaller --scale or --width"
    )]
    TooLarge {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
    },
    /// The encoder failed.
    #[error("the picture could not be encoded: {0}")]
    Encoding(String),
}

/// The scene as PNG with `scale` pixels to one CSS pixel. On the automatic theme it is light.
///
/// # Errors
/// More than 100 million pixels.
pub fn png(scene: &Scene, theme: Theme, scale: f64) -> Result<Vec<u8>, PngError> {
    let (width, height) = (libm::ceil(scene.width * scale), libm::ceil(scene.height * scale));
    let too_large = || PngError::TooLarge { width: width as u64, height: height as u64 };
    let pixels = width * height;
    if pixels.is_nan() || pixels > MOST_PIXELS {
        return Err(too_large());
    }
    let mut canvas = Canvas {
        pixels: Pixmap::new(width as u32, height as u32).ok_or_else(too_large)?,
        theme,
        scale: scale as f32,
    };
    canvas.pixels.fill(canvas.colour(Ink::Page.into()));
    for mark in &scene.marks {
        canvas.mark(mark);
    }
    canvas.pixels.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
}

struct Canvas {
    pixels: Pixmap,
    theme: Theme,
    scale: f32,
}

impl Canvas {
    fn colour(&self, paint: Paint) -> Color {
        let (light, dark) = palette::colours(paint.ink);
        let (r, g, b) = if self.theme == Theme::Dark { dark } else { light };
        let alpha = (paint.opacity.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        Color::from_rgba8(r, g, b, alpha)
    }

    fn mark(&mut self, mark: &Mark) {
        let path = match &mark.shape {
            Shape::Text { x, y, text, size, weight, anchor } => {
                glyphs(text, (*x, *y), *size, *weight, *anchor)
            }
            shape => form(shape),
        };
        let Some(path) = path else { return };
        let transform = Transform::from_scale(self.scale, self.scale);
        // The rim of letters lies below them, every other outline above its ground.
        let is_text = matches!(mark.shape, Shape::Text { .. });
        if is_text {
            self.outline(mark, &path, transform);
        }
        if let Some(fill) = mark.fill {
            let colour = self.paint(fill);
            self.pixels.fill_path(&path, &colour, FillRule::Winding, transform, None);
        }
        if !is_text {
            self.outline(mark, &path, transform);
        }
    }

    fn outline(&mut self, mark: &Mark, path: &Path, transform: Transform) {
        if let Some(stroke) = &mark.stroke {
            let colour = self.paint(stroke.paint);
            let pen = Pen {
                width: stroke.width as f32,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(stroke.dash.iter().map(|&l| l as f32).collect(), 0.0)
                    .filter(|_| !stroke.dash.is_empty()),
                ..Pen::default()
            };
            self.pixels.stroke_path(path, &colour, &pen, transform, None);
        }
    }

    fn paint(&self, paint: Paint) -> Colour<'static> {
        let mut colour = Colour { anti_alias: true, ..Colour::default() };
        colour.set_color(self.colour(paint));
        colour
    }
}

/// The outline of a form that is not text; `None` of nothing.
fn form(shape: &Shape) -> Option<Path> {
    let mut path = PathBuilder::new();
    match *shape {
        Shape::Rect { x, y, width, height, radius } => {
            let (l, t, r, b) = (x as f32, y as f32, (x + width) as f32, (y + height) as f32);
            let q = radius as f32;
            if q <= 0.0 {
                path.push_rect(tiny_skia::Rect::from_ltrb(l, t, r, b)?);
            } else {
                // A quarter of a circle is nearly this cubic.
                let k = q * 0.447_715_25;
                path.move_to(l + q, t);
                path.line_to(r - q, t);
                path.cubic_to(r - k, t, r, t + k, r, t + q);
                path.line_to(r, b - q);
                path.cubic_to(r, b - k, r - k, b, r - q, b);
                path.line_to(l + q, b);
                path.cubic_to(l + k, b, l, b - k, l, b - q);
                path.line_to(l, t + q);
                path.cubic_to(l, t + k, l + k, t, l + q, t);
                path.close();
            }
        }
        Shape::Path { ref points, closed } => {
            for (index, &(x, y)) in points.iter().enumerate() {
                if index == 0 {
                    path.move_to(x as f32, y as f32);
                } else {
                    path.line_to(x as f32, y as f32);
                }
            }
            if closed {
                path.close();
            }
        }
        Shape::Circle { x, y, radius } => path.push_circle(x as f32, y as f32, radius as f32),
        Shape::Text { .. } => return None,
    }
    path.finish()
}

/// The outline of a text; `None` of spaces.
fn glyphs(
    text: &str,
    (x, y): (f64, f64),
    size: f64,
    weight: Weight,
    anchor: Anchor,
) -> Option<Path> {
    let face = font::face(weight);
    let scale = size / f64::from(face.units_per_em());
    let start = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - font::width(text, size, weight) / 2.0,
        Anchor::End => x - font::width(text, size, weight),
    };
    let mut pen = Glyphs { path: PathBuilder::new(), x: start, y, scale };
    for letter in text.chars() {
        // Glyph 0 is the box that stands for what a font does not have.
        let glyph = face.glyph_index(letter).unwrap_or_default();
        let _ = face.outline_glyph(glyph, &mut pen);
        pen.x += f64::from(font::advance(face, letter)) * scale;
    }
    pen.path.finish()
}

/// Puts glyphs beside each other.
struct Glyphs {
    path: PathBuilder,
    x: f64,
    y: f64,
    scale: f64,
}

impl Glyphs {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let place = |at: f64, units: f32| (at + f64::from(units) * self.scale) as f32;
        (place(self.x, x), place(self.y, -y))
    }
}

impl OutlineBuilder for Glyphs {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
