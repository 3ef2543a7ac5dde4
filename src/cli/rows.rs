//! Where the rows of a sweep go: standard output as they come, or a file that loses no finished
//! point.
//!
//! Rows are appended to FILE.part, each point by one write. Its first line names the design; when
//! all points are finished, the rows after it become FILE. So FILE is whole or not there, and after
//! an interruption FILE.part has every finished point.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Failure;
use crate::output::rows::{self, Form, Row};

/// Takes rows, point by point.
pub enum Sink {
    /// Standard output, or a file that cannot be replaced, such as a device.
    Stream(Box<dyn Write>, String),
    /// A file.
    Part(Part),
    /// Nobody wants rows.
    Nowhere,
}

/// FILE.part on its way to FILE.
pub struct Part {
    /// FILE.
    target: PathBuf,
    /// FILE.part.
    path: PathBuf,
    file: File,
    /// Bytes of the first line.
    mark: u64,
}

/// What an earlier run left.
#[derive(Default)]
pub struct Kept {
    /// Points that are finished.
    pub points: usize,
    /// Their rows.
    pub rows: Vec<Row>,
}

/// What names a design in FILE.part.
pub struct Identity<'a> {
    /// Of everything that decides the rows.
    pub sha256: &'a str,
    /// Rows of each point.
    pub rows: &'a [u16],
    /// Their form.
    pub form: Form,
}

impl Identity<'_> {
    fn mark(&self) -> String {
        let form = match self.form {
            Form::Csv => "csv",
            Form::Jsonl => "jsonl",
        };
        format!("stockout {} sweep {form} {}\n", env!("CARGO_PKG_VERSION"), self.sha256)
    }
}

/// Standard output.
pub fn to_stdout() -> Sink {
    Sink::Stream(Box::new(std::io::stdout()), "standard output".into())
}

/// FILE, anew or where an earlier run left it.
pub fn to_file(
    path: &Path,
    identity: &Identity<'_>,
    resume: bool,
) -> Result<(Sink, Kept), Failure> {
    let shown = path.display();
    let wrong = |message: String| Failure::Input(format!("error: {message}"));
    if path.is_dir() {
        return Err(wrong(format!("{shown} is a folder\nhelp: give a file in it")));
    }
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        if resume {
            return Err(wrong(format!("{shown} is not a plain file: it cannot be resumed")));
        }
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .with_context(|| format!("could not write {shown}"))?;
        return Ok((Sink::Stream(Box::new(file), shown.to_string()), Kept::default()));
    }
    // A link keeps pointing at what it pointed at.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let exists = part.exists();
    if exists && !resume {
        return Err(wrong(format!(
            "{} has the finished points of an interrupted sweep\n\
             help: add --resume to go on from there, or delete it to start anew",
            part.display()
        )));
    }
    if resume && !exists && target.exists() {
        return Err(wrong(format!(
            "there is nothing to resume: {shown} is finished and {} does not exist\n\
             help: leave out --resume to write {shown} anew",
            part.display()
        )));
    }
    let context = || format!("could not write {}", part.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&part)
        .with_context(context)?;
    let mark = identity.mark();
    let kept = if exists {
        kept(&mut file, &mark, identity).with_context(context)?.map_err(|message| {
            wrong(format!(
                "{}: {message}\nhelp: repeat the call that was interrupted, with --resume; or delete the file to start anew",
                part.display()
            ))
        })?
    } else {
        Kept::default()
    };
    if kept.points == 0 {
        file.set_len(0).with_context(context)?;
        file.rewind().with_context(context)?;
        file.write_all(mark.as_bytes()).with_context(context)?;
    }
    let sink = Part { target, path: part.clone(), file, mark: mark.len() as u64 };
    Ok((Sink::Part(sink), kept))
}

