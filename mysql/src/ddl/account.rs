//! Accounts: who is named DEFINER, and the forms of SET that change an account.

use super::{
    Kind,
    classify::{Definer, Statement},
    cursor::Cursor,
};

/// What follows DEFINER: `= account`.
pub fn definer(cursor: &mut Cursor<'_>) -> Option<Definer> {
    cursor.mark(b'=');
    let user = cursor.name_or_text()?;
    if cursor.mark(b'@') {
        let host = cursor.name_or_text().map(|host| host.text);
        return Some(Definer { user: user.text, host });
    }
    cursor.parentheses();
    Some(Definer { user: user.text, host: None })
}

pub fn set(cursor: &mut Cursor<'_>) -> Statement {
    let accounts = cursor.word("PASSWORD") || cursor.words(&["DEFAULT", "ROLE"]);
    Statement::of(if accounts { Kind::Account } else { Kind::Unknown })
}
