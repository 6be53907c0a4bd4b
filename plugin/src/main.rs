//! Started by Mattermost, and by nobody else.

use std::process::ExitCode;

fn main() -> ExitCode {
    mattermost_plugin::serve(ireserve_plugin::Bridge::default())
}
