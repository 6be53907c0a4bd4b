package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
)

// site is the server's side of the API for ireserve-plugin: a server on its first day, with one administrator, whose key-value store
// remembers. A method that is not written out here panics when called, which fails the check.
type site struct {
	plugin.API

	version string
	folder  string
	bundle  string

	mutex    sync.Mutex
	settings map[string]any
	logged   []string
	stored   map[string][]byte
	commands []*model.Command
	bots     []*model.Bot
	tokens   int
	whispers []*model.Post
}

func newSite(h *host, version string, settings map[string]any) *site {
	return &site{version: version, folder: h.folder, bundle: h.unpacked(), settings: settings, stored: map[string][]byte{}}
}

// set changes the settings as the System Console does; the plugin is told by the hook.
func (s *site) set(settings map[string]any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.settings = settings
}

// counts are how many tokens and bots were made, and how often a command was registered.
func (s *site) counts() (tokens, bots, commands int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.tokens, len(s.bots), len(s.commands)
}

func (s *site) log(level, message string, pairs []any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.logged = append(s.logged, strings.TrimSpace(fmt.Sprintln(append([]any{level, message}, pairs...)...)))
}

func (s *site) LogDebug(message string, pairs ...any) { s.log("debug", message, pairs) }
func (s *site) LogInfo(message string, pairs ...any)  { s.log("info", message, pairs) }
func (s *site) LogWarn(message string, pairs ...any)  { s.log("warn", message, pairs) }
func (s *site) LogError(message string, pairs ...any) { s.log("error", message, pairs) }

func (s *site) LoadPluginConfiguration(dest any) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	text, err := json.Marshal(s.settings)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, dest)
}

func (s *site) GetConfig() *model.Config {
	config := &model.Config{}
	config.SetDefaults()
	config.ServiceSettings.SiteURL = model.NewPointer("http://127.0.0.1:8065")
	config.FileSettings.Directory = model.NewPointer(filepath.Join(s.folder, "files"))
	return config
}

func (s *site) GetBundlePath() (string, error) { return s.bundle, nil }
func (s *site) GetServerVersion() string       { return s.version }

func (s *site) RegisterCommand(command *model.Command) error {
	if err := command.AutocompleteData.IsValid(); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.commands = append(s.commands, command)
	return nil
}

// SendEphemeralPost remembers what was said to one person alone.
func (s *site) SendEphemeralPost(user string, post *model.Post) *model.Post {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.whispers = append(s.whispers, post)
	return post
}

// whispered is the last of it.
func (s *site) whispered() *model.Post {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.whispers) == 0 {
		return &model.Post{}
	}
	return s.whispers[len(s.whispers)-1]
}

func (s *site) GetUser(id string) (*model.User, *model.AppError) {
	if id != "uid" {
		return nil, missing("app.user.missing")
	}
	return &model.User{Id: id, Username: "admin", Roles: "system_user system_admin", Locale: "en"}, nil
}

func (s *site) HasPermissionTo(user string, permission *model.Permission) bool {
	return user == "uid" && permission.Id == "manage_system"
}

func (s *site) HasPermissionToChannel(string, string, *model.Permission) bool { return true }

func (s *site) GetChannel(id string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: id, TeamId: "team", Name: "town", Type: model.ChannelTypeOpen}, nil
}

func (s *site) GetChannelMember(channel, user string) (*model.ChannelMember, *model.AppError) {
	return &model.ChannelMember{ChannelId: channel, UserId: user}, nil
}

func (s *site) GetTeam(id string) (*model.Team, *model.AppError) {
	return &model.Team{Id: id, Name: "desk"}, nil
}

func (s *site) GetUsers(*model.UserGetOptions) ([]*model.User, *model.AppError) { return nil, nil }

func (s *site) GetUserByUsername(name string) (*model.User, *model.AppError) {
	if bot := s.bot(name); bot != nil {
		return &model.User{Id: bot.UserId, Username: name, IsBot: true}, nil
	}
	return nil, missing("app.user.missing")
}

// bot is the one with this name or id.
func (s *site) bot(which string) *model.Bot {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, bot := range s.bots {
		if bot.Username == which || bot.UserId == which {
			return bot
		}
	}
	return nil
}

func (s *site) EnsureBotUser(wish *model.Bot) (string, error) {
	if bot := s.bot(wish.Username); bot != nil {
		return bot.UserId, nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	bot := &model.Bot{UserId: "bid", Username: wish.Username, OwnerId: "nl.i-reserve.mattermost"}
	s.bots = append(s.bots, bot)
	return bot.UserId, nil
}

func (s *site) GetBot(id string, _ bool) (*model.Bot, *model.AppError) {
	if bot := s.bot(id); bot != nil {
		return bot, nil
	}
	return nil, missing("app.bot.missing")
}

func (s *site) SetProfileImage(string, []byte) *model.AppError { return nil }

func (s *site) CreateUserAccessToken(token *model.UserAccessToken) (*model.UserAccessToken, *model.AppError) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens++
	token.Id, token.Token = "tid", fmt.Sprint("token-", s.tokens)
	return token, nil
}

func (s *site) KVGet(key string) ([]byte, *model.AppError) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.stored[key], nil
}

func (s *site) KVSet(key string, value []byte) *model.AppError {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stored[key] = value
	return nil
}

func (s *site) KVDelete(key string) *model.AppError { return s.KVSet(key, nil) }

func (s *site) KVSetWithOptions(key string, value []byte, options model.PluginKVSetOptions) (bool, *model.AppError) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if options.Atomic && !bytes.Equal(s.stored[key], options.OldValue) {
		return false, nil
	}
	s.stored[key] = value
	return true, nil
}
