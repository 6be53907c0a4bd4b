//! Mattermost is away, or somebody has to repair something there: what was promised waits and goes on by itself.
