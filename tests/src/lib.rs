pub mod bench;
pub mod oracle;
