package local

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature version 4: the verification of requests, and the signing of our own client's.
const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	sigTime      = "20060102T150405Z"
	sigService   = "kinesis"
	sigTolerance = 5 * time.Minute // between the clocks of client and server
	sigLongest   = 7 * 24 * time.Hour

	unsignedPayload = "UNSIGNED-PAYLOAD"
	authorityHeader = ":authority" // what HTTP/2 has for the host, which the JavaScript SDK signs
)

// signature is what a request says of its own signing.
type signature struct {
	accessKey string
	date      string // of the scope, yyyymmdd
	region    string
	service   string
	headers   []string // signed ones, lower case, sorted
	given     string   // hex
	at        time.Time
	expires   time.Duration // 0 but for signed URLs
	query     bool          // the signature is in the URL
}

func incompleteSignature(format string, args ...any) *apiError {
	return newError("IncompleteSignatureException", format, args...)
}

// parseSignature reads the Authorization header, or the query of a signed URL.
func parseSignature(r *http.Request) (signature, error) {
	var sig signature
	var credential, signed, date string
	if auth := r.Header.Get("Authorization"); auth != "" {
		rest, ok := strings.CutPrefix(auth, sigAlgorithm)
		if !ok {
			return sig, incompleteSignature("Authorization header requires algorithm %s.", sigAlgorithm)
		}
		for part := range strings.SplitSeq(rest, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch key {
			case "Credential":
				credential = value
			case "SignedHeaders":
				signed = value
			case "Signature":
				sig.given = value
			}
		}
		date = cmp.Or(r.Header.Get("X-Amz-Date"), r.Header.Get("Date"))
	} else {
		q := r.URL.Query()
		sig.query = true
		credential, signed, sig.given, date = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date")
		life, err := time.ParseDuration(q.Get("X-Amz-Expires") + "s")
		if q.Get("X-Amz-Algorithm") != sigAlgorithm || err != nil || life <= 0 || life > sigLongest {
			return sig, incompleteSignature("A signed URL requires X-Amz-Algorithm %s and X-Amz-Expires of at most %v.", sigAlgorithm, sigLongest)
		}
		sig.expires = life
	}
	scope := strings.Split(credential, "/")
	at, err := time.Parse(sigTime, date)
	if len(scope) != 5 || scope[4] != "aws4_request" || signed == "" || sig.given == "" || err != nil {
		return sig, incompleteSignature("The request requires a Credential with its scope, SignedHeaders, a Signature and an X-Amz-Date.")
	}
	sig.accessKey, sig.date, sig.region, sig.service, sig.at = scope[0], scope[1], scope[2], scope[3], at
	sig.headers = strings.Split(signed, ";")
	return sig, nil
}

// check is all that needs no secret and no body.
func (sig signature) check(now time.Time) error {
	switch {
	case sig.service != sigService:
		return newError("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", sigService)
	case sig.date != sig.at.Format("20060102"):
		return newError("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", clip(sig.date), sig.at.Format("20060102"))
	case !slices.Contains(sig.headers, "host") && !slices.Contains(sig.headers, authorityHeader):
		return newError("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	case sig.at.After(now.Add(sigTolerance)):
		return newError("InvalidSignatureException", "Signature not yet current: %s is still later than %s (%s + 5 min.)", sig.at.Format(sigTime), now.Add(sigTolerance).Format(sigTime), now.Format(sigTime))
	case sig.at.Before(now.Add(-max(sig.expires, sigTolerance))):
		return newError("InvalidSignatureException", "Signature expired: %s is now earlier than %s (%s - 5 min.)", sig.at.Format(sigTime), now.Add(-sigTolerance).Format(sigTime), now.Format(sigTime))
	}
	return nil
}

// sum is the signature that the secret makes for the request.
func (sig signature) sum(secret string, r *http.Request, body []byte) (string, error) {
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if hash := sha256.Sum256(body); payload != unsignedPayload {
		actual := hex.EncodeToString(hash[:])
		if payload != "" && payload != actual {
			return "", errors.New("x-amz-content-sha256 is of other bytes")
		}
		payload = actual
	}
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + canonicalPath(r.URL) + "\n" + canonicalQuery(r.URL) + "\n")
	for _, name := range sig.headers {
		canonical.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	canonical.WriteString("\n" + strings.Join(sig.headers, ";") + "\n" + payload)
	hash := sha256.Sum256([]byte(canonical.String()))
	scope := sig.date + "/" + sig.region + "/" + sig.service + "/aws4_request"
	text := sigAlgorithm + "\n" + sig.at.Format(sigTime) + "\n" + scope + "\n" + hex.EncodeToString(hash[:])
	key := []byte("AWS4" + secret)
	for _, part := range []string{sig.date, sig.region, sig.service, "aws4_request", text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key), nil
}

func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	return escapeRFC3986(path, true)
}

