package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"weir/connectors"
	wa "weir/connectors/aws"
	"weir/sql/types"
)

// client is the DynamoDB API of one table. It is safe for concurrent use.
type client struct {
	env   *connectors.Env
	table string // of DynamoDB
	api   *dynamodb.Client

	mu    sync.Mutex
	fails int  // calls since the last that was answered in full
	slow  bool // the user was told that the table is throttled, or that nobody answers
}

// connect makes the API for a table of a session, whose calls are counted.
func (c *config) connect(ctx context.Context, env *connectors.Env, table string) (*client, error) {
	session := c.session
	if session.Region == "" {
		session.Region = arnRegion(c.table)
	}
	cfg, err := session.Config(ctx)
	if err != nil {
		return nil, fmt.Errorf("DynamoDB table %q: %w", c.table, err)
	}
	wa.Count(&cfg, env.Meter(table, "dynamodb:"+c.table))
	// Whoever calls retries, and knows for how long: not the SDK too.
	api := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	return &client{env: env, table: c.table, api: api}, nil
}

// arnRegion is the region that the ARN of a table names.
func arnRegion(table string) string {
	if parts := strings.Split(table, ":"); len(parts) > 3 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

// tableKey is the key of a DynamoDB table: the partition key, and the sort key where there is one.
type tableKey struct {
	names []string
	types []dtypes.ScalarAttributeType // as long as names; "": not known
}

func (k tableKey) String() string {
	parts := make([]string, len(k.names))
	for i, name := range k.names {
		parts[i] = name
		if k.types[i] != "" {
			parts[i] += " " + string(k.types[i])
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// describe asks for the table's key. Not allowed to ask, it gives errNoDescribe.
func (c *client) describe(ctx context.Context) (tableKey, error) {
	wait := firstWait
	for try := 1; ; try++ {
		out, err := c.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &c.table})
		if err == nil {
			return keyOf(out.Table), nil
		}
		var api smithy.APIError
		if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
			return tableKey{}, errNoDescribe
		}
		if classify(err) == wa.Fatal || try == startTries || ctx.Err() != nil {
			return tableKey{}, c.explain(ctx, "describing it", err)
		}
		if err := connectors.Sleep(ctx, wait); err != nil {
			return tableKey{}, err
		}
		wait = min(2*wait, 2*time.Second)
	}
}

var errNoDescribe = errors.New("dynamodb:DescribeTable is not allowed")

// startTries is how often a call at the start is tried: nobody wants to wait long to learn that an address is wrong.
const startTries = 8

func keyOf(t *dtypes.TableDescription) tableKey {
	var k tableKey
	for _, kind := range []dtypes.KeyType{dtypes.KeyTypeHash, dtypes.KeyTypeRange} {
		for _, e := range t.KeySchema {
			if e.KeyType != kind {
				continue
			}
			typ := dtypes.ScalarAttributeType("")
			for _, d := range t.AttributeDefinitions {
				if aws.ToString(d.AttributeName) == aws.ToString(e.AttributeName) {
					typ = d.AttributeType
				}
			}
			k.names, k.types = append(k.names, aws.ToString(e.AttributeName)), append(k.types, typ)
		}
	}
	return k
}

// scalarOf is how a column of a type is written: S, N or B; "" where it cannot be a key.
func scalarOf(t types.Type) dtypes.ScalarAttributeType {
	switch {
	case t.IsString(), t.IsDatetime(), t.Kind == types.IntervalYM:
		return dtypes.ScalarAttributeTypeS
	case t.IsNumeric(), t.Kind == types.IntervalDS:
		return dtypes.ScalarAttributeTypeN
	case t.IsBytes():
		return dtypes.ScalarAttributeTypeB
	}
	return ""
}

// checkTypes compares the key's types with the columns of the same names.
func (c *client) checkTypes(k tableKey, cols types.Schema) error {
	for i, name := range k.names {
		at := cols.Index(name)
		if at < 0 {
			return fmt.Errorf("DynamoDB table %q has the key %s, but there is no column %q: declare it", c.table, k, name)
		}
		is := scalarOf(cols[at].Type)
		if is == "" {
			return fmt.Errorf("DynamoDB table %q: column %q is %s, which cannot be in a key: keys are texts, numbers or bytes", c.table, name, cols[at].Type)
		}
		if k.types[i] != "" && is != k.types[i] {
			return fmt.Errorf("DynamoDB table %q has the key %s, but column %q is %s, which is written as %s: declare it %s",
				c.table, k, name, cols[at].Type, is, map[dtypes.ScalarAttributeType]string{"S": "STRING", "N": "a number, as BIGINT", "B": "BYTES"}[k.types[i]])
		}
	}
	return nil
}

// explain names the table in an error, and says what to do.
func (c *client) explain(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.As(err, new(*nonsense)) {
		return fmt.Errorf("DynamoDB table %q, %s: %w", c.table, what, err)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return wa.Explain(fmt.Sprintf("DynamoDB table %q, %s", c.table, what), err)
	}
	switch code, msg := api.ErrorCode(), api.ErrorMessage(); {
	case code == "ResourceNotFoundException":
		return wa.Explained(err, "there is no DynamoDB table %q: create it (aws dynamodb create-table), or correct 'table-name', 'aws.region' and 'aws.endpoint' of the table", c.table)
	case strings.HasPrefix(code, "AccessDenied"):
		return wa.Explained(err, "DynamoDB table %q, %s: AWS refuses it: %s; allow the action to the credentials' user or role", c.table, what, msg)
	case blamesKey(err):
		return wa.Explained(err, "DynamoDB table %q, %s: its key is another: %s; declare its partition key, and its sort key if it has one, as PRIMARY KEY (...) NOT ENFORCED, with the types that they have there", c.table, what, msg)
	}
	return wa.Explain(fmt.Sprintf("DynamoDB table %q, %s", c.table, what), err)
}

// blamesKey tells whether a request was refused because the table has another key than is thought: no item of such
// a request will ever be taken.
func blamesKey(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ValidationException" {
		return false
	}
	return slices.ContainsFunc([]string{
		"does not match the schema", "Query condition missed key schema element", "Missing the key", "Type mismatch for key",
		"Query key condition not supported", "number of conditions on the keys is invalid",
	}, func(part string) bool { return strings.Contains(api.ErrorMessage(), part) })
}

