package local

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
)

const (
	maxConns          = 2048
	tlsHandshakeStart = 0x16 // the first byte of a TLS client; no HTTP request begins so
)

// anyListener speaks every transport on one port: HTTP/1.1, HTTP/2 with prior knowledge, and both inside TLS, with ALPN
// or without. It ends TLS itself and hides that from net/http, which would take HTTP/2 inside TLS only after ALPN; so net/http
// sees plain bytes and tells the two versions apart by the first of them. Connections beyond maxConns wait in the kernel.
type anyListener struct {
	net.Listener
	config *tls.Config
	slots  chan struct{}
}

func newAnyListener(l net.Listener, cert tls.Certificate) *anyListener {
	return &anyListener{
		Listener: l,
		config:   &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12},
		slots:    make(chan struct{}, maxConns),
	}
}

// Accept returns without reading from the client, who may be slow.
func (l *anyListener) Accept() (net.Conn, error) {
	l.slots <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &anyConn{Conn: conn, config: l.config, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// anyConn decides at its first read whether it carries TLS. net/http reads before it writes; it may close at any time.
type anyConn struct {
	net.Conn
	config  *tls.Config
	release func()
	begun   sync.Once
	first   []byte                   // read ahead and not yet given out
	secure  atomic.Pointer[tls.Conn] // set after its handshake
	err     error
}

// Read starts with the handshake when the client begins one; net/http's deadline for the headers bounds it.
func (c *anyConn) Read(p []byte) (int, error) {
	c.begun.Do(c.begin)
	if c.err != nil {
		return 0, c.err
	}
	if secure := c.secure.Load(); secure != nil {
		return secure.Read(p)
	}
	return c.readAhead(p)
}

func (c *anyConn) begin() {
	first := make([]byte, 1)
	if _, c.err = c.Conn.Read(first); c.err != nil {
		return
	}
	c.first = first
	if first[0] == tlsHandshakeStart {
		secure := tls.Server(replayConn{c.Conn, c}, c.config)
		if c.err = secure.Handshake(); c.err == nil {
			c.secure.Store(secure)
		}
	}
}

func (c *anyConn) readAhead(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *anyConn) Write(p []byte) (int, error) {
	if secure := c.secure.Load(); secure != nil {
		return secure.Write(p)
	}
	return c.Conn.Write(p)
}

// Close says good-bye in TLS terms when there was a handshake.
func (c *anyConn) Close() error {
	defer c.release()
	if secure := c.secure.Load(); secure != nil {
		return secure.Close()
	}
	return c.Conn.Close()
}

// replayConn gives the TLS layer the byte that was read to recognise it.
type replayConn struct {
	net.Conn
	ahead *anyConn
}

func (r replayConn) Read(p []byte) (int, error) { return r.ahead.readAhead(p) }
