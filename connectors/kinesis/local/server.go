package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DefaultAddr is where the server listens unless told otherwise.
const DefaultAddr = "127.0.0.1:4567"

// DefaultShardLimit is Options.ShardLimit unless told otherwise.
const DefaultShardLimit = 20_000

// Options say how a server runs. The zero value is a good server in memory.
type Options struct {
	// Dir keeps the data; empty keeps it in memory, for as long as the server lives.
	Dir string
	// Addr is where Start listens; port 0 picks a free one. An address which is not loopback wants Credentials.
	// Default DefaultAddr.
	Addr string
	// CertFile and KeyFile are the certificate of the TLS side, in PEM. Default: one of its own, which is made for
	// localhost at the first start and kept in Dir.
	CertFile string
	KeyFile  string
	// Credentials are secret keys by access key. When there are any, each request must be signed with one of them.
	// Default: a signature is wanted, as the service does, but any will do.
	Credentials map[string]string
	// Hosts are names, besides localhost and addresses, by which clients call the server.
	Hosts []string
	// Region and AccountID go into ARNs. Defaults "us-east-1" and "000000000000".
	Region    string
	AccountID string
	// Clock tells the time; default time.Now.
	Clock func() time.Time
	// Logger gets faults as errors and the store's chatter as debug; default discards.
	Logger *slog.Logger
	// TransitionDelay is how long a stream stays CREATING, UPDATING or DELETING. Default none: a
	// stream is ACTIVE when its creation returns.
	TransitionDelay time.Duration
	// TokenTTL is how long shard iterators and page tokens are good. Default 5 minutes, as in AWS.
	TokenTTL time.Duration
	// SweepInterval is how often expired records are deleted. Default 1 minute; reads never return
	// an expired record, however long the sweep takes to come.
	SweepInterval time.Duration
	// EnforceLimits refuses what is beyond the throughput of a shard, as AWS does: 1000 records or 1 MiB written
	// and 5 reads or 2 MiB read in a second. Default off: a local server need not be slow.
	EnforceLimits bool
	// ShardLimit bounds the open shards of all streams. Default 20000, the quota of us-east-1.
	ShardLimit int
	// StreamLimit bounds the streams. Default 1000.
	StreamLimit int
	// NoSync acknowledges before the disk has the record, for throwaway use: a crash may lose the last records, never
	// some before others of a shard. Default off.
	NoSync bool
	// MemTableBytes and CacheBytes bound the memory of the store. Defaults 4 MiB and 8 MiB.
	MemTableBytes uint64
	CacheBytes    int64

	// fs is the file system of the store, for tests which lose its unsynced parts; nil is the disk or, without Dir, memory.
	fs vfs.FS
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

func (o Options) withDefaults() (Options, error) {
	orDefault(&o.Addr, DefaultAddr)
	orDefault(&o.Region, "us-east-1")
	orDefault(&o.AccountID, "000000000000")
	orDefault(&o.TokenTTL, 5*time.Minute)
	orDefault(&o.SweepInterval, time.Minute)
	orDefault(&o.ShardLimit, DefaultShardLimit)
	orDefault(&o.StreamLimit, 1000)
	orDefault(&o.MemTableBytes, 4<<20)
	orDefault(&o.CacheBytes, 8<<20)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if !regexp.MustCompile(`^\d{12}$`).MatchString(o.AccountID) {
		return o, fmt.Errorf("account id %q must have 12 digits", o.AccountID)
	}
	if o.TransitionDelay < 0 || o.SweepInterval < 0 || o.TokenTTL < 0 {
		return o, errors.New("kinesis server durations must not be negative")
	}
	return o, nil
}

// Server is a running Kinesis server. Its methods may be called from any goroutine.
type Server struct {
	opts       Options
	lock       *dirLock
	store      *store
	catalog    *catalog
	writer     *writer
	secret     []byte
	billing    atomic.Pointer[billingDesc]
	operations map[string]operation
	bulk       chan struct{} // one slot for each large body being read and handled at a time
	requests   chan struct{} // one slot for each request that is not in pushes
	pushes     chan struct{} // one slot for each SubscribeToShard
	pages      chan struct{} // one slot for each pageLease
	stopping   chan struct{} // closed: turn requests away

	pageBuffers   sync.Pool // of *[]byte
	subscriptions subscriptions
	unused        unusedConns

	http      *http.Server
	sweeping  sync.WaitGroup
	stopSweep context.CancelFunc

	mu       sync.Mutex // guards the rest
	url      string
	certFile string
	closed   bool
}

// Open opens the data directory and takes ownership of it; the server answers through Handler at once, and
// on the network after Start. When another process owns the directory the error is an *InUseError.
func Open(opts Options) (*Server, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:     opts,
		catalog:  newCatalog(),
		bulk:     make(chan struct{}, bulkRequests),
		requests: make(chan struct{}, maxRequests),
		pushes:   make(chan struct{}, maxSubscriptions+maxRefusing),
		pages:    make(chan struct{}, maxPages),
		stopping: make(chan struct{}),
	}
	if opts.Dir != "" {
		if s.lock, err = lockDir(opts.Dir); err != nil {
			return nil, err
		}
	}
	if s.store, err = openStore(opts); err != nil {
		return nil, errors.Join(err, s.lock.release())
	}
	if err := s.store.loadStreams(s.catalog, s.lateTail); err != nil {
		return nil, errors.Join(fmt.Errorf("read kinesis streams of %q: %w", opts.Dir, err), s.store.db.Close(), s.lock.release())
	}
	s.secret = s.store.meta.Secret
	billing := s.store.meta.Billing
	s.billing.Store(&billing)
	s.operations = operationTable()
	s.writer = startWriter(s)
	s.http = newHTTPServer(s)
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSweep = cancel
	s.sweeping.Go(func() { s.sweepEvery(ctx, opts.SweepInterval) })
	return s, nil
}

