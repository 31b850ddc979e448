//! Verification: every line follows from the one before, and the chains end where they were last
//! seen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::chain::{Link, hash};
use super::erasures::Erasures;
use super::logged_calls::LoggedCalls;
use super::placeholder::Placeholder;
use super::{ChainHead, Checkpoint, Finding, FindingKind, Report};

/// The most findings that are listed one by one.
const LISTED: usize = 1_000;

/// A verifier that checks chains, against one another and against checkpoints that were kept
/// elsewhere.
///
/// ```
/// use hitl::audit::Verifier;
///
/// let report = Verifier::new().chain("audit.jsonl", &b""[..])?.finish();
/// assert!(report.is_sound());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Verifier {
    checkpoints: Vec<Checkpoint>,
    #[cfg(feature = "checkpoints")]
    keys: Vec<super::PublicKey>,
    streams: BTreeMap<String, Stream>,
    records: u64,
    findings: Vec<Finding>,
    unlisted: u64,
    /// The hashes that the checkpoints name, by chain and number.
    named: Option<HashMap<String, BTreeMap<u64, Vec<String>>>>,
    /// The erased lines, and the records that list them.
    pub(super) erasures: Erasures,
    /// The calls in the log, for the comparison with a store.
    pub(super) calls: Option<LoggedCalls>,
}

/// The knowledge about one chain.
#[derive(Debug)]
struct Stream {
    head: ChainHead,
    /// The numbers of the checkpoints about it that were reached.
    met: HashSet<u64>,
    /// The first record that was seen.
    first: First,
}

/// The first record of a chain that was added.
#[derive(Clone, Debug)]
struct First {
    seq: u64,
    prev: String,
    file: String,
    line: u64,
}

/// The place of a line.
struct Place<'p> {
    file: &'p str,
    line: u64,
}

