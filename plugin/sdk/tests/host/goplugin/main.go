// Command goplugin is the measured part of ireserve-plugin, written with Mattermost's own kit for Go: the same calls at its start, the
// same hooks, the same answers while there is no sidecar. Its path /echo is the probe's.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

const mostWaiting = 10_000

type key struct{ kind, post string }

type hint struct{ post, root, channel string }

type bridge struct {
	plugin.MattermostPlugin

	mutex    sync.Mutex
	settings map[string]any
	site     string
	bot      string
	waiting  map[key]hint
}

func (b *bridge) OnActivate() error {
	if err := b.OnConfigurationChange(); err != nil {
		return err
	}
	if _, err := b.API.GetBundlePath(); err != nil {
		return err
	}
	if b.API.GetServerVersion() == "" {
		return fmt.Errorf("a server without a version")
	}
	tree := model.NewAutocompleteData("ireserve", "help", "i-Reserve")
	for _, verb := range []string{"setup", "status", "help", "about"} {
		tree.AddCommand(model.NewAutocompleteData(verb, "", "what "+verb+" does"))
	}
	command := &model.Command{Trigger: "ireserve", AutoComplete: true, DisplayName: "i-Reserve", AutocompleteData: tree}
	if err := b.API.RegisterCommand(command); err != nil {
		return err
	}
	if _, err := b.API.KVGet("bot"); err != nil {
		return err
	}
	if secret, err := b.API.KVGet("pairing"); err != nil {
		return err
	} else if secret == nil {
		only := model.PluginKVSetOptions{Atomic: true}
		if _, err := b.API.KVSetWithOptions("pairing", []byte(strings.Repeat("x", 43)), only); err != nil {
			return err
		}
	}
	go b.makeBot()
	return nil
}

func (b *bridge) makeBot() {
	id, err := b.API.EnsureBotUser(&model.Bot{Username: "i-reserve", DisplayName: "i-Reserve"})
	if err != nil {
		b.API.LogError("there is no bot", "error", err.Error())
		return
	}
	token, refused := b.API.CreateUserAccessToken(&model.UserAccessToken{UserId: id, Description: "i-Reserve sidecar"})
	if refused != nil {
		b.API.LogError("there is no token", "error", refused.Error())
		return
	}
	kept, _ := json.Marshal(map[string]string{"id": id, "token": token.Token})
	if refused := b.API.KVSet("bot", kept); refused != nil {
		b.API.LogError("the bot is not kept", "error", refused.Error())
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.bot = id
}

func (b *bridge) OnConfigurationChange() error {
	settings := map[string]any{}
	if err := b.API.LoadPluginConfiguration(&settings); err != nil {
		return err
	}
	site := b.API.GetConfig().ServiceSettings.SiteURL
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.settings = settings
	if site != nil {
		b.site = *site
	}
	return nil
}

func (b *bridge) hear(kind string, post *model.Post) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if post.UserId == b.bot && kind != "deleted" {
		return
	}
	named := key{kind, post.Id}
	if kind == "posted" && post.RootId != "" {
		named.post = post.RootId
	}
	if _, known := b.waiting[named]; known || len(b.waiting) < mostWaiting {
		b.waiting[named] = hint{post.Id, post.RootId, post.ChannelId}
	}
}

func (b *bridge) MessageHasBeenPosted(_ *plugin.Context, post *model.Post) { b.hear("posted", post) }

func (b *bridge) MessageHasBeenUpdated(_ *plugin.Context, post, _ *model.Post) {
	b.hear("edited", post)
}

func (b *bridge) MessageHasBeenDeleted(_ *plugin.Context, post *model.Post) { b.hear("deleted", post) }

func (b *bridge) ExecuteCommand(_ *plugin.Context, args *model.CommandArgs) (*model.CommandResponse, *model.AppError) {
	user, err := b.API.GetUser(args.UserId)
	if err != nil {
		return nil, err
	}
	text := "i-Reserve is not running on this server right now."
	if user.Locale == "nl" {
		text = "i-Reserve draait op dit moment niet op deze server."
	}
	if strings.HasSuffix(args.Command, " help") {
		text = strings.Repeat("* `/ireserve setup` - what setup does\n", 4) + text
	}
	b.mutex.Lock()
	bot := b.bot
	b.mutex.Unlock()
	if bot == "" {
		return &model.CommandResponse{ResponseType: model.CommandResponseTypeEphemeral, Text: text}, nil
	}
	// Nothing can be learnt from its answer, so nobody waits for it.
	go b.API.SendEphemeralPost(args.UserId, &model.Post{UserId: bot, ChannelId: args.ChannelId, RootId: args.RootId, Message: text})
	// No kind that the server knows, so it makes no second post of it.
	return &model.CommandResponse{ResponseType: "said", Text: text}, nil
}

func (b *bridge) ServeHTTP(_ *plugin.Context, w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/echo" {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
		return
	}
	status := http.StatusNotFound
	if strings.HasPrefix(r.URL.Path, "/v1/events") {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status})
}

func main() {
	plugin.ClientMain(&bridge{waiting: map[key]hint{}})
}
