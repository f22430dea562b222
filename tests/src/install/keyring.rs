//! A keyring for one MySQL server, a file: what encryption needs.
//!
//! mysqld reads which component it shall load from a file beside its program, and the component its settings from one beside
//! itself. So that other servers have none of it, this one gets a folder of its own with links to both.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::MySqlFiles;

const COMPONENT: &str = "component_keyring_file";

impl MySqlFiles {
    /// The same server with a keyring in this folder, which does not exist yet.
    pub fn with_keyring(mut self, dir: &Path) -> Result<Self> {
        let base = self.mysqld.parent().and_then(Path::parent).context("mysqld lies in a folder")?;
        // As Debian has it, and as MySQL's own archives do.
        let mut libraries = ["lib/mysql/plugin", "lib/plugin"]
            .map(|plugins| base.join(plugins).join(COMPONENT).with_extension("so"))
            .into_iter();
        let library = libraries.find(|library| library.exists()).with_context(|| {
            format!(
                "{} has no {COMPONENT}: unset STRAIT_LAB_MYSQL to let the lab use its own",
                base.display()
            )
        })?;
        let (program, at) = (dir.join("mysqld"), |name: &str| dir.join(name).display().to_string());
        fs::create_dir(dir)?;
        symlink(&self.mysqld, &program)?;
        symlink(library, at(&format!("{COMPONENT}.so")))?;
        fs::write(at("mysqld.my"), format!(r#"{{"components": "file://{COMPONENT}"}}"#))?;
        let settings = serde_json::json!({ "path": at("keys"), "read_only": false });
        fs::write(at(&format!("{COMPONENT}.cnf")), settings.to_string())?;
        self.places =
            vec![format!("--basedir={}", base.display()), format!("--plugin-dir={}", dir.display())];
        self.mysqld = program;
        Ok(self)
    }
}
