//! What a schema change is: its kind, and the objects that it names.
//!
//! No grammar of the whole language is attempted: a tokenizer that reads text exactly as the server's does
//! (comments, quotes, character sets), and a classifier that follows each statement as far as its objects are named.
//! Whatever it does not know is [`Kind::Unknown`], shown and decided upon by policy; no text is an error, for rows
//! are decoded by what the table maps say and never depend on this.
//!
//! The tables that a view's or a routine's body reads are not looked for: only what the statement itself changes,
//! and tables that it names as parents or patterns.

mod account;
mod alter;
mod classify;
mod create;
mod cursor;
mod kind;
mod lexer;
mod object;
mod other;
mod reading;
mod recovery;

pub use classify::{Definer, Statement, classify};
pub use kind::Kind;
pub use lexer::{Lexer, Token, TokenKind};
pub use object::{Class, Object, Role};
pub use reading::Reading;
pub use recovery::{Text, is_completion_of};
