// Package local is the embedded Kinesis server: the Amazon Kinesis Data Streams API over HTTP on the
// loopback interface, durable in Pebble, so that any Kinesis client works without an account.
//
// # Contract
//
// A record whose put was acknowledged survives the death of the process: puts which are waiting at the
// same moment share one Pebble batch and one WAL sync (writer.go), and are acknowledged after it.
// Sequence numbers are unique and strictly increasing within a shard, also across restarts and when the
// wall clock steps back (seq.go).
//
// A disk without space refuses puts and ends neither the process nor what reads (disk.go).
//
// # Transports
//
// One port takes clear text and TLS, HTTP/1.1 and HTTP/2, the latter also with prior knowledge inside TLS (listener.go).
// Requests must carry a signature, which is verified when keys are configured (sigv4.go). Requests for a foreign host
// name or from a foreign page are refused.
//
// # Units
//
// Times inside are int64 milliseconds since the epoch, from Options.Clock; on the wire JSON carries
// seconds with a fraction and CBOR carries milliseconds. Sizes are bytes unless the name says KiB.
//
// # Concurrency
//
// One goroutine, the writer, makes every change: puts and control operations go through its bounded queue
// in turn. A *stream is an immutable snapshot, replaced as a whole in the catalog; only the
// *shardLog it points to moves (its committed tail). So readers take a snapshot and need no lock.
//
// At most maxPages pages of records are in memory at a time, whatever number of clients reads (lease.go).
//
// # Invariants
//
// Open shards of a stream always tile the hash space 0..2^128-1 without gap or overlap. A shard's tail
// never passes a record which is not yet durable, so readers never see a record that a crash could take back.
// One process owns a directory at a time (lock.go).
package local
