package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// server is the server's side of the API: it answers with sample data, and notes every argument that is not the one the probe
// was written to send. A method that is not written out here panics when called, which fails the check.
type server struct {
	plugin.API

	version  string
	settings map[string]any

	mutex    sync.Mutex
	mistakes []string
	logged   []string
	stored   map[string][]byte
	commands []*model.Command
}

func newServer(version string, settings map[string]any) *server {
	return &server{version: version, settings: settings, stored: map[string][]byte{}}
}

func (s *server) want(what string, got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.mistakes = append(s.mistakes, fmt.Sprintf("%s: got %#v, wanted %#v", what, got, wanted))
	}
}

func missing(id string) *model.AppError {
	return model.NewAppError("probe", id, nil, "some details", http.StatusNotFound)
}

// The server itself.

func (s *server) LoadPluginConfiguration(dest any) error {
	text, err := json.Marshal(s.settings)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, dest)
}

func (s *server) GetConfig() *model.Config {
	config := &model.Config{}
	config.SetDefaults()
	config.ServiceSettings.SiteURL = model.NewPointer("https://chat.example.org")
	return config
}

func (s *server) GetPluginConfig() map[string]any { return map[string]any{"key": "stored"} }

func (s *server) SavePluginConfig(config map[string]any) *model.AppError {
	s.want("SavePluginConfig", config, map[string]any{
		"key": "value", "list": []any{1.5, true}, "map": map[string]any{"inner": "x"},
	})
	return nil
}

func (s *server) GetBundlePath() (string, error) { return "/bundle", nil }
func (s *server) GetServerVersion() string       { return s.version }
func (s *server) GetDiagnosticId() string        { return "diagnostic" }

func (s *server) RegisterCommand(command *model.Command) error {
	if command.Trigger != "probe" {
		return errors.New("invalid trigger")
	}
	if err := command.AutocompleteData.IsValid(); err != nil {
		s.want("RegisterCommand", err.Error(), "")
	}
	// The Go plugin that the figures are compared with has no sub-commands.
	if nodes := command.AutocompleteData.SubCommands; len(nodes) > 0 {
		find := nodes[len(nodes)-1].Arguments[0].Data
		s.want("RegisterCommand", find, &model.AutocompleteDynamicListArg{FetchURL: "lookup"})
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.commands = append(s.commands, command)
	return nil
}

func (s *server) UnregisterCommand(teamID, trigger string) error {
	s.want("UnregisterCommand", []string{teamID, trigger}, []string{"", "probe"})
	return nil
}

func (s *server) OpenInteractiveDialog(request model.OpenDialogRequest) *model.AppError {
	s.want("OpenInteractiveDialog", []any{
		request.TriggerId, request.URL, request.Dialog.State, len(request.Dialog.Elements),
		request.Dialog.Elements[0].MaxLength, request.Dialog.Elements[1].Options[0].Value,
	}, []any{"trigger", "/plugins/probe/dialog", "state", 2, 9, "1"})
	return nil
}

func (s *server) log(level, message string, pairs []any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.logged = append(s.logged, strings.TrimSpace(fmt.Sprintln(append([]any{level, message}, pairs...)...)))
}

func (s *server) LogDebug(message string, pairs ...any) { s.log("debug", message, pairs) }
func (s *server) LogInfo(message string, pairs ...any)  { s.log("info", message, pairs) }
func (s *server) LogWarn(message string, pairs ...any)  { s.log("warn", message, pairs) }
func (s *server) LogError(message string, pairs ...any) { s.log("error", message, pairs) }

// People.

func (s *server) GetUser(id string) (*model.User, *model.AppError) {
	if number, found := strings.CutPrefix(id, "user"); found {
		return &model.User{Id: id, Username: "name" + number}, nil
	}
	if id != "uid" {
		return nil, missing("app.user.missing")
	}
	return &model.User{
		Id: id, Username: "alice", Roles: "system_user system_admin", Locale: "nl", Password: "secret",
		Props: model.StringMap{"a": "b"}, NotifyProps: model.StringMap{"c": "d"}, Timezone: model.StringMap{"e": "f"},
	}, nil
}

func (s *server) GetUserByUsername(name string) (*model.User, *model.AppError) {
	return &model.User{Id: "id of " + name}, nil
}

func (s *server) GetUserByEmail(email string) (*model.User, *model.AppError) {
	return &model.User{Id: "id of " + email}, nil
}

func (s *server) SetProfileImage(id string, data []byte) *model.AppError {
	s.want("SetProfileImage", []any{id, bytes.Equal(data, bytes.Repeat([]byte{137}, 300_000))}, []any{"bid", true})
	return nil
}

func (s *server) CreateUserAccessToken(token *model.UserAccessToken) (*model.UserAccessToken, *model.AppError) {
	s.want("CreateUserAccessToken", *token, model.UserAccessToken{UserId: "bid", Description: "probe"})
	token.Token = "token"
	return token, nil
}

func (s *server) RevokeUserAccessToken(id string) *model.AppError {
	s.want("RevokeUserAccessToken", id, "tid")
	return nil
}

func (s *server) CreateBot(bot *model.Bot) (*model.Bot, *model.AppError) {
	bot.UserId = "bid"
	return bot, nil
}

func (s *server) EnsureBotUser(bot *model.Bot) (string, error) { return "id of " + bot.Username, nil }

func (s *server) GetBot(id string, deleted bool) (*model.Bot, *model.AppError) {
	s.want("GetBot", []any{id, deleted}, []any{"bid", true})
	return &model.Bot{UserId: id, Username: "probe", DeleteAt: 1 << 40}, nil
}

func (s *server) PatchBot(id string, patch *model.BotPatch) (*model.Bot, *model.AppError) {
	s.want("PatchBot", []any{id, patch.Username == nil}, []any{"bid", true})
	return &model.Bot{DisplayName: *patch.DisplayName}, nil
}

func (s *server) UpdateBotActive(id string, active bool) (*model.Bot, *model.AppError) {
	s.want("UpdateBotActive", []any{id, active}, []any{"bid", true})
	return &model.Bot{Username: "probe"}, nil
}

func (s *server) HasPermissionTo(user string, permission *model.Permission) bool {
	return user == "uid" && permission.Id == "manage_system"
}

func (s *server) HasPermissionToTeam(user, team string, permission *model.Permission) bool {
	s.want("HasPermissionToTeam", []string{user, team, permission.Id}, []string{"uid", "team", "manage_team"})
	return false
}

func (s *server) HasPermissionToChannel(user, channel string, permission *model.Permission) bool {
	return user == "uid" && channel == "cid" && permission.Id == "read_channel"
}

// Places.

func (s *server) GetTeam(id string) (*model.Team, *model.AppError) {
	return &model.Team{Id: id, Name: "desk"}, nil
}

func (s *server) GetTeamByName(name string) (*model.Team, *model.AppError) {
	return &model.Team{Id: "id of " + name}, nil
}

func (s *server) CreateTeamMember(team, user string) (*model.TeamMember, *model.AppError) {
	return &model.TeamMember{TeamId: team, UserId: user}, nil
}

func (s *server) GetTeamMember(team, user string) (*model.TeamMember, *model.AppError) {
	return &model.TeamMember{TeamId: team, UserId: user, Roles: "team_user", SchemeAdmin: true}, nil
}

func (s *server) UpdateTeamMemberRoles(team, user, roles string) (*model.TeamMember, *model.AppError) {
	return &model.TeamMember{TeamId: team, UserId: user, Roles: roles}, nil
}

func (s *server) GetChannel(id string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: id, Name: "town", Type: model.ChannelTypePrivate, Props: map[string]any{"a": []any{1.0}}}, nil
}

