//! MariaDB at both ends, and at one of them: what arrives is what was there, and what cannot is refused by name.

mod across;
mod two_way;
mod values;
mod xa;
