//! A merchant's statement for people and for spreadsheets.
//!
//! | where | what |
//! |---|---|
//! | `csv` | a row a line |
//! | `html` | a page to print, which stands by itself |
//! | `words` | what kinds of lines are called, and amounts of money |

mod csv;
mod html;
mod words;

pub use csv::statement_csv;
pub use html::statement_html;

#[cfg(test)]
pub(crate) mod tests;
