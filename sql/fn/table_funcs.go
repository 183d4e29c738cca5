package fn

import "strings"

// TableFunc is a function that stands in FROM. The planner knows what it does; this is what people are told.
type TableFunc struct {
	Name   string
	Syntax string
	Doc    string
	// Examples are whole queries over the table bids of BidsTable; Want is their rows, a line each, values separated by blanks.
	Examples []Example
}

// BidsTable makes the table that examples of table functions read.
const BidsTable = `CREATE TEMPORARY TABLE bids (item STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'memory');
INSERT INTO bids VALUES ('A', 4, TIMESTAMP '2024-01-01 08:07:00'), ('B', 2, TIMESTAMP '2024-01-01 08:09:00'), ('A', 5, TIMESTAMP '2024-01-01 08:11:00'), ('A', 1, TIMESTAMP '2024-01-01 08:21:00')`

// TableFuncs are the functions that stand in FROM, by name.
var TableFuncs = []TableFunc{
	{"CUMULATE", "CUMULATE(TABLE t, DESCRIPTOR(time), step, size [, offset])",
		"Puts each row into the windows that begin at multiples of the size and end a step later, two steps later, and so on up to the size. Adds `window_start`, `window_end` (behind the last instant) and `window_time` (the last instant, a time attribute).",
		[]Example{{"SELECT window_end, SUM(price) AS total FROM CUMULATE(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end",
			"2024-01-01 08:10:00.000 6\n2024-01-01 08:15:00.000 5\n2024-01-01 08:20:00.000 5\n2024-01-01 08:25:00.000 1\n2024-01-01 08:30:00.000 1"}}},
	{"FROM_CHANGELOG", "FROM_CHANGELOG(input => TABLE t [, op => DESCRIPTOR(column)] [, op_mapping => MAP['code, code', 'INSERT', ...]])",
		"Makes changes of rows: a column, `op` or the one that is named, says whether a row is an INSERT, UPDATE_BEFORE, UPDATE_AFTER or DELETE, in these words or in the codes of the mapping. The column itself is left out. " +
			"A row with another code, or NULL, is a bad one: the query fails, or the row goes where `error-handling.mode` of its table says. The changes of a row must be in order, so they belong in one shard.",
		[]Example{{"SELECT item, SUM(price) AS total FROM FROM_CHANGELOG(input => (SELECT IF(price = 5, 'minus', 'plus') AS op, item, IF(price = 5, 4, price) AS price FROM bids), op_mapping => MAP['plus', 'INSERT', 'minus', 'DELETE']) GROUP BY item HAVING item = 'B'",
			"B 2"}}},
	{"HOP", "HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset])",
		"Puts each row into all windows of the size that it is in; one begins at each multiple of the slide. Adds `window_start`, `window_end` (behind the last instant) and `window_time` (the last instant, a time attribute).",
		[]Example{{"SELECT window_start, SUM(price) AS total FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE) GROUP BY window_start, window_end",
			"2024-01-01 08:00:00.000 6\n2024-01-01 08:05:00.000 11\n2024-01-01 08:10:00.000 5\n2024-01-01 08:15:00.000 1\n2024-01-01 08:20:00.000 1"}}},
	{"ML_PREDICT", "ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(column, ...) [, MAP['async', 'true', ...]])",
		"Gives each row with the model's output for the named columns behind it. CREATE MODEL declares a model and who answers for it. The map may have `async`, `output-mode`, `max-concurrent-operations` and `timeout`, in place of the settings `table.exec.async-ml-predict.*`.", nil},
	{"SESSION", "SESSION(TABLE t [PARTITION BY column, ...], DESCRIPTOR(time), gap)",
		"Puts the rows of each key that follow each other within the gap into one window. Adds `window_start`, `window_end` (the gap behind the last row) and `window_time`.",
		[]Example{{"SELECT item, window_start, COUNT(*) AS n FROM SESSION(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '5' MINUTE) GROUP BY item, window_start, window_end",
			"A 2024-01-01 08:07:00.000 2\nA 2024-01-01 08:21:00.000 1\nB 2024-01-01 08:09:00.000 1"}}},
	{"STAGGER", "STAGGER(TABLE t PARTITION BY column, ..., DESCRIPTOR(time), size)",
		"Begins a window of the size with the first row of a key that is in none: rows that arrive about the same time stay together, wherever the clock stands. An extension: Flink does not have it.",
		[]Example{{"SELECT item, window_start, SUM(price) AS total FROM STAGGER(TABLE bids PARTITION BY item, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY item, window_start, window_end",
			"A 2024-01-01 08:07:00.000 9\nA 2024-01-01 08:21:00.000 1\nB 2024-01-01 08:09:00.000 2"}}},
	{"TO_CHANGELOG", "TO_CHANGELOG(input => TABLE t [, op => DESCRIPTOR(column)] [, op_mapping => MAP['INSERT, UPDATE_AFTER', 'code', ...]])",
		"Gives each change of a table as a new row, with INSERT, UPDATE_BEFORE, UPDATE_AFTER or DELETE in a column in front, `op` or the one that is named. With a mapping it is the code there, and changes without one are left out. So changes go to sinks that only take new rows.",
		[]Example{{"SELECT * FROM TO_CHANGELOG(input => (SELECT item, COUNT(*) AS n FROM bids WHERE price > 1 GROUP BY item))",
			"INSERT A 1\nINSERT B 1\nUPDATE_AFTER A 2\nUPDATE_BEFORE A 1"}}},
	{"TUMBLE", "TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])",
		"Puts each row into the one window of the size that it is in; windows begin at multiples of the size. Adds `window_start`, `window_end` (behind the last instant) and `window_time` (the last instant, a time attribute).",
		[]Example{{"SELECT window_start, COUNT(*) AS n FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' MINUTE) GROUP BY window_start, window_end",
			"2024-01-01 08:00:00.000 2\n2024-01-01 08:10:00.000 1\n2024-01-01 08:20:00.000 1"}}},
	{"UNNEST", "UNNEST(collection) [WITH ORDINALITY] AS t (column, ...)",
		"Gives a row for each element of an ARRAY, MAP or MULTISET of the row before it: of an array of rows their fields, of a map key and value. WITH ORDINALITY adds the place, from 1.",
		[]Example{{"SELECT item, x, i FROM bids CROSS JOIN UNNEST(ARRAY['u', 'v']) WITH ORDINALITY AS t (x, i) WHERE item = 'B'", "B u 1\nB v 2"}}},
}

// LookupTableFunc finds a table function, in any case.
func LookupTableFunc(name string) (*TableFunc, bool) {
	for i := range TableFuncs {
		if strings.EqualFold(TableFuncs[i].Name, name) {
			return &TableFuncs[i], true
		}
	}
	return nil, false
}