func (s *server) GetChannelByName(team, name string, deleted bool) (*model.Channel, *model.AppError) {
	s.want("GetChannelByName", []any{team, name, deleted}, []any{"team", "town", false})
	return &model.Channel{Id: "cid"}, nil
}

func (s *server) GetDirectChannel(one, other string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: one + other, Type: model.ChannelTypeDirect}, nil
}

func (s *server) CreateChannel(channel *model.Channel) (*model.Channel, *model.AppError) {
	s.want("CreateChannel", *channel, model.Channel{TeamId: "team", Name: "new", Type: model.ChannelTypePrivate})
	return &model.Channel{Id: "made"}, nil
}

func (s *server) AddChannelMember(channel, user string) (*model.ChannelMember, *model.AppError) {
	return &model.ChannelMember{ChannelId: channel, UserId: user}, nil
}

func (s *server) AddUserToChannel(channel, user, by string) (*model.ChannelMember, *model.AppError) {
	return &model.ChannelMember{ChannelId: channel, UserId: user, Roles: by}, nil
}

func (s *server) GetChannelMember(channel, user string) (*model.ChannelMember, *model.AppError) {
	return &model.ChannelMember{ChannelId: channel, UserId: user, Roles: "channel_user"}, nil
}

// Posts.

func (s *server) post(what string, post *model.Post) {
	s.want(what, []any{post.ChannelId, post.UserId, post.Message, []string(post.FileIds), post.GetProp("nested")}, []any{
		"cid", "bid", "Grüße", []string{"f1", "f2"}, map[string]any{"list": []any{"a", true, nil}, "n": 2.5},
	})
}

func (s *server) CreatePost(post *model.Post) (*model.Post, *model.AppError) {
	s.post("CreatePost", post)
	post.Id = "made"
	return post, nil
}

func (s *server) UpdatePost(post *model.Post) (*model.Post, *model.AppError) {
	s.post("UpdatePost", post)
	return post, nil
}

func (s *server) GetPost(id string) (*model.Post, *model.AppError) {
	return &model.Post{Id: id, Message: strings.Repeat("x", 16_383)}, nil
}

func (s *server) GetPostThread(id string) (*model.PostList, *model.AppError) {
	list := model.NewPostList()
	for _, post := range []string{id, "answer"} {
		list.AddPost(&model.Post{Id: post})
		list.AddOrder(post)
	}
	return list, nil
}

func (s *server) SendEphemeralPost(user string, post *model.Post) *model.Post {
	s.post("SendEphemeralPost to "+user, post)
	post.Id = "shown"
	return post
}

func (s *server) DeletePost(id string) *model.AppError {
	if id != "pid" {
		return missing("app.post.missing")
	}
	return nil
}

// Keys.

func (s *server) KVSet(key string, value []byte) *model.AppError {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stored[key] = value
	return nil
}

func (s *server) KVGet(key string) ([]byte, *model.AppError) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.stored[key], nil
}

func (s *server) KVDelete(key string) *model.AppError {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.stored, key)
	return nil
}

func (s *server) KVSetWithOptions(key string, value []byte, options model.PluginKVSetOptions) (bool, *model.AppError) {
	s.want("KVSetWithOptions", []any{key, value, options}, []any{
		"lock", []byte{2}, model.PluginKVSetOptions{Atomic: true, OldValue: []byte{1}, ExpireInSeconds: 60},
	})
	return true, nil
}

func (s *server) KVList(page, perPage int) ([]string, *model.AppError) {
	s.want("KVList", []int{page, perPage}, []int{0, 100})
	return []string{"one", "two"}, nil
}
