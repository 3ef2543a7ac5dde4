//! Numbers as people read them: no more digits than the half-width supports.

/// What stands for a value that does not exist.
pub const NONE: &str = "–";

/// A share as a percentage; near 0 % and 100 % with as many digits as tell it from them, up to four.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent == 100.0 {
        return format!("{percent:.0} %");
    }
    let distance = percent.min(100.0 - percent);
    if distance < 0.0 {
        return format!("{percent:.0} %");
    }
    let decimals = match distance {
        distance if distance >= 0.95 => 1,
        distance if distance >= 0.0095 => 2,
        distance if distance >= 0.000_95 => 3,
        _ => 4,
    };
    let shown = format!("{percent:.decimals$}");
    match shown.as_str() {
        "0.0000" => "<0.0001 %".into(),
        "100.0000" => ">99.999 %".into(),
        _ => format!("{shown} %"),
    }
}

/// A saving with its half-width in percentage points, such as `36.4±0.1 %`.
#[must_use]
pub fn saving(mean: f64, half_width: Option<f64>) -> String {
    let Some(half_width) = half_width else {
        // One replication tells nothing about the error.
        return format!("{:.1}±? %", mean * 100.0);
    };
    let error = half_width * 100.0;
    // Adding zero turns a negative zero into a plain one.
    let mean = (mean * 1000.0).round() / 10.0 + 0.0;
    if error < 1e-6 {
        return format!("{mean:.1} %");
    }
    if error >= 1.0 {
        return format!("{mean:.0}±{:.0} %", error.ceil());
    }
    format!("{mean:.1}±{:.1} %", (error * 10.0).ceil() / 10.0)
}

/// An amount with the digits that its half-width supports: cents at most, or four digits after the
/// point below one.
#[must_use]
pub fn amount(mean: f64, half_width: Option<f64>) -> String {
    alike(mean, mean, half_width)
}

/// An amount with the digits that `mean` would have.
#[must_use]
pub fn alike(value: f64, mean: f64, half_width: Option<f64>) -> String {
    let most = match mean.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    let supported = match half_width {
        Some(error) if error > 0.0 => (-error.log10()).ceil().max(0.0) as usize,
        _ => most,
    };
    grouped(&format!("{value:.decimals$}", decimals = most.min(supported)))
}

/// Hours in the unit a person would choose: `40 s`, `12 min`, `9.4 h`, `3.2 d`.
#[must_use]
pub fn hours(hours: f64) -> String {
    let seconds = hours * 3_600.0;
    if seconds == 0.0 {
        "0 s".into()
    } else if seconds < 90.0 {
        format!("{} s", significant(seconds, 2))
    } else if hours < 1.5 {
        format!("{} min", significant(hours * 60.0, 2))
    } else if hours < 72.0 {
        format!("{} h", significant(hours, 3))
    } else {
        format!("{} d", grouped(&significant(hours / 24.0, 3)))
    }
}

/// A number with `digits` significant digits, without trailing zeros after the point.
#[must_use]
pub fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = (value.abs().log10().floor() as i32).saturating_add(1);
    let decimals = (digits - magnitude).clamp(0, 9) as usize;
    let shown = format!("{value:.decimals$}");
    if shown.contains('.') {
        shown.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        shown
    }
}

/// A number with so many decimals, the digits before the point in groups of three.
#[must_use]
pub fn with_decimals(value: f64, decimals: usize) -> String {
    grouped(&format!("{value:.decimals$}"))
}

/// A whole number with commas, such as `100,000`.
#[must_use]
pub fn whole(value: u64) -> String {
    grouped(&value.to_string())
}

/// A long text, cut to so many characters.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The digits before the point in groups of three.
fn grouped(number: &str) -> String {
    let (whole, rest) = match number.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (number, String::new()),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_keep_what_tells_them_from_none_and_all() {
        for (share, shown) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.364, "36.4 %"),
            (0.9992, "99.92 %"),
            (0.999_92, "99.992 %"),
            (0.005, "0.50 %"),
            (0.000_08, "0.008 %"),
            (1e-9, "<0.0001 %"),
            (1.0 - 1e-9, ">99.999 %"),
            (-0.2, "-20 %"),
        ] {
            assert_eq!(percent(share), shown);
        }
    }

    #[test]
    fn numbers_carry_what_their_half_width_supports() {
        assert_eq!(saving(0.36412, Some(0.0003)), "36.4±0.1 %");
        assert_eq!(saving(0.36412, Some(0.0203)), "36±3 %");
        assert_eq!(saving(0.36412, Some(0.0)), "36.4 %");
        assert_eq!(saving(0.36412, None), "36.4±? %");
        assert_eq!(amount(5.242_71, Some(0.0004)), "5.24");
        assert_eq!(amount(5.242_71, Some(0.4)), "5.2");
        assert_eq!(amount(12_345.678, Some(0.01)), "12,346");
        assert_eq!(amount(0.012_34, None), "0.0123");
        assert_eq!(whole(1_000_000), "1,000,000");
    }

    #[test]
    fn hours_are_shown_in_the_unit_a_person_would_choose() {
        for (value, shown) in [
            (0.0, "0 s"),
            (0.01, "36 s"),
            (0.5, "30 min"),
            (9.412, "9.41 h"),
            (24.0, "24 h"),
            (100.0, "4.17 d"),
        ] {
            assert_eq!(hours(value), shown);
        }
    }
}