/// Reads what an earlier run left, and cuts off what is torn: a point counts when all its rows are
/// there.
fn kept(
    file: &mut File,
    mark: &str,
    identity: &Identity<'_>,
) -> std::io::Result<Result<Kept, String>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // Torn in its first line: nothing was finished.
    if mark.as_bytes().starts_with(&bytes) {
        return Ok(Ok(Kept::default()));
    }
    let Some(body) = bytes.strip_prefix(mark.as_bytes()) else {
        let other = bytes.starts_with(b"stockout ");
        return Ok(Err(if other {
            "it is of another sweep: scenario, axes, seed, prices, format or version differ".into()
        } else {
            "it was not written by a sweep".into()
        }));
    };
    // A torn character at the end belongs to a torn line.
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default(),
    };
    let (mut points, mut rows, mut end) = (0, 0, 0);
    for (point, at) in rows::whole_lines(identity.form, text) {
        if point != points {
            return Ok(Err(format!("a row of design point {point} stands where {points} belongs")));
        }
        rows += 1;
        if identity.rows.get(points).is_some_and(|&all| usize::from(all) == rows) {
            (points, rows, end) = (points + 1, 0, at);
        }
    }
    let length = (mark.len() + end) as u64;
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))?;
    Ok(Ok(Kept { points, rows: rows::read(identity.form, &text[..end]) }))
}

impl Sink {
    /// Writes the rows of a point, with the header before the first one.
    pub fn write(&mut self, form: Form, point: usize, rows: &[Row]) -> Result<(), Failure> {
        let mut text = match (point, rows.first()) {
            (0, Some(row)) => rows::header(form, row),
            _ => String::new(),
        };
        text.push_str(&rows::lines(form, rows));
        match self {
            Self::Nowhere => Ok(()),
            Self::Stream(out, name) => {
                match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                    Ok(()) => Ok(()),
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
                    Err(error) => Err(anyhow::Error::new(error)
                        .context(format!("could not write to {name}"))
                        .into()),
                }
            }
            Self::Part(part) => part.file.write_all(text.as_bytes()).map_err(|error| {
                anyhow::Error::new(error)
                    .context(format!(
                        "could not write {} ({point} finished design points are kept there; \
                         when there is room again, repeat the call with --resume)",
                        part.path.display()
                    ))
                    .into()
            }),
        }
    }

    /// What to say when the sweep is interrupted after so many points.
    pub fn paused(&self, points: usize, count: usize) -> String {
        match self {
            Self::Part(part) => format!(
                "interrupted: {points} of {count} design points are finished and kept in {}\n\
                 to go on: {}",
                part.path.display(),
                this_call()
            ),
            Self::Stream(..) | Self::Nowhere => format!(
                "interrupted after {points} of {count} design points: \
                 with -o FILE an interrupted sweep can be resumed"
            ),
        }
    }

    /// All points are written: FILE.part becomes FILE.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Part(part) => Ok(part.finish()?),
            Self::Stream(..) | Self::Nowhere => Ok(()),
        }
    }
}

impl Part {
    fn finish(mut self) -> anyhow::Result<()> {
        let context = || format!("could not write {}", self.target.display());
        let folder = match self.target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        self.file.seek(SeekFrom::Start(self.mark)).with_context(context)?;
        let mut whole = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
        std::io::copy(&mut self.file, whole.as_file_mut()).with_context(context)?;
        whole.as_file().sync_all().with_context(context)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is private; keep the old file's mode, else what the part has.
            let mode = std::fs::metadata(&self.target)
                .or_else(|_| self.file.metadata())
                .map_or(0o644, |meta| meta.permissions().mode());
            whole
                .as_file()
                .set_permissions(std::fs::Permissions::from_mode(mode))
                .with_context(context)?;
        }
        whole.persist(&self.target).map_err(|error| error.error).with_context(context)?;
        std::fs::remove_file(&self.path)
            .with_context(|| format!("could not remove {}", self.path.display()))
    }
}

/// The call that is running, to be repeated with `--resume`.
fn this_call() -> String {
    let mut words: Vec<String> =
        std::env::args().map(|word| super::input::shell_word(&word)).collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".into());
    }
    words.join(" ")
}
