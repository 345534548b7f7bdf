//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ResultsError;

/// Writes a file under a temporary name beside it, flushes it to the disk, and renames it. After a
/// crash the file is the old one or the new one, never half of one. Missing folders are made.
///
/// # Errors
/// The path and the remedy when the disk is full, the folder read-only, or a file in the way.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ResultsError> {
    let fail = |source| ResultsError::write(path, source);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(fail)?;
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(".").suffix(".tmp");
    let mut file = with_usual_permissions(builder).tempfile_in(folder).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// Temporary files are private by default; results are to be read by others as usual.
fn with_usual_permissions<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
) -> &'c mut tempfile::Builder<'a, 'b> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666))
    }
    #[cfg(not(unix))]
    builder
}

/// A rename is durable once its folder is on the disk. Some file systems cannot do that: then the
/// rename is still atomic, just not yet durable, which is no reason to fail a run.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|f| f.sync_all());
}

/// Makes the folder of pictures, without those that an earlier report left: what is not drawn again
/// would look like a part of this one.
pub(crate) fn empty_pictures(folder: &Path) -> Result<(), ResultsError> {
    fs::create_dir_all(folder).map_err(|source| ResultsError::write(folder, source))?;
    let entries = fs::read_dir(folder).map_err(|source| ResultsError::read(folder, source))?;
    for entry in entries {
        let path = entry.map_err(|source| ResultsError::read(folder, source))?.path();
        let is_picture = path.extension().is_some_and(|kind| kind == "svg" || kind == "png");
        if is_picture && path.is_file() {
            fs::remove_file(&path).map_err(|source| ResultsError::write(&path, source))?;
        }
    }
    Ok(())
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, ResultsError> {
    fs::read_to_string(path).map_err(|source| ResultsError::read(path, source))
}

/// Reads a JSON file; errors name line and column.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ResultsError> {
    serde_json::from_str(&read_text(path)?).map_err(|e| ResultsError::malformed(path, e))
}

/// The bytes up to the last newline: what follows was torn by a crash.
pub(crate) fn whole_lines(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)]
}

/// A value as indented JSON with a closing newline.
pub(crate) fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, ResultsError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| ResultsError::malformed(path, e))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn pictures_of_an_earlier_report_go_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let plots = folder.path().join("plots");
        empty_pictures(&plots).unwrap();
        for name in ["old.svg", "old.png", "note.txt"] {
            fs::write(plots.join(name), "").unwrap();
        }
        empty_pictures(&plots).unwrap();
        let left: Vec<_> = fs::read_dir(&plots).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["note.txt"]);
    }

    #[test]
    fn a_file_in_the_way_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write_atomically(&file.join("a.txt"), b"").unwrap_err().to_string();
        assert!(error.contains("a.txt") && error.contains("in the way"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_named_with_a_remedy() {
        // Writing to /dev/full always fails with "no space left"; the remedy follows the kind.
        let source = File::options().write(true).open("/dev/full").unwrap().write_all(b"x");
        let error = ResultsError::write(Path::new("a.txt"), source.unwrap_err()).to_string();
        assert!(error.contains("a.txt") && error.contains("free some space"), "{error}");
    }
}
