package connectors

// How to write a connector
//
// A connector is a folder here and a line in connectors/all. Start from one that is close: blackhole
// (a sink, 50 lines), datagen (a source of rows, by Generated), filesystem (a source of records with
// splits, offsets and any format, and a sink with transactions).
//
//  1. Declare it: a Connector with Name, Doc and a whole CREATE TABLE as Example. The docs, DESCRIBE
//     CONNECTOR and completion come from these.
//  2. Bind its options in Config.Options, a line each: name, type, default, documentation, target. Use
//     Flink's names where they exist; accept those without effect with Unused. format.Bind binds
//     'format' and, once one is chosen, the format's own options.
//  3. To read, implement Reads. Source may check what it was given; it connects in Splits and Read. Each
//     split is read by one Reader (records, decoded by the Decoder of the format) or BatchReader (rows).
//     Offsets are bytes of your own: reading on from one gives exactly what follows the record.
//  4. To write, implement Writes. Write may buffer within its limits; Flush stages; Commit publishes
//     and does nothing the second time. A sink that leaves something behind in a crash is a Restorer.
//  5. Test that reading goes on behind each record, and that a crash between any two calls of the sink
//     neither loses nor repeats a row; see filesystem_test.go.
