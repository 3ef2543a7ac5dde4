//! One palette: a plan keeps its colour in every chart, light and dark.
//!
//! Colours are roles. Hues are those that people with any kind of colour vision tell apart (after
//! Okabe & Ito, Color Universal Design, 2008), darkened or lightened until words in them reach the
//! contrast of WCAG AA (4.5 : 1; tested). No chart relies on a hue alone: plans are named where they
//! are drawn, and lines differ in their dashes.

use crate::model::plan::Plan;

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    /// The page.
    Page,
    /// What is read first.
    Text,
    /// What is read second.
    Muted,
    /// Axes.
    Axis,
    /// Lines to read values off.
    Grid,
    /// A quiet area.
    Band,
    /// What must not be missed: a preemption, lost work, a deadline.
    Alert,
    /// A plan.
    Plan(Plan),
    /// One of several lines that are no plans: a fitted model, a group.
    Series(u8),
    /// From −16, a loss, to 16, a saving.
    Heat(i8),
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Theme {
    /// Dark on white
    #[default]
    Light,
    /// Light on black
    Dark,
    /// As the reader's device asks for (SVG)
    Auto,
}

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// The colours on a light and on a dark page.
#[must_use]
pub const fn colours(ink: Ink) -> (Rgb, Rgb) {
    match ink {
        Ink::Page => (hex(0xff_ffff), hex(0x14_181d)),
        Ink::Text => (hex(0x1b_2127), hex(0xe8_ecf0)),
        Ink::Muted => (hex(0x5c_6670), hex(0x9a_a5b1)),
        Ink::Axis => (hex(0x9a_a3ad), hex(0x5a_6570)),
        Ink::Grid => (hex(0xe6_e9ec), hex(0x2a_313a)),
        Ink::Band => (hex(0xf1_f3f5), hex(0x20_262d)),
        Ink::Alert => (hex(0xb3_261e), hex(0xff_8a80)),
        Ink::Plan(plan) => match plan {
            Plan::Standard => (hex(0x5b_6670), hex(0xa7_b1bb)),
            Plan::Spot => (hex(0xc2_4e00), hex(0xff_9350)),
            Plan::SpotResubmit => (hex(0x00_67a8), hex(0x5a_b0f0)),
            Plan::SpotThenStandard => (hex(0x00_805c), hex(0x3e_c79a)),
            Plan::SpotUntilDeadline => (hex(0x5b_4a9e), hex(0xa8_9bf0)),
            Plan::FlexStart => (hex(0xa2_487c), hex(0xe2_9cc6)),
            Plan::Committed1y => (hex(0x86_6800), hex(0xd8_b64a)),
            Plan::Committed3y => (hex(0x6b_4c2a), hex(0xb8_956a)),
            Plan::Mixed => (hex(0x00_7c89), hex(0x4f_c3cf)),
            Plan::Mixed1y => (hex(0x1f_6a3a), hex(0x7f_cf86)),
            Plan::Mixed3y => (hex(0x2c_4a8c), hex(0x8f_a8ea)),
            Plan::Base1y => (hex(0x9a_3b3b), hex(0xe8_9a9a)),
            Plan::Base3y => (hex(0x7a_2f6b), hex(0xcf_8fc4)),
        },
        Ink::Series(index) => match index % SERIES {
            0 => (hex(0x00_67a8), hex(0x5a_b0f0)),
            1 => (hex(0xc2_4e00), hex(0xff_9350)),
            2 => (hex(0x00_805c), hex(0x3e_c79a)),
            3 => (hex(0xa2_487c), hex(0xe2_9cc6)),
            4 => (hex(0x86_6800), hex(0xd8_b64a)),
            _ => (hex(0x5b_4a9e), hex(0xa8_9bf0)),
        },
        Ink::Heat(level) => heat(level),
    }
}

/// Lines that are no plans and still differ.
pub const SERIES: u8 = 6;

/// Dashes that tell a line that is no plan's from others without colour.
#[must_use]
pub const fn series_dash(index: u8) -> &'static [f64] {
    match index % SERIES {
        0 => &[],
        1 => &[7.0, 3.0],
        2 => &[2.0, 2.5],
        3 => &[9.0, 3.0, 2.0, 3.0],
        4 => &[4.0, 3.0],
        _ => &[12.0, 4.0],
    }
}

