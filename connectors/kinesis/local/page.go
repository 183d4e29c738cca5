package local

import (
	_ "embed"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"time"
)

//go:embed page.html
var pageHTML string

const (
	pageRecords    = 50   // shown at most
	pageShards     = 2000 // described at most, over all streams
	pageTextBytes  = 2048 // of a record
	contentPolicy  = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
	pagePath       = "/"
	metricsPath    = "/metrics"
	pageStreamPath = "/page/streams"
	pageRecordPath = "/page/records"
)

// serveGet answers what a browser or a scraper asks for; false leaves the request to the API. The page shows records,
// so it is not there when the server verifies signatures, which a browser does not make.
func (s *Server) serveGet(w http.ResponseWriter, r *http.Request) bool {
	open := len(s.opts.Credentials) == 0
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch path := r.URL.Path; {
	case path == healthPath:
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, healthText)
	case path == metricsPath:
		s.serveMetrics(w)
	case path == pagePath && open:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentPolicy)
		io.WriteString(w, pageHTML)
	case path == pageStreamPath && open:
		pageReply(w, http.StatusOK, s.pageStreams())
	case path == pageRecordPath && open:
		s.servePageRecords(w, r)
	default:
		w.Header().Del("X-Content-Type-Options")
		return false
	}
	return true
}

