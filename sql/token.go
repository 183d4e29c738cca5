package sql

import (
	"slices"
	"strings"
)

// Kind is the kind of a token.
type Kind uint8

// The kinds of tokens.
const (
	EOF       Kind = iota
	Word           // a bare name or keyword
	Quoted         // `name`
	String         // 'text', U&'text'
	Binary         // X'4A'
	Number         // 1, 1.5, .5, 1e3
	Symbol         // an operator or bracket
	HintOpen       // /*+
	HintClose      // the */ of a hint
	Comment        // -- , // and /* */: only from Tokens
	Bad            // text that is no token; the parser reports why
)

// Token is one token of a SQL text, which is src[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
}

// Text is the token's source text.
func (t Token) Text(src string) string { return src[t.Start:t.End] }

// is tells whether t is the given bare word (in upper case) or symbol, letter case aside.
func (t Token) is(src, want string) bool {
	if t.End-t.Start != len(want) || (t.Kind != Word && t.Kind != Symbol) {
		return false
	}
	return upperEqual(src[t.Start:t.End], want)
}

// upperEqual compares s with an ASCII upper-case word, letter case aside.
func upperEqual(s, upper string) bool {
	if len(s) != len(upper) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// words splits a space-separated table of words.
func words(table string) []string { return strings.Fields(table) }

// notOperand are the words which cannot be a name where an expression may start: there they mean that
// the expression is missing. All others may.
const notOperand = ` ALL AND AS BETWEEN BY CREATE CROSS DISTINCT ELSE END EXCEPT FETCH FOR FROM FULL
 GROUP HAVING IN INNER INTERSECT INTO IS JOIN LATERAL LEFT LIKE LIMIT MATCH_RECOGNIZE MINUS NATURAL ON OR ORDER
 OVER PARTITION QUALIFY RIGHT SELECT SIMILAR TABLE THEN UNION UNNEST USING VALUES WHEN WHERE WINDOW WITH `

// notAlias are the words which cannot be an alias without AS: they go on with the query.
const notAlias = ` ALL AND AS BETWEEN BY CROSS ELSE END ESCAPE EXCEPT FETCH FOR FROM FULL
 GROUP HAVING IN INNER INTERSECT INTO IS JOIN LATERAL LEFT LIKE LIMIT MATCH_RECOGNIZE MEMBER MINUS NATURAL NOT
 OFFSET ON OR ORDER OVER OVERLAPS PARTITION PIVOT QUALIFY RIGHT SELECT SIMILAR SUBMULTISET
 TABLESAMPLE THEN UNION UNNEST UNPIVOT USING VALUES WHEN WHERE WINDOW WITH `

// notName are the words which even after AS, or as a table's name, cannot be meant as a name.
const notName = ` AND AS CROSS EXCEPT FROM FULL GROUP HAVING INNER INTERSECT JOIN LEFT LIMIT NATURAL ON OR ORDER
 RIGHT SELECT UNION USING WHERE WITH `

// oneOf tells whether the token is a bare word of a table such as notAlias.
func (t Token) oneOf(src, table string) bool {
	if t.Kind != Word || t.End-t.Start > 16 {
		return false
	}
	var buf [18]byte
	b := append(buf[:0], ' ')
	for _, c := range []byte(src[t.Start:t.End]) {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return wordIn(table, string(b[1:]))
}

// wordIn looks an upper-case word up in a table of words between white space.
func wordIn(table, word string) bool {
	for rest := table; word != ""; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if i > 0 && rest[i-1] <= ' ' && end < len(rest) && rest[end] <= ' ' {
			return true
		}
		rest = rest[i+1:]
	}
	return false
}

// clauseWords are the keywords offered for a misspelt word inside a query.
const clauseWords = `SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET FETCH UNION INTERSECT EXCEPT JOIN INNER
 LEFT RIGHT FULL OUTER CROSS NATURAL ON USING AS AND OR NOT IN IS NULL LIKE BETWEEN EXISTS CASE WHEN THEN ELSE END WITH WINDOW
 OVER PARTITION ROWS RANGE VALUES LATERAL UNNEST TABLE QUALIFY MATCH_RECOGNIZE INTERVAL CAST ASC DESC`

// statementWords are the words a statement may start with.
const statementWords = `SELECT WITH VALUES TABLE INSERT UPDATE DELETE CREATE ALTER DROP EXPLAIN LINT DIAGNOSE SHOW DESCRIBE DESC USE SET
 RESET EXECUTE COMPILE BEGIN STOP RETRY ADD REMOVE LOAD UNLOAD ANALYZE TRUNCATE CALL`

// moreWords are keywords of DDL and utility statements, for highlighting and completion.
const moreWords = `ADD AFTER ALL ANY ARRAY BEGIN BIGINT BINARY BOOLEAN BUCKETS BYTES CATALOG CATALOGS CHAR COLUMN COLUMNS
 COMMENT COMPUTE CONSTRAINT CUBE CUMULATE CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DATABASES DATE DAY
 DECIMAL DEFAULT DEFINE DESCRIPTOR DISTRIBUTED DOUBLE ENFORCED ESCAPE EXCLUDING EXTENDED EXTRACT FALSE FILTER FIRST FLOAT
 FOLLOWING FUNCTION FUNCTIONS GROUPING HASH HOP HOUR IF INCLUDING INT INTEGER INTO JAR JARS JOB JOBS KEY LANGUAGE LAST
 LOCALTIME LOCALTIMESTAMP MAP MATCH MEASURES METADATA MINUTE MODEL MODELS MODIFY MODULE MODULES MONTH MULTISET NEXT NULLS
 NUMERIC ONE ONLY OPTIONS ORDINALITY OVERWRITE OVERWRITING PARTITIONED PARTITIONS PAST PATTERN PER PLAN PRECEDING PRECISION PRIMARY
 RENAME REPLACE RESPECT RETURNING ROLLUP ROW SECOND SESSION SETS SIMILAR SKIP SMALLINT STATEMENT STRING SUBSET SYMMETRIC SYSTEM
 SYSTEM_TIME TABLES TEMPORARY TIME TIMESTAMP TIMESTAMP_LTZ TINYINT TO TRUE TRY_CAST TUMBLE UNBOUNDED UNKNOWN VARBINARY VARCHAR VIEW
 VIEWS VIRTUAL WATERMARK WITHIN WITHOUT YEAR ZONE IGNORE`

// Keywords lists the keywords of the dialect in upper case and order: for completion.
func Keywords() []string {
	list := slices.Concat(words(clauseWords), words(statementWords), words(moreWords))
	slices.Sort(list)
	return slices.Compact(list)
}

// IsKeyword tells whether a word is a keyword, letter case aside: for highlighting. Most keywords may be
// names too.
func IsKeyword(word string) bool {
	if len(word) > 20 {
		return false
	}
	w := strings.ToUpper(word)
	return wordIn(" "+clauseWords+" ", w) || wordIn(" "+statementWords+" ", w) || wordIn(" "+moreWords+" ", w)
}
