//! The parts of an evaluation that read the file system, the host's readers or the directory.

use std::sync::Arc;

use crate::gate::contents::display::ShownRequest;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::policy::Verdict;

impl GateCore {
    /// Looks up where the paths of a new call lead, and routes it again if one is a link to a file
    /// of this gate.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn check_links(
        &self,
        prepared: &mut PreparedCall,
    ) -> Result<(), GateError> {
        let denied = matches!(prepared.routed.verdict, Verdict::Deny(_));
        let files = self.contents.files();
        if denied || files.is_surely_unnamed(prepared.snapshot.text()) {
            return Ok(());
        }
        let read_only = prepared.tool.config().hints.read_only;
        // Boxed, so that other calls do not carry it around.
        let found = Box::pin(files.linked_file_factor(&prepared.snapshot, read_only)).await?;
        let Some(found) = found else { return Ok(()) };
        let mut opinions = prepared.record.request.assessment.opinions();
        opinions.push(found);
        self.evaluator.evaluate_again(prepared, &opinions)
    }

    /// Reads the contents that a new call names, shows them on the request, and routes the call
    /// again if a reviewer cannot see all of them.
    ///
    /// Cancel safe: it only reads.
    pub(in crate::gate) async fn read_named_contents(
        &self,
        prepared: &mut PreparedCall,
    ) -> Result<(), GateError> {
        if matches!(prepared.routed.verdict, Verdict::Deny(_)) {
            return Ok(());
        }
        let referents = self.contents.read(&prepared.tool, &prepared.snapshot).await?;
        if !prepared.names_approved_contents(&referents, self.vault.ring()) {
            prepared.approval = None;
        }
        if referents.is_empty() {
            return Ok(());
        }
        let (display, request) = (self.contents.display(), ShownRequest::new(prepared.record.id()));
        let contents = display.show(request, &prepared.snapshot, &referents).await;
        if let Some(factor) = display.factor(&contents) {
            let mut opinions = prepared.record.request.assessment.opinions();
            opinions.push(factor);
            self.evaluator.evaluate_again(prepared, &opinions)?;
        }
        let content = prepared.record.content;
        let request = Arc::make_mut(&mut prepared.record.request);
        request.contents = contents;
        request.bind(content);
        prepared.referents = referents;
        Ok(())
    }

    /// Notes on a request, about which somebody is asked, the links that its arguments name.
    pub(in crate::gate) async fn note_links(&self, prepared: &mut PreparedCall) {
        let links = self.contents.files().links_in(&prepared.record.request.arguments).await;
        let links = self.contents.display().show_links(links, &prepared.snapshot);
        if !links.is_empty() {
            Arc::make_mut(&mut prepared.record.request).links = links;
        }
    }

    /// Asks the directory who the requester is, if somebody will be compared with them: if the call
    /// is asked about, or waits for its siblings. If the directory cannot say, the call is denied.
    pub(in crate::gate) fn name_requester(&self, prepared: &mut PreparedCall) {
        if !prepared.is_held() && !prepared.is_asked_about() {
            return;
        }
        match self.identities.canonical(&prepared.record.context.principal) {
            Ok(canonical) => prepared.record.canonical = canonical,
            Err(unknown) => prepared.deny(unknown.to_string()),
        }
    }
}