/// Dashes that tell a plan's line from others without colour.
#[must_use]
pub const fn dash(plan: Plan) -> &'static [f64] {
    match plan {
        Plan::Standard => &[],
        Plan::SpotResubmit => &[],
        Plan::Spot => &[7.0, 3.0],
        Plan::SpotThenStandard => &[2.0, 2.5],
        Plan::SpotUntilDeadline => &[7.0, 2.5, 2.0, 2.5, 2.0, 2.5],
        Plan::FlexStart => &[9.0, 3.0, 2.0, 3.0],
        Plan::Committed1y => &[4.0, 3.0],
        Plan::Committed3y => &[12.0, 4.0],
        Plan::Mixed => &[10.0, 2.5, 2.0, 2.5, 2.0, 2.5],
        Plan::Mixed1y => &[10.0, 2.5, 4.0, 2.5],
        Plan::Mixed3y => &[10.0, 2.5, 4.0, 2.5, 2.0, 2.5],
        Plan::Base1y => &[5.0, 2.5, 2.0, 2.5],
        Plan::Base3y => &[14.0, 3.0, 2.0, 3.0],
    }
}

/// Losses towards orange, savings towards blue, nothing at all near the page: darker (on a dark page
/// lighter) is always more.
const fn heat(level: i8) -> (Rgb, Rgb) {
    let share = (level.unsigned_abs() as u32 * 255 / 16) as u8;
    let (light, dark) =
        if level < 0 { (hex(0xb3_5806), hex(0xff_a860)) } else { (hex(0x05_5a94), hex(0x63_b8f5)) };
    (mix(hex(0xf7_f7f5), light, share), mix(hex(0x22_282f), dark, share))
}

/// `share` ÷ 255 of `b`, the rest of `a`.
const fn mix(a: Rgb, b: Rgb, share: u8) -> Rgb {
    const fn channel(a: u8, b: u8, share: u8) -> u8 {
        ((a as u32 * (255 - share as u32) + b as u32 * share as u32 + 127) / 255) as u8
    }
    (channel(a.0, b.0, share), channel(a.1, b.1, share), channel(a.2, b.2, share))
}

const fn hex(rgb: u32) -> Rgb {
    ((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// The name of a role in a style sheet.
#[must_use]
pub fn name(ink: Ink) -> String {
    match ink {
        Ink::Page => "page".into(),
        Ink::Text => "text".into(),
        Ink::Muted => "muted".into(),
        Ink::Axis => "axis".into(),
        Ink::Grid => "grid".into(),
        Ink::Band => "band".into(),
        Ink::Alert => "alert".into(),
        Ink::Plan(plan) => plan.name().into(),
        Ink::Series(index) => format!("series-{}", index % SERIES + 1),
        Ink::Heat(level) if level < 0 => format!("loss-{}", -level),
        Ink::Heat(level) => format!("gain-{level}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance. Source: WCAG 2.2, definition of relative luminance.
    fn luminance((r, g, b): Rgb) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { libm::pow((share + 0.055) / 1.055, 2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn words_in_any_colour_are_readable_on_every_ground() {
        let words = [Ink::Text, Ink::Muted, Ink::Alert];
        let series = (0..SERIES).map(Ink::Series);
        for ink in words.into_iter().chain(Plan::ALL.map(Ink::Plan)).chain(series) {
            let (light, dark) = colours(ink);
            let (light_page, dark_page) = colours(Ink::Page);
            assert!(contrast(light, light_page) >= 4.5, "{ink:?} on white");
            assert!(contrast(dark, dark_page) >= 4.5, "{ink:?} on black");
        }
    }

    #[test]
    fn plans_differ_in_their_dashes_where_they_may_share_a_chart() {
        let others = Plan::ALL.into_iter().filter(|plan| *plan != Plan::Standard);
        let mut dashes: Vec<_> = others.map(dash).map(|dash| format!("{dash:?}")).collect();
        dashes.sort();
        dashes.dedup();
        assert_eq!(dashes.len(), Plan::ALL.len() - 1);
    }

    #[test]
    fn a_map_grows_darker_towards_both_ends() {
        for sign in [-1, 1] {
            let mut last = f64::INFINITY;
            for level in 0..=16 {
                let now = luminance(colours(Ink::Heat(sign * level)).0);
                assert!(now < last);
                last = now;
            }
        }
    }
}
