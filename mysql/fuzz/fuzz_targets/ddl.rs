//! Statements: any bytes give tokens in order, and a kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strait_mysql::{
    charset,
    ddl::{Lexer, Reading, classify},
    server::Flavor,
};

fuzz_target!(|data: (u8, u16, u32, &[u8])| {
    let (switches, collation, version, bytes) = data;
    let reading = Reading {
        ansi_quotes: switches & 1 != 0,
        no_backslash_escapes: switches & 2 != 0,
        charset: charset::of_collation(collation % 324),
        flavor: if switches & 4 != 0 { Flavor::MariaDb } else { Flavor::Mysql },
        version: if switches & 8 != 0 { version % 200_000 } else { u32::MAX },
    };
    let mut end = 0;
    for token in Lexer::new(bytes, reading) {
        assert!(end <= token.start && token.start < token.end && token.end <= bytes.len());
        end = token.end;
    }
    for object in classify(bytes, reading).objects {
        assert!(object.span.start <= object.span.end && object.span.end <= bytes.len());
    }
});
