package httpconn

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestTLS asks a server by https whose certificate only an option makes trusted, in both versions of the protocol.
func TestTLS(t *testing.T) {
	var proto string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		io.WriteString(w, one)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	file := filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &rig{T: t, url: s.URL}
	f := func(want string, options ...string) {
		t.Helper()
		g.want(g.mustLookup("id", nil, options...), "0:7,seven,0.5", 7)
		if proto != want {
			t.Errorf("%v: %s, want %s", options, proto, want)
		}
	}
	trusted := "http.security.cert.server=" + file
	f("HTTP/2.0", trusted)
	f("HTTP/1.1", trusted, "http.source.lookup.http-version=HTTP_1_1")
	f("HTTP/2.0", trusted, "http.source.lookup.http-version=HTTP_2")
	f("HTTP/2.0", "http.security.cert.server.allowSelfSigned=true")
	g.wantError(g.mustLookup("id", nil), "that its certificate is trusted ('http.security.cert.server' names others)")
	for _, options := range [][]string{{"http.security.cert.server=/nowhere.pem"}, {"http.security.cert.client=" + file}, {"http.security.cert.client=" + file, "http.security.key.client=" + file}} {
		_, err := g.lookup("id", nil, options...)
		wantText(t, err, "http.security.")
	}
}
