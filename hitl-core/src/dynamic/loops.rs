//! Finds schemas that describe one value without end.

use super::schema::{Id, Schema};

/// The longest chain of schemas that describe one value: references, alternatives and conditions,
/// each inside the one before.
const MAX_CHAIN: usize = 64;

#[derive(Clone, Copy)]
enum Mark {
    Unseen,
    /// It is above the present one.
    Open,
    /// The length of the longest chain from it.
    Done(usize),
}

impl Schema {
    /// Finds schemas that refer to themselves for the same value, which would never end, and chains
    /// that are too long.
    pub(super) fn check_loops(&self) -> Result<(), String> {
        let mut marks = vec![Mark::Unseen; self.nodes.len()];
        for id in 0..self.nodes.len() {
            self.measure(id, &mut marks)?;
        }
        Ok(())
    }

    fn measure(&self, first: Id, marks: &mut [Mark]) -> Result<(), String> {
        let mut open = vec![first];
        while let Some(id) = open.last().copied() {
            match marks[id] {
                Mark::Done(_) => {
                    open.pop();
                }
                Mark::Unseen => {
                    marks[id] = Mark::Open;
                    for next in self.nodes[id].same_value() {
                        match marks[next] {
                            Mark::Unseen => open.push(next),
                            Mark::Open => {
                                return Err("the schema refers to itself without end".to_owned());
                            }
                            Mark::Done(_) => {}
                        }
                    }
                }
                Mark::Open => {
                    open.pop();
                    let below = self.nodes[id].same_value().map(|next| match marks[next] {
                        Mark::Done(length) => length,
                        Mark::Unseen | Mark::Open => 0,
                    });
                    let length = below.max().unwrap_or(0) + 1;
                    if length > MAX_CHAIN {
                        return Err(format!(
                            "more than {MAX_CHAIN} schemas, each inside the one before, describe one value"
                        ));
                    }
                    marks[id] = Mark::Done(length);
                }
            }
        }
        Ok(())
    }
}
