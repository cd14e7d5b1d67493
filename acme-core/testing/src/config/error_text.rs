//! The words in which a particular CA refuses.

use std::borrow::Cow;

/// How a CA words one cause: problem type, HTTP status and text.
///
/// `%s` in the text stands for the value that [`RefusalCause`](crate::RefusalCause) tells of, as in
/// `The FQDN is invalid: [%s]`.
///
/// ```
/// use acmekit_testing::{Config, ErrorText, RefusalCause};
///
/// let text = ErrorText::new("malformed", 400, "The FQDN is invalid: [%s]");
/// let config = Config::default().with_error_text(RefusalCause::NameForm, text);
/// # let _ = config;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    /// Absent where the standard type and status stay.
    pub(crate) kind: Option<(&'static str, u16)>,
    pub(crate) text: Cow<'static, str>,
}

impl ErrorText {
    /// A text with a type, given by its last part such as `malformed`, and a status.
    pub fn new(kind: &'static str, status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Some((kind, status)), text: text.into() }
    }

    /// A text for the type and status that the cause has anyway.
    pub fn with_standard_type(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: None, text: text.into() }
    }

    /// The text with its value in place.
    pub(crate) fn fill(&self, value: &str) -> String {
        self.text.replace("%s", value)
    }
}
