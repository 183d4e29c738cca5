package jobserver

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"weir/exec/job"
	"weir/internal/session"
)

// maxBody bounds what a request may send.
const maxBody = 8 << 20

// Options make a Server.
type Options struct {
	Manager *job.Manager
	// Session opens the sessions that submitted scripts run in.
	Session session.Options
	// Token, where not empty, must come with each request as "Authorization: Bearer TOKEN".
	Token string
	// Hosts are names, besides IP addresses and localhost, that the server is called by.
	Hosts   []string
	Version string
	Logger  *slog.Logger
	Now     func() time.Time
}

// Server answers HTTP.
type Server struct {
	o       Options
	m       *job.Manager
	mux     *http.ServeMux
	service *service
	ops     operations
	ready   chan struct{} // closed while it stops
}

// New makes a server. It listens to nothing: it is a handler.
func New(o Options) *Server {
	s := &Server{o: o, m: o.Manager, mux: http.NewServeMux(), ready: make(chan struct{})}
	s.service = &service{m: o.Manager}
	s.ops.now = o.Now
	s.flinkRoutes()
	s.vertexRoutes()
	s.ownRoutes()
	s.mux.Handle("GET /metrics", s.metricsHandler())
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, fmt.Errorf("there is nothing at %s %s", r.Method, r.URL.Path))
	})
	return s
}

// Stopping has /readyz say that no more requests should come.
func (s *Server) Stopping() { close(s.ready) }

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.ready:
		plain(w, http.StatusServiceUnavailable, "stopping")
	default:
		plain(w, http.StatusOK, "ok")
	}
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}

// ServeHTTP checks who asks, then answers. Flink's paths work with and without /v1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.o.Now()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			s.o.Logger.Error("request failed", "path", r.URL.Path, "error", fmt.Sprint(p))
			fail(w, http.StatusInternalServerError, errors.New("internal error: see the server's log"))
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.admit(r); err != nil {
		var a *accessError
		code := http.StatusForbidden
		if errors.As(err, &a) {
			code = a.code
		}
		fail(w, code, err)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/v1/"); ok {
		r = r.Clone(r.Context())
		r.URL.Path = "/" + rest
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
	s.o.Logger.Debug("request", "method", r.Method, "path", r.URL.Path, "took", s.o.Now().Sub(began))
}

type accessError struct {
	code int
	text string
}

func (e *accessError) Error() string { return e.text }

// admit refuses requests that a foreign web page has a browser send, and those without the token.
func (s *Server) admit(r *http.Request) error {
	if !s.knownHost(r.Host) {
		return &accessError{http.StatusForbidden, fmt.Sprintf("this server is not called %q: start it with --allow-host to give it a name", r.Host)}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
			return &accessError{http.StatusForbidden, fmt.Sprintf("requests from pages of %q are refused", origin)}
		}
	}
	open := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
	if s.o.Token == "" || open {
		return nil
	}
	got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(got), []byte(s.o.Token)) != 1 {
		return &accessError{http.StatusUnauthorized, "this server wants its token: send 'Authorization: Bearer TOKEN'"}
	}
	return nil
}

// knownHost: an address cannot be rebound, a name can.
func (s *Server) knownHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if net.ParseIP(host) != nil || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, h := range s.o.Hosts {
		if strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}

// reply sends v as JSON.
func reply(w http.ResponseWriter, code int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		code, data = http.StatusInternalServerError, []byte(`{"errors":["the answer cannot be written"]}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(data) // the client may be gone
}

// problem is an error in Flink's shape.
type problem struct {
	Errors []string `json:"errors"`
}

func fail(w http.ResponseWriter, code int, err error) {
	reply(w, code, problem{[]string{session.HideText(err.Error())}})
}

// refuse gives an error the status that fits it.
func refuse(w http.ResponseWriter, err error) {
	var unknown *job.UnknownError
	var idle *job.NotRunningError
	code := http.StatusBadRequest
	switch {
	case errors.As(err, &unknown):
		code = http.StatusNotFound
	case errors.As(err, &idle):
		code = http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded):
		code = http.StatusGatewayTimeout
	}
	fail(w, code, err)
}

// body reads a request's JSON; an empty body is {}.
func body(r *http.Request, to any) error {
	d := json.NewDecoder(r.Body)
	if err := d.Decode(to); err != nil && r.ContentLength != 0 {
		return fmt.Errorf("the request's JSON: %w", err)
	}
	return nil
}

// withJob finds the job of a path first.
func (s *Server) withJob(f func(w http.ResponseWriter, r *http.Request, e *job.Entry)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, err := s.m.Find(r.PathValue("id"))
		if err != nil {
			refuse(w, err)
			return
		}
		f(w, r, e)
	}
}
