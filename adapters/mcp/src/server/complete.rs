//! Results of an upstream for a client of another version.
//!
//! Servers before 2026-07-28 do not say that a result is complete, and clients since then refuse
//! one that does not say it. For older clients `rmcp` leaves the field out again.

use rmcp::model::{
    CompleteResult, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResponse, ReadResourceResult,
    ResultType,
};

/// A result that can say that it is complete.
pub(super) trait Complete {
    /// Returns the result, with the statement that it is complete unless it says what it is.
    fn complete(self) -> Self;
}

macro_rules! complete {
    ($($result:ty),+ $(,)?) => {$(
        impl Complete for $result {
            fn complete(mut self) -> Self {
                self.result_type.get_or_insert(ResultType::COMPLETE);
                self
            }
        }
    )+};
}

complete!(
    CompleteResult,
    GetPromptResult,
    ListPromptsResult,
    ListResourceTemplatesResult,
    ListResourcesResult,
    ReadResourceResult,
);

impl Complete for ReadResourceResponse {
    fn complete(self) -> Self {
        match self {
            Self::Complete(result) => Self::Complete(result.complete()),
            // It says what it is.
            other => other,
        }
    }
}

impl Complete for GetPromptResponse {
    fn complete(self) -> Self {
        match self {
            Self::Complete(result) => Self::Complete(result.complete()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_an_older_server_says_that_it_is_complete() {
        let older: ListPromptsResult = serde_json::from_str(r#"{"prompts": []}"#).unwrap();
        assert_eq!(older.result_type, None);
        assert_eq!(older.complete().result_type, Some(ResultType::COMPLETE));
        let older: GetPromptResult = serde_json::from_str(r#"{"messages": []}"#).unwrap();
        let GetPromptResponse::Complete(result) = GetPromptResponse::Complete(older).complete()
        else {
            panic!("it was complete")
        };
        assert_eq!(result.result_type, Some(ResultType::COMPLETE));
    }
}