impl Verifier {
    /// Creates a verifier without chains or checkpoints.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a checkpoint that was kept elsewhere. Add checkpoints before the chains.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoints.push(checkpoint);
        self
    }

    /// Trusts checkpoints signed by this key. If a key is set, every checkpoint must be signed by
    /// one of the keys; without any, checkpoints are accepted as they are.
    #[cfg(feature = "checkpoints")]
    #[must_use]
    pub fn trust(mut self, key: super::PublicKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Checks the segments that a file was rotated from, and then the file.
    pub fn file(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        for segment in super::segments::of(path)? {
            self =
                self.chain(&segment.display().to_string(), BufReader::new(File::open(&segment)?))?;
        }
        match File::open(path) {
            Ok(file) => self.chain(&path.display().to_string(), BufReader::new(file)),
            Err(error) => Err(error),
        }
    }

    /// Checks every chain in this folder: `audit.jsonl`, and what
    /// [`JsonlAudit::in_folder`](super::JsonlAudit::in_folder) has written there. Fails if there is
    /// none.
    pub fn folder(self, folder: impl AsRef<Path>) -> io::Result<Self> {
        let folder = folder.as_ref();
        let mut files = super::segments::in_folder(folder)?;
        files.extend(Some(folder.join("audit.jsonl")).filter(|file| file.is_file()));
        if files.is_empty() {
            let why = "the folder has no audit log: no audit.jsonl, no audit-1.jsonl";
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        files.into_iter().try_fold(self, Self::file)
    }

    /// Checks the lines of one chain, or of its next segment. `name` identifies it in findings.
    pub fn chain(mut self, name: &str, mut lines: impl BufRead) -> io::Result<Self> {
        self.prepare();
        let mut bytes = Vec::with_capacity(4096);
        let mut number = 0;
        let mut stream: Option<String> = None;
        // After an unreadable line, the next line's reference cannot be checked.
        let mut lost = false;
        while lines.read_until(b'\n', &mut bytes)? > 0 {
            number += 1;
            let place = Place { file: name, line: number };
            if bytes.pop() != Some(b'\n') {
                self.found(
                    FindingKind::Torn,
                    &place,
                    stream.as_deref(),
                    "the last line is torn: its writer was interrupted, or it was cut",
                );
                break;
            }
            let Ok(link) = serde_json::from_slice::<Link<'_>>(&bytes) else {
                self.found(
                    FindingKind::NotARecord,
                    &place,
                    stream.as_deref(),
                    "this line is no audit record",
                );
                lost = true;
                bytes.clear();
                continue;
            };
            let placeholder = link.erased.is_some().then(|| Placeholder::read(&bytes));
            if matches!(placeholder, Some(None)) {
                let why = "this line is no audit record: it pretends to be one that was erased";
                self.found(FindingKind::NotARecord, &place, stream.as_deref(), why);
                lost = true;
                bytes.clear();
                continue;
            }
            let expected = stream.get_or_insert_with(|| link.stream.to_owned());
            if link.stream == *expected {
                self.follow(&place, &link, (&bytes, placeholder.flatten()), lost);
                lost = false;
            } else {
                let why = "this record is of another chain";
                let expected = expected.clone();
                self.found(FindingKind::Stranger, &place, Some(&expected), why);
            }
            bytes.clear();
        }
        Ok(self)
    }

    /// Checks one record against the one before it.
    fn follow(
        &mut self,
        place: &Place<'_>,
        link: &Link<'_>,
        (bytes, placeholder): (&[u8], Option<Placeholder>),
        lost: bool,
    ) {
        self.records += 1;
        let hash_of = match &placeholder {
            Some(placeholder) => placeholder.hash().to_owned(),
            None => hash(bytes),
        };
        let head = ChainHead { stream: link.stream.to_owned(), seq: link.seq, hash: hash_of };
        if let Some(stream) = self.streams.get(link.stream) {
            let before = &stream.head;
            let (seq, same) = (before.seq, link.prev == before.hash);
            if link.seq == seq + 1 + u64::from(lost) && lost {
                // The line before is unreadable, and was already reported.
            } else if link.seq > seq + 1 {
                let why =
                    format!("records {} to {} are missing before this one", seq + 1, link.seq - 1);
                self.found(FindingKind::Missing, place, Some(link.stream), why);
            } else if link.seq <= seq {
                let why = format!(
                    "record {} stands after record {seq}: repeated, moved or put in",
                    link.seq
                );
                self.found(FindingKind::OutOfPlace, place, Some(link.stream), why);
            } else if !same {
                let why = format!(
                    "record {seq} is not the one that record {} was written after: either was changed",
                    link.seq
                );
                self.found(FindingKind::Altered, place, Some(link.stream), why);
            }
        } else if link.seq == 1 && link.prev != hash(link.stream.as_bytes()) {
            self.found(
                FindingKind::Altered,
                place,
                Some(link.stream),
                "the first record does not begin its chain: it was changed",
            );
        }
        let named = self.compare(place, &head);
        if let Some(placeholder) = placeholder {
            self.erasures.stand_in(&placeholder, (place.file.to_owned(), place.line));
        } else {
            self.erasures.add(bytes, &head);
            if let Some(calls) = &mut self.calls {
                calls.add(bytes, &head);
            }
        }
        let seq = head.seq;
        let stream = self.streams.entry(link.stream.to_owned()).or_insert_with(|| Stream {
            head: head.clone(),
            met: HashSet::new(),
            first: First {
                seq: link.seq,
                prev: link.prev.to_owned(),
                file: place.file.to_owned(),
                line: place.line,
            },
        });
        stream.head = head;
        if named {
            stream.met.insert(seq);
        }
    }

    /// Compares a record with the checkpoints. Returns whether one names it.
    fn compare(&mut self, place: &Place<'_>, head: &ChainHead) -> bool {
        let named = self.named.as_ref().and_then(|named| named.get(&head.stream)?.get(&head.seq));
        let Some(hashes) = named else { return false };
        if hashes.iter().any(|hash| *hash != head.hash) {
            let why = format!(
                "a checkpoint names another record {}: this or an earlier one was changed or written anew",
                head.seq
            );
            self.found(FindingKind::Forked, place, Some(&head.stream), why);
        }
        true
    }

    /// Runs before the first chain: determines which checkpoints are trusted, and what they name.
    fn prepare(&mut self) {
        if self.named.is_some() {
            return;
        }
        self.check_signatures();
        let mut named: HashMap<String, BTreeMap<u64, Vec<String>>> = HashMap::new();
        for head in self.checkpoints.iter().flat_map(|checkpoint| &checkpoint.heads) {
            let hashes = named.entry(head.stream.clone()).or_default();
            hashes.entry(head.seq).or_default().push(head.hash.clone());
        }
        self.named = Some(named);
    }

    /// Finishes: compares the ends of the chains with the ends that were seen before.
    pub fn finish(mut self) -> Report {
        self.prepare();
        let checkpoints = std::mem::take(&mut self.checkpoints);
        for checkpoint in &checkpoints {
            for named in &checkpoint.heads {
                self.check_end(checkpoint, named);
            }
        }
        let vouched = |stream: &Stream| {
            let named = checkpoints.iter().flat_map(|checkpoint| &checkpoint.heads);
            named.into_iter().any(|head| {
                head.stream == stream.head.stream
                    && head.seq + 1 == stream.first.seq
                    && head.hash == stream.first.prev
            })
        };
        let begun_late = self.streams.iter().filter(|(_, s)| s.first.seq != 1 && !vouched(s));
        let begun_late: Vec<_> = begun_late.map(|(n, s)| (n.clone(), s.first.clone())).collect();
        for (stream, first) in begun_late {
            let why = format!(
                "the chain begins with record {}, and no checkpoint names the one before: give its earlier segments too",
                first.seq
            );
            let place = Place { file: &first.file, line: first.line };
            self.found(FindingKind::Missing, &place, Some(&stream), why);
        }
        let covered = |head: &ChainHead| {
            let named = checkpoints.iter().flat_map(|checkpoint| &checkpoint.heads);
            named.into_iter().any(|named| named.stream == head.stream && named.seq >= head.seq)
        };
        let vouched = |head: &ChainHead| checkpoints.is_empty() || covered(head);
        let erasures = std::mem::take(&mut self.erasures);
        for (kind, file, line, stream, why) in erasures.findings(vouched) {
            self.found(kind, &Place { file: &file, line }, Some(&stream), why);
        }
        if self.unlisted > 0 {
            let why = format!("and {} more findings that are not listed", self.unlisted);
            let finding = Finding {
                kind: FindingKind::Altered,
                file: None,
                line: None,
                stream: None,
                message: why,
            };
            self.findings.push(finding);
        }
        Report {
            records: self.records,
            heads: self.streams.into_values().map(|stream| stream.head).collect(),
            erased: erasures.lines(),
            erased_calls: erasures.calls(LISTED),
            findings: self.findings,
        }
    }

    fn check_end(&mut self, checkpoint: &Checkpoint, named: &ChainHead) {
        if named.seq == 0 {
            return;
        }
        let at = checkpoint.at;
        match self.streams.get(&named.stream) {
            None => {
                let why = format!(
                    "a checkpoint of {at} names record {} of a chain that was not given",
                    named.seq
                );
                self.note(FindingKind::MissingWriter, Some(&named.stream), why);
            }
            Some(stream) if stream.head.seq < named.seq => {
                let why = format!(
                    "the log ends with record {}, and a checkpoint of {at} names record {}: it was cut off, or an older copy was put back",
                    stream.head.seq, named.seq
                );
                self.note(FindingKind::Truncated, Some(&named.stream), why);
            }
            Some(stream) if !stream.met.contains(&named.seq) && stream.first.seq <= named.seq => {
                let why = format!(
                    "record {}, which a checkpoint of {at} names, is not in the log",
                    named.seq
                );
                self.note(FindingKind::Missing, Some(&named.stream), why);
            }
            Some(_) => {}
        }
    }

    #[cfg(feature = "checkpoints")]
    fn check_signatures(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let keys = std::mem::take(&mut self.keys);
        let (good, bad): (Vec<_>, Vec<_>) = std::mem::take(&mut self.checkpoints)
            .into_iter()
            .partition(|checkpoint| keys.iter().any(|key| checkpoint.is_signed_by(*key)));
        self.checkpoints = good;
        for checkpoint in bad {
            let why = format!(
                "the checkpoint of {} is not signed by a key that is trusted, or was changed",
                checkpoint.at
            );
            self.note(FindingKind::BadCheckpoint, None, why);
        }
    }

    #[cfg(not(feature = "checkpoints"))]
    #[expect(clippy::unused_self, reason = "the twin of the one that checks")]
    fn check_signatures(&mut self) {}

    fn found(
        &mut self,
        kind: FindingKind,
        place: &Place<'_>,
        stream: Option<&str>,
        message: impl Into<String>,
    ) {
        self.push(Finding {
            kind,
            file: Some(place.file.to_owned()),
            line: Some(place.line),
            stream: stream.map(str::to_owned),
            message: message.into(),
        });
    }

    pub(super) fn note(
        &mut self,
        kind: FindingKind,
        stream: Option<&str>,
        message: impl Into<String>,
    ) {
        let (stream, message) = (stream.map(str::to_owned), message.into());
        self.push(Finding { kind, file: None, line: None, stream, message });
    }

    fn push(&mut self, finding: Finding) {
        if self.findings.len() < LISTED {
            self.findings.push(finding);
        } else {
            self.unlisted += 1;
        }
    }

    /// Returns the number of the last record of a chain that was added.
    pub(super) fn end_of(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).map(|stream| stream.head.seq)
    }

    /// Returns whether a chain of this name was added.
    pub(super) fn knows(&self, stream: &str) -> bool {
        self.streams.contains_key(stream)
    }
}
