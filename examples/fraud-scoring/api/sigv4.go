package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Checker verifies AWS signatures, version 4, in the header Authorization.
type Checker struct {
	Service, Region string
	Secrets         map[string]string // by access key
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// skew is how old a signature may be, and how far ahead: Amazon's five minutes.
const skew = 5 * time.Minute

// Check gives an error, in Amazon's words, unless the request was signed for this service by a key that is known.
func (c *Checker) Check(r *http.Request, body []byte) error {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return errors.New("Missing Authentication Token")
	}
	auth := map[string]string{}
	for _, f := range strings.Split(fields, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		auth[k] = v
	}
	scope := strings.Split(auth["Credential"], "/") // key/date/region/service/aws4_request
	if len(scope) != 5 || scope[4] != "aws4_request" {
		return errors.New("Authorization header requires 'Credential' parameter")
	}
	secret, known := c.Secrets[scope[0]]
	if !known {
		return errors.New("The security token included in the request is invalid.")
	}
	if scope[2] != c.Region || scope[3] != c.Service {
		return fmt.Errorf("Credential should be scoped to a valid region and service, not %q, %q.", scope[2], scope[3])
	}
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if err != nil || stamp[:8] != scope[1] {
		return errors.New("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if age := now().Sub(at); age.Abs() > skew {
		return fmt.Errorf("Signature expired: %s is now earlier or later than %s allow", stamp, skew)
	}
	signed := strings.Split(auth["SignedHeaders"], ";")
	if !slices.Contains(signed, "host") || !slices.Contains(signed, "x-amz-date") {
		return errors.New("'Host' and 'X-Amz-Date' must be signed headers")
	}
	key := []byte("AWS4" + secret)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	sum := sha256.Sum256([]byte(canonical(r, signed, body)))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, strings.Join(scope[1:], "/"), hex.EncodeToString(sum[:])}, "\n")
	if want := hex.EncodeToString(mac(key, text)); !hmac.Equal([]byte(want), []byte(auth["Signature"])) {
		return errors.New("The request signature we calculated does not match the signature you provided.")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical is the text of a request that is signed.
func canonical(r *http.Request, signed []string, body []byte) string {
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	var query []string
	for k, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, encode(k)+"="+encode(v))
		}
	}
	slices.Sort(query)
	segments := strings.Split(r.URL.EscapedPath(), "/") // encoded a second time: only S3 is not
	for i, s := range segments {
		segments[i] = encode(s)
	}
	sum := sha256.Sum256(body)
	return strings.Join([]string{r.Method, strings.Join(segments, "/"), strings.Join(query, "&"), headers.String(), strings.Join(signed, ";"), hex.EncodeToString(sum[:])}, "\n")
}

// encode is Amazon's encoding of URLs: spaces are %20.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
