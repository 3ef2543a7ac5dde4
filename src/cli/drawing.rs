//! How charts are written: SVG or PNG, light or dark.

use std::io::IsTerminal;

use super::Failure;
use super::write::Destination;
use crate::output::chart::page;
use crate::output::chart::palette::Theme;
use crate::output::chart::scene::Scene;
use crate::output::chart::svg::{Style, svg};

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Picture {
    /// Lines and letters, sharp at any size
    Svg,
    /// Pixels
    Png,
}

/// How to draw.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Drawing")]
pub struct Drawing {
    /// Colours of the page; auto follows the reader's device (SVG)
    #[arg(long, value_enum, default_value_t)]
    theme: Theme,
    /// Width in CSS pixels, from 320 to 4000; the height follows
    #[arg(long, value_name = "PX", default_value_t = 760, value_parser = clap::value_parser!(u16).range(320..=4000))]
    width: u16,
    /// Pixels of a PNG for each CSS pixel, from 1 to 8
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    scale: u8,
}

impl Drawing {
    /// The width asked for.
    pub fn width(&self) -> f64 {
        f64::from(self.width).clamp(page::NARROWEST, page::WIDEST)
    }

    /// The form that was asked for, or that the file's ending asks for.
    pub fn picture(asked: Option<Picture>, destination: &Destination) -> Picture {
        let ending = destination.output.as_ref().and_then(|path| path.extension());
        asked.unwrap_or(match ending {
            Some(ending) if ending.eq_ignore_ascii_case("png") => Picture::Png,
            _ => Picture::Svg,
        })
    }

    /// Refuses what cannot be drawn so, before anything is computed.
    pub fn check(&self, picture: Picture, destination: &Destination) -> Result<(), Failure> {
        if picture == Picture::Svg {
            return Ok(());
        }
        let wrong = |words: &str| Err(Failure::Input(format!("error: {words}")));
        if cfg!(not(feature = "png")) {
            return wrong(
                "this program was built without PNG\nhelp: write SVG, or build with --features png",
            );
        }
        if self.theme == Theme::Auto {
            return wrong(
                "a PNG has one set of colours\nhelp: write --theme light or --theme dark",
            );
        }
        let to_stdout = destination.output.as_ref().is_none_or(|path| path.as_os_str() == "-");
        if to_stdout && std::io::stdout().is_terminal() {
            return wrong(
                "a PNG is not text for a terminal\nhelp: write -o FILE.png, or pipe it on",
            );
        }
        Ok(())
    }

    /// Draws and writes.
    pub fn write(
        &self,
        scene: &Scene,
        picture: Picture,
        destination: &Destination,
    ) -> Result<(), Failure> {
        match picture {
            Picture::Svg => {
                let style = Style { theme: self.theme, ..Style::default() };
                destination.write(&svg(scene, style))
            }
            #[cfg(feature = "png")]
            Picture::Png => {
                let scale = f64::from(self.scale);
                let bytes = crate::output::chart::png::png(scene, self.theme, scale)
                    .map_err(|error| Failure::Input(format!("error: {error}")))?;
                destination.write_bytes(&bytes)
            }
            #[cfg(not(feature = "png"))]
            Picture::Png => unreachable!("refused before"),
        }
    }
}
