//! What plugins said lately, for who operates them. In memory only: the node's own log has the lines of channels too.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tillmesh_core::id::Name;
use tillmesh_core::time::Timestamp;

use super::now;
use crate::plugin::{LogLevel, Report};

/// How many lines are kept, of all plugins together. A call leaves 8 KB of them at most.
const MAX_LINES: usize = 1_000;
/// The longest line that is kept, in bytes.
const MAX_LINE: usize = 1_024;

/// What plugins said lately.
#[derive(Debug, Default)]
pub struct PluginLog(Mutex<VecDeque<Said>>);

/// A line of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When its call ended.
    pub at: Timestamp,
    /// The plugin.
    pub plugin: Name,
    /// What it was called for, such as `translate`.
    pub hook: &'static str,
    /// The channel; none: a cart was priced.
    pub channel: Option<Name>,
    /// How urgent.
    pub level: LogLevel,
    /// The words.
    pub message: String,
}

impl PluginLog {
    /// Takes the lines of a call.
    pub(super) fn note(&self, plugin: &Name, channel: Option<&Name>, hook: &'static str, report: &Report) {
        if report.log.is_empty() {
            return;
        }
        let at = now();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in &report.log {
            if lines.len() == MAX_LINES {
                lines.pop_front();
            }
            let end = line.message.floor_char_boundary(MAX_LINE);
            let (plugin, channel, message) = (plugin.clone(), channel.cloned(), line.message[..end].to_owned());
            lines.push_back(Said { at, plugin, hook, channel, level: line.level, message });
        }
    }

    /// The last lines of a plugin, the oldest first.
    pub fn of(&self, plugin: &Name, limit: usize) -> Vec<Said> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = lines.iter().rev().filter(|said| said.plugin == *plugin).take(limit).cloned().collect();
        found.reverse();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::LogLine;

    #[test]
    fn the_last_lines_are_kept_by_plugin() {
        let (log, own, other) = (PluginLog::default(), Name::new("own").unwrap(), Name::new("other").unwrap());
        let report =
            |text: String| Report { log: vec![LogLine { level: LogLevel::Warn, message: text }], ..Report::default() };
        log.note(&own, None, "price", &report("first".to_owned()));
        log.note(&own, Some(&other), "translate", &report("\u{e4}".repeat(MAX_LINE)));
        let said = log.of(&own, 10);
        assert_eq!(said.iter().map(|said| said.hook).collect::<Vec<_>>(), ["price", "translate"]);
        assert_eq!(said[1].message.len(), MAX_LINE);
        for number in 0..MAX_LINES {
            log.note(&other, None, "price", &report(number.to_string()));
        }
        assert_eq!(log.of(&own, 10), []);
        assert_eq!(log.of(&other, 2).iter().map(|said| said.message.as_str()).collect::<Vec<_>>(), ["998", "999"]);
    }
}
