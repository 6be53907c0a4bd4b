//! What the plugin asks of a whole sidecar, over real sockets, with a Mattermost that is imitated.

mod configuration;
mod desk;
mod pairing;
mod people;
mod setup;
mod stop;