func pageReply(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic("our own shapes always have a JSON form: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

// The shapes which the page reads. Counts are since the server's start; the page makes rates of them.
type pageStream struct {
	Name       string         `json:"name"`
	Status     string         `json:"status"`
	Mode       string         `json:"mode"`
	Hours      int            `json:"hours"`
	Encryption string         `json:"encryption"`
	In         int64          `json:"in"`
	InBytes    int64          `json:"inBytes"`
	Out        int64          `json:"out"`
	OutBytes   int64          `json:"outBytes"`
	Throttled  int64          `json:"throttled"`
	Open       int            `json:"open"`
	Shards     []pageShard    `json:"shards"`
	Consumers  []pageConsumer `json:"consumers"`
}

type pageShard struct {
	ID      string   `json:"id"`
	Parents []string `json:"parents"`
	Open    bool     `json:"open"`
	First   string   `json:"first"`
	Last    string   `json:"last"`
	From    float64  `json:"from"` // of the hash space, 0 to 1
	To      float64  `json:"to"`
	In      int64    `json:"in"`
	Out     int64    `json:"out"`
	TailMs  int64    `json:"tailMs"` // arrival of the last record, 0 when there was none
}

type pageConsumer struct {
	Name          string `json:"name"`
	Status        string `json:"status"`
	Subscriptions int    `json:"subscriptions"`
}

type pageRecord struct {
	Shard    string `json:"shard"`
	Sequence string `json:"sequence"`
	AtMs     int64  `json:"atMs"`
	Views    []View `json:"views"`
}

type pageOverview struct {
	NowMs   int64        `json:"nowMs"`
	Region  string       `json:"region"`
	Streams []pageStream `json:"streams"`
	Hidden  int          `json:"hiddenShards"`
}

func (s *Server) pageStreams() pageOverview {
	now, left := s.nowMs(), pageShards
	overview := pageOverview{NowMs: now, Region: s.opts.Region, Streams: []pageStream{}}
	for _, st := range s.catalog.all() {
		if st.gone(now) {
			continue
		}
		encryption, _ := st.desc.encryption()
		c := st.stats
		p := pageStream{Name: st.desc.Name, Status: st.status(now), Mode: st.mode(), Hours: st.desc.RetentionHours, Encryption: encryption,
			In: c.inRecords.Load(), InBytes: c.inBytes.Load(), Out: c.outRecords.Load(), OutBytes: c.outBytes.Load(),
			Throttled: c.writeThrottled.Load() + c.readThrottled.Load(), Open: len(st.open), Shards: []pageShard{}, Consumers: []pageConsumer{}}
		for _, sh := range st.shards {
			if left--; left < 0 {
				overview.Hidden++
				continue
			}
			p.Shards = append(p.Shards, shapePageShard(sh))
		}
		for _, consumer := range st.desc.Consumers {
			shape := s.shapeConsumer(st, consumer)
			p.Consumers = append(p.Consumers, pageConsumer{consumer.Name, shape.ConsumerStatus, s.subscriptions.of(shape.ConsumerARN)})
		}
		overview.Streams = append(overview.Streams, p)
	}
	return overview
}

func shapePageShard(sh *shard) pageShard {
	p := pageShard{ID: sh.id(), Parents: []string{}, Open: sh.open(), First: sh.Hash.First.String(), Last: sh.Hash.Last.String(),
		From: sh.Hash.First.fraction(), To: sh.Hash.Last.fraction(), In: sh.log.stats.inRecords.Load(), Out: sh.log.stats.outRecords.Load()}
	for _, parent := range sh.Parents {
		p.Parents = append(p.Parents, shardID(parent))
	}
	if sh.tail() > sh.Start {
		p.TailMs = sh.tail().millis()
	}
	return p
}

// fraction is the place of a hash key in the hash space, from 0 to 1.
func (h hash128) fraction() float64 {
	f, _ := new(big.Float).SetInt(h.big()).Float64()
	return f / (1 << 63) / (1 << 63) / 4
}

func (s *Server) servePageRecords(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > pageRecords {
		limit = pageRecords
	}
	name := r.URL.Query().Get("stream")
	st := s.catalog.named(name)
	if st == nil || st.gone(s.nowMs()) {
		pageReply(w, http.StatusNotFound, map[string]string{"error": "there is no stream " + strconv.Quote(clip(name))})
		return
	}
	records, err := s.lastRecords(st, limit)
	if err != nil {
		s.opts.Logger.Error("kinesis page failed", "stream", name, "error", err)
		pageReply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	pageReply(w, http.StatusOK, records)
}

// lastRecords are the newest records of a stream over all its shards, the newest first.
func (s *Server) lastRecords(st *stream, limit int) ([]pageRecord, error) {
	began := time.Now()
	var newest []tailRecord
	for _, sh := range st.shards {
		if len(newest) == limit && sh.tail() <= newest[limit-1].at {
			continue
		}
		var err error
		if newest, err = s.tailOf(st, sh, newest, limit); err != nil {
			return nil, err
		}
		if time.Since(began) > time.Second {
			break // of very many shards a part must do
		}
	}
	records := []pageRecord{}
	for _, t := range newest {
		p := pageRecord{Shard: shardID(t.shard), Sequence: formatSequence(t.shard, t.at), AtMs: t.at.millis(), Views: ViewRecord(t.key, t.data)}
		if len(p.Views) > pageRecords {
			p.Views = p.Views[:pageRecords]
		}
		for i, v := range p.Views {
			if len(v.Text) > pageTextBytes {
				p.Views[i].Text = clipTo(v.Text, pageTextBytes)
			}
		}
		records = append(records, p)
	}
	return records, nil
}

// tailRecord is a record read from the end of a shard.
type tailRecord struct {
	at    position
	shard uint32
	key   string
	data  []byte
}

// tailOf merges the last records of a shard into newest, which is sorted from the newest on and stays within limit.
func (s *Server) tailOf(st *stream, sh *shard, newest []tailRecord, limit int) ([]tailRecord, error) {
	iter, err := s.store.records(st.desc.ID, sh.Index, st.horizon(s.nowMs()), sh.tail()+1)
	if err != nil {
		return nil, err
	}
	defer iter.Close()
	for iter.Last(); iter.Valid(); iter.Prev() {
		at := keyPosition(iter.Key())
		place := len(newest)
		for place > 0 && newest[place-1].at < at {
			place--
		}
		if place == limit {
			break
		}
		key, data, err := splitRecord(iter.Value())
		if err != nil {
			return nil, err
		}
		newest = append(newest, tailRecord{})
		copy(newest[place+1:], newest[place:])
		newest[place] = tailRecord{at, sh.Index, string(key), append([]byte(nil), data...)}
		newest = newest[:min(len(newest), limit)]
	}
	return newest, iter.Error()
}
