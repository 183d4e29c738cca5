// Package jobserver is the HTTP side of a server of jobs: Flink's JobManager REST API in Flink's shapes, so that
// its tools work; an API of its own under /api/v1; Prometheus metrics; health. It also has the client of it.
//
// Contract: handlers are safe for concurrent use and hold no state but savepoints under way, which are bounded.
// A request whose Host is a foreign name, or whose Origin is another site, is refused: a web page must not reach
// the server through a browser. Bodies are bounded. Nothing that is answered holds a secret of a table.
// Times in Flink's shapes are milliseconds since 1970, -1 where there is none.
package jobserver
