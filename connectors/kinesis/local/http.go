package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	targetPrefix = "Kinesis_20131202."
	healthPath   = "/health"
	healthText   = "weir kinesis\n"

	// Bounds of memory: maxRequests small bodies and bulkRequests large ones at a time.
	maxBodyBytes  = 20 << 20 // 10 MiB of records in base64 with keys and structure
	bulkBodyBytes = 1 << 20
	bulkRequests  = 8
	maxRequests   = 512 // besides those for subscriptions, which last minutes
)

func newHTTPServer(s *Server) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           http.HandlerFunc(s.serveNetwork),
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       5 * time.Minute,
		ConnState:         s.unused.track,
		MaxHeaderBytes:    64 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxRequests + maxSubscriptions},
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
	}
}

// serveNetwork turns away what a web page of another site may have sent: a name which is not this server's, as after
// DNS rebinding, or a foreign Origin.
func (s *Server) serveNetwork(w http.ResponseWriter, r *http.Request) {
	origin, err := url.Parse(r.Header.Get("Origin"))
	foreign := err != nil || origin.String() != "" && !strings.EqualFold(origin.Host, r.Host)
	if !s.knownHost(r.Host) || foreign {
		e := newError("AccessDeniedException", "this server is not called %q, or the request comes from another site: use its address, or start it with --allow-host", clip(r.Host))
		e.Status = http.StatusForbidden
		s.reply(w, jsonCodec{}, nil, e)
		return
	}
	s.serveHTTP(w, r)
}

// knownHost knows addresses, which cannot be rebound, localhost, and the configured names.
func (s *Server) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil ||
		slices.ContainsFunc(s.opts.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// serveHTTP answers one call of the API: a POST whose X-Amz-Target names the operation.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	slots := s.requests
	if r.Header.Get("X-Amz-Target") == targetPrefix+"SubscribeToShard" {
		slots = s.pushes
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-s.stopping:
		s.reply(w, jsonCodec{}, nil, errClosing())
		return
	case <-r.Context().Done():
		return
	}
	if r.Method == http.MethodGet && s.serveGet(w, r) {
		return
	}
	setRequestID(w.Header())
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	wire := codecFor(contentType)
	if r.Method != http.MethodPost || wire == nil {
		e := newError("UnknownOperationException", "send a POST with Content-Type %s", jsonContentType)
		e.Status = http.StatusNotFound
		s.reply(w, jsonCodec{}, nil, e)
		return
	}
	lease := &pageLease{server: s}
	defer lease.release()
	body, err := s.serveCall(w, r, wire, lease)
	if errors.Is(err, errStreamed) {
		return
	}
	if s.reply(w, wire, body, err) != nil {
		lease.body = nil // an HTTP/2 connection may still be sending it
	}
}

// serveCall checks the envelope in the order the service does, and runs the operation.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, wire codec, lease *pageLease) ([]byte, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	op, known := s.operations[name]
	if !ok || !known {
		return nil, newError("UnknownOperationException", "the local Kinesis server has no operation %q", clip(r.Header.Get("X-Amz-Target")))
	}
	sig, err := s.beginSigned(r)
	if err != nil {
		return nil, err
	}
	if r.ContentLength < 0 || r.ContentLength > bulkBodyBytes {
		select {
		case s.bulk <- struct{}{}:
			defer func() { <-s.bulk }()
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	body, err := readBody(w, r)
	if err == nil {
		err = s.checkSigned(sig, r, body)
	}
	if err != nil {
		return nil, err
	}
	if op.stream != nil {
		return nil, op.stream(r.Context(), s, wire, body, w)
	}
	return op.serve(r.Context(), s, wire, body, lease)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body := &bytes.Buffer{}
	if r.ContentLength > 0 && r.ContentLength <= maxBodyBytes {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		e := newError("RequestEntityTooLargeException", "the request body must not exceed %d bytes", maxBodyBytes)
		e.Status = http.StatusRequestEntityTooLarge
		return nil, e
	}
	if err != nil {
		return nil, newError("SerializationException", "reading the request body: %v", err)
	}
	return body.Bytes(), nil
}

// errorShape is the body of an error.
type errorShape struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// reply sends an answer; its error says that the client is gone, and nobody is left to tell.
func (s *Server) reply(w http.ResponseWriter, wire codec, body []byte, err error) error {
	status := http.StatusOK
	if err != nil {
		e := s.publicError(err)
		status = e.Status
		w.Header().Set("X-Amzn-Errortype", e.Code)
		if body, err = wire.encode(errorShape{Type: e.Code, Message: e.Message}); err != nil {
			panic("an error always has a wire form: " + err.Error())
		}
	}
	w.Header().Set("Content-Type", wire.contentType())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// publicError is what the client may know of an error.
func (s *Server) publicError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	if !errors.Is(err, context.Canceled) { // a client that left is no fault
		s.opts.Logger.Error("kinesis request failed", "error", err)
	}
	return internalFailure("the local Kinesis server failed: %v", err)
}

// setRequestID gives the reply the ids which clients print in their errors.
func setRequestID(h http.Header) {
	var id [48]byte
	rand.Read(id[:])
	text := hex.EncodeToString(id[:16])
	h.Set("X-Amzn-Requestid", text[:8]+"-"+text[8:12]+"-"+text[12:16]+"-"+text[16:20]+"-"+text[20:])
	h.Set("X-Amz-Id-2", base64.StdEncoding.EncodeToString(id[:]))
}
