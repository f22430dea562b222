//! The kinds of statements that change something other than rows.

/// An enum whose values have names, for configuration and wire.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type { $($(#[$variant_doc])* $variant,)* }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use named;

named! {
    /// What a statement is.
    Kind {
        CreateTable = "create-table",
        CreateTableLike = "create-table-like",
        /// With the rows of a query, which follow in the same transaction.
        CreateTableSelect = "create-table-select",
        CreateTemporaryTable = "create-temporary-table",
        AlterTable = "alter-table",
        ExchangePartition = "exchange-partition",
        /// IMPORT TABLESPACE, DISCARD TABLESPACE: rows come from a file, or go with it.
        ImportTablespace = "import-tablespace",
        /// IMPORT TABLE FROM: whole tables come from files.
        ImportTable = "import-table",
        DropTable = "drop-table",
        DropTemporaryTable = "drop-temporary-table",
        RenameTable = "rename-table",
        TruncateTable = "truncate-table",
        CreateIndex = "create-index",
        DropIndex = "drop-index",
        CreateView = "create-view",
        AlterView = "alter-view",
        DropView = "drop-view",
        CreateDatabase = "create-database",
        AlterDatabase = "alter-database",
        DropDatabase = "drop-database",
        CreateRoutine = "create-routine",
        AlterRoutine = "alter-routine",
        DropRoutine = "drop-routine",
        CreateLoadableFunction = "create-loadable-function",
        CreateLibrary = "create-library",
        AlterLibrary = "alter-library",
        DropLibrary = "drop-library",
        CreateTrigger = "create-trigger",
        DropTrigger = "drop-trigger",
        CreateEvent = "create-event",
        AlterEvent = "alter-event",
        DropEvent = "drop-event",
        /// CREATE, ALTER, DROP, RENAME USER and ROLE, SET PASSWORD, SET DEFAULT ROLE.
        Account = "account",
        /// GRANT and REVOKE.
        Grant = "grant",
        Tablespace = "tablespace",
        LogfileGroup = "logfile-group",
        Server = "server",
        SpatialReferenceSystem = "spatial-reference-system",
        ResourceGroup = "resource-group",
        Sequence = "sequence",
        AnalyzeTable = "analyze-table",
        OptimizeTable = "optimize-table",
        RepairTable = "repair-table",
        Flush = "flush",
        /// INSTALL and UNINSTALL, of plugins and components.
        Plugin = "plugin",
        /// ALTER INSTANCE.
        Instance = "instance",
        /// None of these.
        Unknown = "unknown",
    }
}

impl Kind {
    /// Whether it may hold a password, or what stands for one.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Account | Self::Grant | Self::Server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(Kind::from_name("create"), None);
    }
}
