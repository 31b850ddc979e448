//! Server-Sent Events, read line by line. Pure.

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// The position in the stream after it.
    pub(crate) id: Option<String>,
    /// Its kind.
    pub(crate) kind: String,
    /// Its data.
    pub(crate) data: String,
}

/// Joins lines to events.
#[derive(Debug, Default)]
pub(crate) struct Lines(Event);

impl Lines {
    /// Takes a line, with or without its line break; returns the event that it completes.
    pub(crate) fn take(&mut self, line: &str) -> Option<Event> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            let event = std::mem::take(&mut self.0);
            return (event != Event::default()).then_some(event);
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.0.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.0.kind),
            "data" if self.0.data.is_empty() => value.clone_into(&mut self.0.data),
            "data" => {
                self.0.data.push('\n');
                self.0.data.push_str(value);
            }
            // Comments, which only keep the connection alive, and fields that are not needed here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_events() {
        let text = ": here\n\nretry: 1000\nid: 7-1\nevent: call\ndata: {\r\ndata:}\r\n\r\nevent: gap\ndata: {}\n\nevent: cut off";
        let mut lines = Lines::default();
        let events: Vec<Event> = text.lines().filter_map(|line| lines.take(line)).collect();
        let event = |id: Option<&str>, kind: &str, data: &str| Event {
            id: id.map(str::to_owned),
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        assert_eq!(events, [event(Some("7-1"), "call", "{\n}"), event(None, "gap", "{}")]);
    }
}
