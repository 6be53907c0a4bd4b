// Command goplugin is the part of the probe that is measured, written with Mattermost's own kit for Go.
package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

type probe struct {
	plugin.MattermostPlugin
}

func (p *probe) OnActivate() error {
	return p.API.RegisterCommand(&model.Command{Trigger: "probe", AutoComplete: true, AutocompleteData: model.NewAutocompleteData("probe", "", "")})
}

func (p *probe) ExecuteCommand(_ *plugin.Context, args *model.CommandArgs) (*model.CommandResponse, *model.AppError) {
	text := fmt.Sprintf("%s in %s for %s", args.Command, args.ChannelId, args.UserId)
	return &model.CommandResponse{ResponseType: "ephemeral", Text: text}, nil
}

func (p *probe) MessageHasBeenPosted(_ *plugin.Context, _ *model.Post) {}

func (p *probe) ServeHTTP(_ *plugin.Context, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("X-Probe", "1")
	if r.URL.Path == "/echo" {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
		return
	}
	_, _ = fmt.Fprintf(w, "%s %s user=%s", r.Method, r.URL, r.Header.Get("Mattermost-User-Id"))
}

func main() {
	plugin.ClientMain(&probe{})
}
