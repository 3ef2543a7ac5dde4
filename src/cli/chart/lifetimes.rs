//! `chart --kind survival` and `hazard`: observed lifetimes, read and fitted as `fit` does.

use super::{Arguments, wrong};
use crate::cli::Failure;
use crate::cli::fit::name_of;
use crate::cli::input::shell_word;
use crate::fit;
use crate::output::chart::scene::Scene;
use crate::output::chart::{Kind, hazard, survival};
use crate::output::fit::Fitting;

/// The chart of a file of lifetimes.
pub fn scene(arguments: &Arguments) -> Result<Scene, Failure> {
    let (options, kind) = (&arguments.lifetimes, arguments.kind.name());
    let Some(path) = &arguments.input.file else {
        return Err(wrong(
            &format!("--kind {kind} without a file of lifetimes"),
            &format!("stockout chart lifetimes.csv --kind {kind} -o {kind}.svg"),
        ));
    };
    let file = shell_word(&path.display().to_string());
    if arguments.input.as_arguments() != file {
        return Err(wrong(
            &format!("--kind {kind} shows observed lifetimes: no setting changes them"),
            "leave the options of scenarios out",
        ));
    }
    let asked = options.asked()?;
    let read = options.read(path)?;
    let fit = fit::fit(&read.all, &read.groups, &asked);
    let file = name_of(path);
    let of = Fitting { file: &file, read: &read, by: options.by(), fit: &fit, level: asked.level };
    let width = arguments.drawing.width();
    Ok(match arguments.kind {
        Kind::Hazard => hazard::hazard(&of, width),
        _ => survival::survival(&of, width),
    })
}
