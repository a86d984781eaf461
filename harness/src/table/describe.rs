//! The text that explains the columns of tables to the reader of their files.

use super::column::TableSpec;
use crate::text::put;

/// Returns the text of a `README.md` on some tables.
pub fn columns(
    title: &str,
    summary: &str,
    tables: impl IntoIterator<Item = &'static TableSpec>,
) -> String {
    let mut text = format!("# {title}\n\n{summary}\n");
    for table in tables {
        put(
            &mut text,
            format_args!("\n## {}.csv\n\n{}\n\n", table.name, table.about),
        );
        text.push_str("| column | unit | meaning |\n| --- | --- | --- |\n");
        for c in table.columns {
            let about = c.about.replace('|', "\\|");
            put(
                &mut text,
                format_args!("| {} | {} | {about} |\n", c.name, c.unit),
            );
        }
    }
    text
}
