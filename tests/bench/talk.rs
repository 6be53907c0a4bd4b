//! What is said while measuring: messages of the size and shape that people write.

use simulators::ireserve::event::message;

/// A sentence that is filled up to the length wanted.
const SENTENCE: &str =
    "Good afternoon, we would like to know whether the room with the balcony is still free. ";

/// The name of the `n`-th conversation of a measurement.
pub(crate) fn conversation(n: usize) -> String {
    format!("conv-{n}")
}

/// `message.created` in the `n`-th conversation, with about so many bytes of text.
pub(crate) fn spoken(id: &str, n: usize, bytes: usize) -> String {
    message(id, &conversation(n), "Sanne", &text(bytes)).to_string()
}

/// About so many bytes of text.
pub(crate) fn text(bytes: usize) -> String {
    SENTENCE.chars().cycle().take(bytes).collect()
}