// blamesItems tells whether a request was refused for what is in it.
func blamesItems(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "ValidationException" || api.ErrorCode() == "ItemCollectionSizeLimitExceededException")
}

// held is told that a call was refused for a while, or left something undone; the user learns of the second in a row.
func (c *client) held(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails++; !c.slow && c.fails > 1 {
		c.slow = true
		c.env.Warn(fmt.Sprintf("DynamoDB table %q: %s; trying again, and holding the job back", c.table, reason))
	}
}

// answered is told that a call was done in full.
func (c *client) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = 0
	if c.slow {
		c.slow = false
		c.env.Warn(fmt.Sprintf("DynamoDB table %q takes requests again", c.table))
	}
}

// classify is that of all AWS calls, with the codes that are this service's own.
func classify(err error) wa.Class {
	if errors.As(err, new(*nonsense)) {
		return wa.Fatal
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "RequestLimitExceeded" {
		return wa.Throttled
	}
	return wa.Classify(err)
}

// nonsense is an answer that cannot be, of a server that is none of DynamoDB.
type nonsense struct{ error }

// reasonOf is a short text of an error that passes.
func reasonOf(err error) string {
	var api smithy.APIError
	switch {
	case classify(err) == wa.Throttled:
		return throttled
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return wa.Root(err)
}

const throttled = "its requests are throttled (its capacity is too low for this rate)"

const (
	firstWait = 50 * time.Millisecond
	maxWait   = 5 * time.Second
)

// jitter is between half of a pause and all of it, so that those who were refused together do not come back together.
func (c *client) jitter(wait time.Duration) time.Duration {
	return wait/2 + time.Duration(c.env.Random()%uint64(wait/2))
}
