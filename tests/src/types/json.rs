//! JSON: each type of scalar, SQL's own among them, alone and within documents of both of the server's binary sizes.

use super::{Kind, Type};

/// What a document's text tells: read back from it, each is the same.
const PLAIN: [&str; 62] = [
    "'null'",
    "'true'",
    "'false'",
    "'0'",
    "'1'",
    "'-1'",
    "'127'",
    "'128'",
    "'-128'",
    "'32767'",
    "'32768'",
    "'-32768'",
    "'-32769'",
    "'65535'",
    "'65536'",
    "'2147483647'",
    "'2147483648'",
    "'-2147483648'",
    "'-2147483649'",
    "'4294967295'",
    "'4294967296'",
    "'9223372036854775807'",
    "'9223372036854775808'",
    "'-9223372036854775808'",
    "'18446744073709551615'",
    "'18446744073709551616'",
    "'0.0'",
    "'-0.0'",
    "'1.0'",
    "'1.5'",
    "'-2.25'",
    "'0.1'",
    "'1e10'",
    "'1e15'",
    "'1e16'",
    "'1e17'",
    "'1e-15'",
    "'1e-7'",
    "'1e300'",
    "'5e-324'",
    "'1.7976931348623157e308'",
    "'0.30000000000000004'",
    "'2070175004671058.25'",
    "'\"\"'",
    "'\"a\"'",
    "'\"ä€😀\"'",
    r#"'"\\"q\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0001 \\u001f \\u0000"'"#,
    r#"'"it''s"'"#,
    "'[]'",
    "'{}'",
    "'[[]]'",
    "'[{}]'",
    r#"'{"": ""}'"#,
    r#"'{"a": 1, "a": 2}'"#,
    r#"'{"bb": 1, "a": 2, "ccc": 3, "B": 4}'"#,
    r#"'[1, "1", 1.0, true, null, [1], {"1": 1}]'"#,
    r#"'{"a": {"b": {"c": [1, {"d": null}]}}}'"#,
    r#"'{"ä": "ö", "😀": 1}'"#,
    r#"'{"a b": 1, "a.b": 2, "a\\"b": 3, "$": 4, "0": 5}'"#,
    "'[-32768, 32767, 65536, -2147483648, 4294967296]'",
    "CONCAT('\"', REPEAT('x', 200), '\"')",
    "CONCAT('\"', REPEAT('y', 70000), '\"')",
];

/// SQL expressions of scalars that JSON's text does not tell.
const SCALARS: [&str; 38] = [
    "CAST(0 AS UNSIGNED)",
    "CAST(5 AS UNSIGNED)",
    "CAST(65535 AS UNSIGNED)",
    "CAST(65536 AS UNSIGNED)",
    "CAST(4294967295 AS UNSIGNED)",
    "CAST(4294967296 AS UNSIGNED)",
    "CAST(9223372036854775807 AS UNSIGNED)",
    "CAST(9223372036854775808 AS UNSIGNED)",
    "CAST(1.50 AS DECIMAL(3,2))",
    "CAST(1.50 AS DECIMAL(30,2))",
    "CAST(-0.01 AS DECIMAL(5,2))",
    "CAST(0 AS DECIMAL(1,0))",
    "CAST(1 AS DECIMAL(65,0))",
    "CAST('99999999999999999999999999999999999.999999999999999999999999999999' AS DECIMAL(65,30))",
    "CAST('2024-02-29' AS DATE)",
    "CAST('0001-01-01' AS DATE)",
    "CAST('9999-12-31' AS DATE)",
    "CAST('2024-02-29 01:02:03' AS DATETIME)",
    "CAST('2024-02-29 01:02:03.000001' AS DATETIME(6))",
    "CAST('9999-12-31 23:59:59.999999' AS DATETIME(6))",
    "CAST('01:02:03' AS TIME)",
    "CAST('-838:59:59' AS TIME)",
    "CAST('838:59:59' AS TIME)",
    "CAST('-00:00:00.000001' AS TIME(6))",
    "TIMESTAMP('2024-02-29', '12:00:00')",
    "FROM_UNIXTIME(1.5)",
    "x'00ff27'",
    "x''",
    "CAST('a' AS BINARY(3))",
    "b'101'",
    "CAST(2024 AS YEAR)",
    "1e0",
    "-0e0",
    "0.1e0",
    "TRUE",
    "REPEAT(x'00ff', 100)",
    "ST_GeomFromText('POINT(1 2)')",
    "NULL",
];

pub(super) fn types() -> Vec<Type> {
    let mut values: Vec<String> = PLAIN.map(str::to_owned).to_vec();
    values.extend(
        SCALARS.iter().filter(|scalar| **scalar != "NULL").map(|scalar| format!("CAST({scalar} AS JSON)")),
    );
    // Within an array and an object, beside ordinary ones.
    values.extend(SCALARS.map(|scalar| format!("JSON_ARRAY(1, {scalar}, 'x')")));
    values.extend(SCALARS.map(|scalar| {
        format!("JSON_OBJECT('k', JSON_ARRAY(JSON_OBJECT('it''s \"k\"', {scalar})), 'z', -1)")
    }));
    values.push(format!("JSON_ARRAY({})", SCALARS.join(", ")));
    // The server's large form.
    values.push(format!("JSON_ARRAY(REPEAT('l', 70000), {})", SCALARS.join(", ")));
    values.push(
        "JSON_OBJECT('l', REPEAT('l', 70000), 'd', CAST(1.5 AS DECIMAL(3,1)), 's', 7, 'i', 100000)"
            .to_owned(),
    );
    values.push(format!("'{}1{}'", "[".repeat(99), "]".repeat(99)));
    values.push(format!("'[{}]'", (0..3000).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")));
    let new = |definition| Type::new("JSON", definition, Kind::Json);
    vec![
        new("JSON").with(values),
        new("JSON NOT NULL").with(["'{}'", "CAST(CAST(1.5 AS DECIMAL(2,1)) AS JSON)"]),
    ]
}