// lateTail stands for the tail of a shard whose records cannot be read: what is put behind it comes behind them.
func (s *Server) lateTail(stream, shard string, err error) position {
	s.opts.Logger.Error("kinesis server: the last record of a shard cannot be read", "stream", stream, "shard", shard, "error", err)
	return positionAt(s.nowMs())
}

func (s *Server) nowMs() int64 { return millisOf(s.opts.Clock()) }

// Start listens on Options.Addr and returns when the server can be reached.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.url != "" {
		return errors.New("kinesis server is started or closed already")
	}
	if err := checkLoopback(s.opts.Addr); err != nil && len(s.opts.Credentials) == 0 {
		return err
	}
	listener, err := net.Listen("tcp", s.opts.Addr)
	if err != nil {
		return fmt.Errorf("kinesis server cannot listen on %q: %w; name another address or port 0", s.opts.Addr, err)
	}
	cert, file, err := loadCertificate(s.opts)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	url := "http://" + listener.Addr().String()
	if s.lock != nil {
		if err := s.lock.announce(url); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	s.url, s.certFile = url, file
	go func() {
		if err := s.http.Serve(newAnyListener(listener, cert)); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Logger.Error("kinesis server stopped listening", "error", err)
		}
	}()
	return nil
}

// checkLoopback keeps a server which checks no signatures off the network.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("kinesis server address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("kinesis server address %q is not on the loopback interface: use 127.0.0.1, or give the server credentials to verify signatures with", addr)
	}
	return nil
}

// URL is the endpoint for clients, empty before Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// TLSURL is the same endpoint for clients which want TLS, empty before Start.
func (s *Server) TLSURL() string {
	if url := s.URL(); url != "" {
		return "https" + strings.TrimPrefix(url, "http")
	}
	return ""
}

// CertFile is the file of the certificate, for clients to trust; empty before Start and when it is only in memory.
func (s *Server) CertFile() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certFile
}

// Handler serves the API without the network.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// afterwards is closed some time after the end of ctx.
func afterwards(ctx context.Context, d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(d, func() { close(c) }) })
	return c
}

// Close finishes the requests that arrived (until ctx ends: then it cuts them off), makes all durable,
// and gives the directory up. Closing twice is no error.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stopping) // ends subscriptions, for which Shutdown would wait
	s.unused.closeAll()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("kinesis server cut requests off: %w", err), s.http.Close())
	}
	s.stopSweep()
	swept := make(chan struct{})
	go func() {
		s.sweeping.Wait()
		close(swept)
	}()
	select {
	case <-swept:
	case <-afterwards(ctx, stuckAfter):
		return errors.Join(err, errors.New("kinesis server stopped before its store: it is still freeing space"))
	}
	if closeErr := s.writer.close(ctx); closeErr != nil {
		// The store is still busy, so neither it nor the directory can be given up; all that was acknowledged is durable.
		return errors.Join(err, closeErr)
	}
	// Requests beyond the network's view (Handler) may still be reading the store.
	for range cap(s.requests) {
		s.requests <- struct{}{}
	}
	for range cap(s.pushes) {
		s.pushes <- struct{}{}
	}
	return errors.Join(err, s.store.db.Close(), s.lock.release())
}
