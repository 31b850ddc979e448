//! A request as a person sees it: one view, and a renderer for each kind of surface.
//!
//! | file | contents |
//! |---|---|
//! | `view` | the input of a surface: [`ReviewCard`] and its parts |
//! | `build` | from a request to the view: pure |
//! | `arguments` | the arguments as labelled lines: pure |
//! | `alike` | texts in them that can be mistaken for something else: pure |
//! | `budget` | the size limits of surfaces, and the note on what was left out |
//! | `masks` | what is masked in them, in words: pure |
//! | `named` | the things that they point at, read or not: pure |
//! | `preview` | what the call would do, as its tool says: pure |
//! | `stated` | why the model says that it calls: pure |
//! | `text` | the view as lines of text, for a terminal or a log |
//! | `html`, `markdown`, `chat` | the view where text can be markup: everything is escaped |

mod alike;
mod arguments;
mod budget;
mod build;
mod chat;
mod html;
mod markdown;
mod masks;
mod named;
mod preview;
mod stated;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub(super) use arguments::in_a_sentence;
pub(super) use named::fits;
pub use text::TextStyle;
pub use view::{
    Action, DetailLevel, Line, Origin, ReviewCard, Score, Section, SectionName, Title, Truncation,
};
