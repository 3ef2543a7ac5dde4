//! A scene as SVG: one file that needs nothing else.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::font::{self, Weight};
use super::palette::{self, Ink, Rgb, Theme};
use super::scene::{Anchor, Mark, Paint, Scene, Shape, Stroke};

/// How an SVG is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Its colours.
    pub theme: Theme,
    /// Whether the font is in it. A page of many charts has
    /// [`font_face_css`](font::font_face_css) once instead.
    pub font: bool,
    /// Whether the values of colours that follow the reader's device are in it. A page of many charts
    /// has them once instead, as [`rules`] writes them.
    pub colours: bool,
    /// What the ids in it begin with: different for each chart of a page.
    pub id: &'a str,
}

impl Default for Style<'_> {
    fn default() -> Self {
        Self { theme: Theme::Light, font: true, colours: true, id: "chart" }
    }
}

/// The scene as SVG, ending in a line feed.
#[must_use]
pub fn svg(scene: &Scene, style: Style<'_>) -> String {
    let (width, height) = (number(scene.width), number(scene.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"stockout-chart\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
         font-family=\"{}\" font-size=\"12\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        font::STACK,
        escaped(&scene.title),
        escaped(&scene.description),
        id = style.id,
    );
    let mut sheet = String::new();
    if style.font {
        sheet.push_str(&font::font_face_css());
    }
    if style.theme == Theme::Auto && style.colours {
        sheet.push_str(&variables(&inks(scene)));
    }
    if !sheet.is_empty() {
        let _ = writeln!(out, "<style>{sheet}</style>");
    }
    for mark in &scene.marks {
        write_mark(&mut out, mark, style.theme);
    }
    out.push_str("</svg>\n");
    out
}

/// The colours of a scene.
#[must_use]
pub fn inks(scene: &Scene) -> BTreeSet<Ink> {
    let paints = scene.marks.iter().flat_map(|mark| {
        mark.fill.iter().map(|fill| fill.ink).chain(mark.stroke.iter().map(|s| s.paint.ink))
    });
    paints.collect()
}

/// A style sheet that gives every colour its value, light or dark as the reader's device asks.
#[must_use]
pub fn variables(inks: &BTreeSet<Ink>) -> String {
    format!(
        ".stockout-chart{{{}}}@media(prefers-color-scheme:dark){{.stockout-chart{{{}}}}}",
        rules(inks, |(light, _)| light),
        rules(inks, |(_, dark)| dark)
    )
}

/// Colours as the variables of a style sheet; `pick` takes the light or the dark one.
#[must_use]
pub fn rules(inks: &BTreeSet<Ink>, pick: fn((Rgb, Rgb)) -> Rgb) -> String {
    inks.iter()
        .map(|ink| format!("--{}:{};", palette::name(*ink), hex(pick(palette::colours(*ink)))))
        .collect()
}

fn write_mark(out: &mut String, mark: &Mark, theme: Theme) {
    let look = look(mark, theme);
    let hint = mark.hint.as_ref().map(|hint| format!("<title>{}</title>", escaped(hint)));
    let end = |name: &str| {
        hint.as_ref().map_or_else(|| "/>\n".to_owned(), |hint| format!(">{hint}</{name}>\n"))
    };
    let _ = match &mark.shape {
        Shape::Rect { x, y, width, height, radius } => {
            let radius =
                if *radius > 0.0 { format!(" rx=\"{}\"", number(*radius)) } else { String::new() };
            write!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{radius}{look}{}",
                number(*x),
                number(*y),
                number(*width),
                number(*height),
                end("rect")
            )
        }
        Shape::Path { points, closed } => {
            let mut path = String::new();
            for (index, &(x, y)) in points.iter().enumerate() {
                path.push(if index == 0 { 'M' } else { 'L' });
                let _ = write!(path, "{} {}", number(x), number(y));
            }
            if *closed {
                path.push('Z');
            }
            write!(out, "<path d=\"{path}\"{look}{}", end("path"))
        }
        Shape::Circle { x, y, radius } => write!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{look}{}",
            number(*x),
            number(*y),
            number(*radius),
            end("circle")
        ),
        Shape::Text { x, y, text, size, weight, anchor } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let weight = match weight {
                Weight::Regular => "",
                Weight::Medium => " font-weight=\"500\"",
            };
            let size = if *size == 12.0 {
                String::new()
            } else {
                format!(" font-size=\"{}\"", number(*size))
            };
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\"{size}{weight}{anchor}{look}>{}{}</text>",
                number(*x),
                number(*y),
                hint.as_deref().unwrap_or_default(),
                escaped(text)
            )
        }
    };
}

/// The attributes of colour and line.
fn look(mark: &Mark, theme: Theme) -> String {
    let mut look = match (&mark.fill, &mark.stroke) {
        (Some(paint), _) => attributes("fill", *paint, theme),
        (None, Some(_)) => " fill=\"none\"".to_owned(),
        (None, None) => String::new(),
    };
    if let Some(Stroke { paint, width, dash }) = &mark.stroke {
        look.push_str(&attributes("stroke", *paint, theme));
        if *width != 1.0 {
            let _ = write!(look, " stroke-width=\"{}\"", number(*width));
        }
        if !dash.is_empty() {
            let dash: Vec<String> = dash.iter().map(|length| number(*length)).collect();
            let _ = write!(look, " stroke-dasharray=\"{}\"", dash.join(" "));
        }
        if matches!(mark.shape, Shape::Path { .. }) {
            look.push_str(" stroke-linejoin=\"round\"");
        }
        if matches!(mark.shape, Shape::Text { .. }) {
            look.push_str(" stroke-linejoin=\"round\" style=\"paint-order:stroke\"");
        }
    }
    look
}

fn attributes(of: &str, paint: Paint, theme: Theme) -> String {
    let (light, dark) = palette::colours(paint.ink);
    let colour = match theme {
        Theme::Light => hex(light),
        Theme::Dark => hex(dark),
        Theme::Auto => format!("var(--{})", palette::name(paint.ink)),
    };
    let mut out = format!(" {of}=\"{colour}\"");
    if paint.opacity < 1.0 {
        let _ = write!(out, " {of}-opacity=\"{}\"", number(paint.opacity));
    }
    out
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A length with two decimals at most: the same text on every platform.
#[must_use]
pub fn number(value: f64) -> String {
    let hundredths = libm::round(value * 100.0);
    if hundredths.is_nan() || hundredths.abs() >= 1e15 {
        // Nothing is drawn so far out.
        return "0".into();
    }
    let hundredths = hundredths as i64;
    let (sign, size) = (if hundredths < 0 { "-" } else { "" }, hundredths.unsigned_abs());
    match (size / 100, size % 100) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, rest) if rest % 10 == 0 => format!("{sign}{whole}.{}", rest / 10),
        (whole, rest) => format!("{sign}{whole}.{rest:02}"),
    }
}

/// Text as XML holds it. What XML cannot hold is left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_decimals_at_most() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.001, "0"),
            (1.5, "1.5"),
            (1.25, "1.25"),
            (1.204, "1.2"),
            (-3.07, "-3.07"),
            (12.999, "13"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
        ] {
            assert_eq!(number(value), shown);
        }
    }

    #[test]
    fn names_cannot_break_out_of_the_text() {
        assert_eq!(escaped("a<b>&\"c\"\u{1}\n"), "a&lt;b&gt;&amp;&quot;c&quot; ");
    }
}
