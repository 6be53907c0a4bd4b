//! People and bots, as others may see them.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::model::User;
use super::route::Query;
use super::state::State;

impl State {
    /// Who a token belongs to; a deactivated owner's token is worth nothing.
    pub(super) fn user_of_token(&self, token: &str) -> Result<User, Refusal> {
        let user = self
            .tokens
            .get(token)
            .and_then(|id| self.users.get(id))
            .filter(|user| user.delete_at == 0);
        user.cloned().ok_or_else(Refusal::session_expired)
    }

    /// `GET /users/{id}` and `GET /users/me`; deactivated users are shown with their `delete_at`.
    pub(super) fn user(&self, reader: &User, id: &str) -> Result<Value, Refusal> {
        let id = if id == "me" { &reader.id } else { id };
        let user = self.users.get(id).ok_or_else(Refusal::user_not_found)?;
        Ok(self.user_json(reader, user))
    }

    /// `GET /users/username/{name}`; names are lower case, anything else is refused.
    pub(super) fn user_by_name(&self, reader: &User, name: &str) -> Result<Value, Refusal> {
        if name.chars().any(char::is_uppercase) {
            return Err(Refusal::invalid_body());
        }
        let user = self.users.values().find(|user| user.username == name);
        user.map(|user| self.user_json(reader, user))
            .ok_or_else(|| Refusal::new(404, "app.user.get_by_username.app_error"))
    }

    /// `GET /users?role=…&active=true`: by name, a page of at most 200.
    pub(super) fn users_of_role(&self, reader: &User, query: &Query) -> Value {
        let (role, active) = (query.text("role"), query.text("active") == "true");
        let per_page = query.text("per_page").parse().unwrap_or(60).min(200);
        let page: usize = query.text("page").parse().unwrap_or(0);
        let mut users: Vec<_> = self
            .users
            .values()
            .filter(|user| role.is_empty() || user.roles().split(' ').any(|one| one == role))
            .filter(|user| !active || user.delete_at == 0)
            .collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        users
            .into_iter()
            .skip(page.saturating_mul(per_page))
            .take(per_page)
            .map(|user| self.user_json(reader, user))
            .collect()
    }

    /// `GET /users/email/{email}`, whatever its case; not where the server hides addresses.
    pub(super) fn user_by_email(&self, reader: &User, email: &str) -> Result<Value, Refusal> {
        if !self.settings.show_email && !reader.is_admin {
            return Err(Refusal::new(
                403,
                "api.user.get_user_by_email.permissions.app_error",
            ));
        }
        let email = email.to_lowercase();
        let user = self.users.values().find(|user| user.email == email);
        user.map(|user| self.user_json(reader, user))
            .ok_or_else(Refusal::user_not_found)
    }

    /// `POST /users/ids`: unknown ones are missing without a word, the order is the server's own.
    pub(super) fn users_by_ids(&self, reader: &User, body: &[u8]) -> Result<Value, Refusal> {
        let ids = wanted(body)?;
        Ok(self
            .users
            .values()
            .filter(|user| ids.contains(&user.id))
            .map(|user| self.user_json(reader, user))
            .collect())
    }

    /// `POST /users/usernames`, alike.
    pub(super) fn users_by_names(&self, reader: &User, body: &[u8]) -> Result<Value, Refusal> {
        let names = wanted(body)?;
        Ok(self
            .users
            .values()
            .filter(|user| names.contains(&user.username))
            .map(|user| self.user_json(reader, user))
            .collect())
    }

    /// `GET /config/client?format=old`; without a token the limits are missing.
    pub(super) fn client_config(&self, reader: Option<&User>) -> Value {
        let mut config = json!({ "Version": self.settings.version.number(), "BuildNumber": "simulated", "SiteName": "Mattermost" });
        if reader.is_some() {
            config["MaxPostSize"] = json!(super::posts::MAX_POST_SIZE.to_string());
            config["MaxFileSize"] = json!(self.settings.max_file_size.to_string());
            config["EnableFileAttachments"] = json!("true");
            config["EnablePublicLink"] = json!("false");
            config["EnablePostUsernameOverride"] = json!("false");
            config["EnablePostIconOverride"] = json!("false");
            config["EnableOutgoingWebhooks"] = json!("true");
        }
        config
    }

    fn user_json(&self, reader: &User, user: &User) -> Value {
        user.json(self.shows(reader, user))
    }
}

fn wanted(body: &[u8]) -> Result<Vec<String>, Refusal> {
    let wanted: Vec<String> = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
    if wanted.is_empty() {
        Err(Refusal::invalid_body())
    } else {
        Ok(wanted)
    }
}
