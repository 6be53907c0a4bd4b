package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// sidecar takes what ireserve-plugin says to one, notes it, and echoes what is passed on to it.
type sidecar struct {
	*httptest.Server

	mutex sync.Mutex
	notes []string
}

func newSidecar() *sidecar {
	s := &sidecar{}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /v1/plugin/status", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"configured":true}`)
	})
	routes.HandleFunc("PUT /v1/plugin/configuration", s.configuration)
	routes.HandleFunc("POST /v1/plugin/hints", s.hints)
	routes.HandleFunc("POST /v1/plugin/commands", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Command string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		_ = json.NewEncoder(w).Encode(map[string]string{"text": "the sidecar was asked " + asked.Command})
	})
	routes.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	})
	routes.HandleFunc("POST /v1/events/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	routes.HandleFunc("POST /v1/events/gone", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	s.Server = httptest.NewServer(routes)
	return s
}

func (s *sidecar) configuration(w http.ResponseWriter, r *http.Request) {
	var told struct {
		Bot struct{ ID, Token string }
	}
	_ = json.NewDecoder(r.Body).Decode(&told)
	s.note(fmt.Sprintf("configuration %s %s", told.Bot.ID, told.Bot.Token))
	_, _ = io.WriteString(w, `{"state":"unconnected"}`)
}

func (s *sidecar) hints(w http.ResponseWriter, r *http.Request) {
	var told struct {
		Hints []struct {
			Kind   string
			PostID string `json:"post_id"`
		}
	}
	_ = json.NewDecoder(r.Body).Decode(&told)
	for _, hint := range told.Hints {
		s.note(hint.Kind + " " + hint.PostID)
	}
	_, _ = io.WriteString(w, `{}`)
}

func (s *sidecar) note(what string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.notes = append(s.notes, what)
}

func (s *sidecar) heard(what string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, note := range s.notes {
		if note == what {
			return true
		}
	}
	return false
}

func (s *sidecar) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.notes, ", ")
}
