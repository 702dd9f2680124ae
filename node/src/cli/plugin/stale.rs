//! Whether a component is older than what it is built of: then it is not what its author looks at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the names of source files end, in the languages that plugins are written in.
const SOURCES: [&str; 8] = ["c", "go", "h", "js", "py", "rs", "ts", "wit"];

/// Folders of what is fetched, built or for tests alone.
const BESIDE: [&str; 9] = ["build", "dist", "env", "fixtures", "node_modules", "target", "tests", "vendor", "venv"];

/// How deep source files are looked for.
const DEPTH: usize = 4;

/// A source file in a plugin's folder that was changed after the component was built. What cannot be read is none.
pub(super) fn newer_source(folder: &Path, component: &Path) -> Option<PathBuf> {
    newer_than(modified(component)?, folder, DEPTH)
}

fn newer_than(built: SystemTime, folder: &Path, depth: usize) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| !is_hidden(path)).find_map(|path| {
        if path.is_dir() {
            let looks = depth > 0 && !BESIDE.iter().any(|beside| path.ends_with(beside));
            return if looks { newer_than(built, &path, depth - 1) } else { None };
        }
        let is_source = path.extension().is_some_and(|ending| SOURCES.iter().any(|source| ending == *source));
        (is_source && modified(&path).is_some_and(|changed| changed > built)).then_some(path)
    })
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_source_that_was_changed_after_the_component_was_built_is_named_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let write = |name: &str, seconds: u64| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            file.set_modified(now + Duration::from_secs(seconds)).unwrap();
            path
        };
        let component = write("mine.wasm", 100);
        for other in ["src/lib.rs", "plugin.js"] {
            write(other, 99);
        }
        for other in
            ["README.md", "fixtures/a.txt", "target/out.rs", "node_modules/it/it.js", "tests/it.py", ".venv/it.py"]
        {
            write(other, 101);
        }
        assert_eq!(newer_source(folder.path(), &component), None);
        let changed = write("src/deep/er.rs", 101);
        assert_eq!(newer_source(folder.path(), &component), Some(changed));
        assert_eq!(newer_source(folder.path(), &folder.path().join("none.wasm")), None);
    }
}