// canonicalQuery sorts by name and value; the signature itself is not part of what it signs.
func canonicalQuery(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, escapeRFC3986(name, false)+"="+escapeRFC3986(value, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escapeRFC3986(text string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0
		if plain || keepSlash && c == '/' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// canonicalHeader joins the values of a header with their spaces folded. The host and the length are not among the
// headers that net/http gives.
func canonicalHeader(r *http.Request, name string) string {
	switch values := r.Header.Values(name); {
	case name == "host", name == authorityHeader:
		return r.Host
	case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
		return strconv.FormatInt(r.ContentLength, 10)
	default:
		folded := make([]string, len(values))
		for i, v := range values {
			folded[i] = strings.Join(strings.Fields(v), " ")
		}
		return strings.Join(folded, ",")
	}
}

// beginSigned refuses what is wrong before the body is read. Without configured keys any signature will do, but there
// must be one, as a client without credentials is misconfigured.
func (s *Server) beginSigned(r *http.Request) (signature, error) {
	auth := r.Header.Get("Authorization")
	if auth == "" && r.URL.Query().Get("X-Amz-Signature") == "" {
		return signature{}, newError("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	if len(s.opts.Credentials) == 0 {
		if auth != "" && !strings.HasPrefix(auth, "AWS4-") {
			return signature{}, incompleteSignature("Authorization header requires a signature of version 4")
		}
		return signature{}, nil
	}
	sig, err := parseSignature(r)
	if err != nil {
		return sig, err
	}
	if _, known := s.opts.Credentials[sig.accessKey]; !known {
		return sig, newError("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return sig, sig.check(time.Now().UTC())
}

// checkSigned verifies the signature over the body, when keys are configured.
func (s *Server) checkSigned(sig signature, r *http.Request, body []byte) error {
	if len(s.opts.Credentials) == 0 {
		return nil
	}
	want, err := sig.sum(s.opts.Credentials[sig.accessKey], r, body)
	if err != nil || !hmac.Equal([]byte(want), []byte(sig.given)) {
		return newError("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// sign signs a request of our own client.
func sign(r *http.Request, body []byte, accessKey, secret, token, region string, now time.Time) error {
	now = now.UTC()
	r.Header.Set("X-Amz-Date", now.Format(sigTime))
	sig := signature{accessKey: accessKey, date: now.Format("20060102"), region: region, service: sigService, at: now,
		headers: []string{"content-type", "host", "x-amz-date"}}
	if token != "" {
		r.Header.Set("X-Amz-Security-Token", token)
		sig.headers = append(sig.headers, "x-amz-security-token")
	}
	sig.headers = append(sig.headers, "x-amz-target")
	r.Host = cmp.Or(r.Host, r.URL.Host)
	sum, err := sig.sum(secret, r, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", sigAlgorithm+" Credential="+accessKey+"/"+sig.date+"/"+region+"/"+sigService+"/aws4_request, SignedHeaders="+
		strings.Join(sig.headers, ";")+", Signature="+sum)
	return nil
}
