//! Where results go: standard output, or a file that is written whole or not at all.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Failure;

/// Where to write.
#[derive(Debug, clap::Args)]
pub struct Destination {
    /// Write to this file instead of standard output, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Destination {
    /// Writes a result.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        self.write_bytes(text.as_bytes())
    }

    /// Writes a result that is not text.
    pub fn write_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.output {
            Some(path) if path.as_os_str() != "-" => Ok(to_file(path, bytes)?),
            _ => to_stdout(bytes),
        }
    }
}

fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        Err(error) => {
            Err(anyhow::Error::new(error).context("could not write to standard output").into())
        }
    }
}

/// Writes several files, all or none: all are written beside their places before any is renamed.
pub fn to_files(files: &[(&Path, &str)]) -> anyhow::Result<()> {
    let written: Vec<Beside> = files
        .iter()
        .map(|(path, text)| beside(path, text.as_bytes()))
        .collect::<anyhow::Result<_>>()?;
    written.into_iter().try_for_each(Beside::rename)
}

fn to_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    beside(path, bytes)?.rename()
}

/// Bytes written beside the file it will be.
struct Beside {
    shown: PathBuf,
    target: PathBuf,
    /// `None` of a device or a pipe, which has them already.
    file: Option<tempfile::NamedTempFile>,
}

impl Beside {
    /// Puts it into its place: no reader sees half of it.
    fn rename(self) -> anyhow::Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        let context = || format!("could not write {}", self.shown.display());
        file.persist(&self.target).map_err(|error| error.error).with_context(context)?;
        Ok(())
    }
}

/// Writes beside the file.
fn beside(path: &Path, bytes: &[u8]) -> anyhow::Result<Beside> {
    let context = || format!("could not write {}", path.display());
    // A device or a pipe cannot be replaced by a file.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        anyhow::ensure!(!path.is_dir(), "could not write {}: it is a folder", path.display());
        std::fs::write(path, bytes).with_context(context)?;
        return Ok(Beside { shown: path.to_owned(), target: path.to_owned(), file: None });
    }
    // A link keeps pointing at what it pointed at.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    file.write_all(bytes).with_context(context)?;
    file.as_file().sync_all().with_context(context)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private; keep the old file's mode, else what a new file would have.
        let mode = std::fs::metadata(&target).map_or(0o644, |meta| meta.permissions().mode());
        file.as_file()
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .with_context(context)?;
    }
    Ok(Beside { shown: path.to_owned(), target, file: Some(file) })
}

/// Writes a line to standard error; nobody can be told where that fails.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
